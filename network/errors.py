"""What can go wrong between us and a server, where it may be raised: in reads and on sockets.

NetworkError
    Unreachable     no usable answer came: no connection, timeout, answer cut off
    ServerError     the server failed (5xx)
    Throttled       the server says we ask too often
    Refusal         the server understood a read and said no, or sent us elsewhere
    BadReply        an answer came, but it does not say what it should
    SlowConsumer    frames arrived faster than they were handled
    SocketClosed    there is no connection to send on

A write raises none of these: it ends in an outcome. No message ever holds a request's headers.
"""

from typing import override


class NetworkError(Exception):
    """Something between us and a server went wrong."""


class Unreachable(NetworkError):
    """No usable answer came back."""


class ServerError(NetworkError):
    """The server failed, by its own account; `code` and `reason` are its words, such as of a pause."""

    def __init__(self, place: str, status: int, code: str = "", reason: str = "") -> None:
        super().__init__(f"expected an answer from {place}, found status {status} {code}: {reason}")
        self.status = status
        self.code = code
        self.reason = reason


class Throttled(NetworkError):
    """The server wants fewer requests; `retry_after_secs` is None when it does not say for how long."""

    def __init__(self, place: str, retry_after_secs: float | None) -> None:
        wish = "" if retry_after_secs is None else f", retry after {retry_after_secs:g} s"
        super().__init__(f"expected an answer from {place}, found too many requests{wish}")
        self.retry_after_secs = retry_after_secs


class Refusal(NetworkError):
    """The server said no to a read."""

    def __init__(self, place: str, status: int, code: str, reason: str) -> None:
        super().__init__(f"expected an answer from {place}, found status {status} {code}: {reason}")
        self.status = status
        self.code = code
        self.reason = reason


class BadReply(NetworkError):
    """An answer does not have the shape it should; `place` is the endpoint and the path in the body."""

    def __init__(self, place: str, found: str) -> None:
        super().__init__(place, found)
        self.place = place
        self.found = found

    @override
    def __str__(self) -> str:
        return f"{self.place}: {self.found}"


class SlowConsumer(NetworkError):
    """Frames waited in a full queue; `discarded` of them were thrown away with their connection."""

    def __init__(self, discarded: int) -> None:
        super().__init__(f"slow consumer: {discarded} frames were waiting and are discarded")
        self.discarded = discarded


class SocketClosed(NetworkError):
    """There is no open connection to send on."""
