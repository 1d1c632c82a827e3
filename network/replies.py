"""What a server answered, and what it says about itself in there."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

import msgspec

from network.errors import BadReply, NetworkError, Refusal, ServerError, Throttled

_MOST_REASON = 300  # characters of a body that a message may quote
_CODES = ("code", "error_code", "retCode")
_REASONS = ("message", "msg", "reason", "error", "details", "retMsg")


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer; the times are ours, in nanoseconds since the epoch."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received_ns: int
    sent_ns: int
    endpoint: str = ""

    def decode[T](self, into: type[T]) -> T:
        """Return the body in the given type; `NoneType` takes any body and gives None.

        Raises BadReply, which names the endpoint, the path in the body, and what was found there.
        """
        if into is type(None):
            return None
        try:
            value: T = _decoder(cast(Hashable, into)).decode(self.body)
        except msgspec.DecodeError as error:
            found, _, path = str(error).partition(" - at ")
            raise BadReply(f"{self.endpoint} {path.strip('`')}".strip(), found) from error
        except UnicodeDecodeError as error:
            raise BadReply(self.endpoint, f"expected UTF-8, found {error.reason}") from error
        return value

    def complaint(self) -> tuple[str, str]:
        """Return code and reason as the body says them, whatever its shape; either may be empty."""
        try:
            said = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = None
        if not isinstance(said, dict):
            return "", self.body[:_MOST_REASON].decode(errors="replace")
        inner = said.get("error")
        if isinstance(inner, dict):
            said = inner
        reason = _first(said, _REASONS) or self.body.decode(errors="replace")
        return _first(said, _CODES), reason[:_MOST_REASON]

    @property
    def is_done(self) -> bool:
        """Tell whether the status is one of success."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_failure(self) -> bool:
        """Tell whether the server says that it failed."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_throttled(self) -> bool:
        """Tell whether the server says that we ask too often."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    def fault(self) -> NetworkError:
        """Return the error that a read raises for a status that is none of success."""
        if self.is_throttled:
            return Throttled(self.endpoint, self._retry_after_secs())
        if self.is_failure:
            return ServerError(self.endpoint, self.status, *self.complaint())
        return Refusal(self.endpoint, self.status, *self.complaint())

    def _retry_after_secs(self) -> float | None:
        wish = self.headers.get("Retry-After", "")
        return float(wish) if wish.isascii() and wish.isdigit() else None


@lru_cache(maxsize=256)
def _decoder(into: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(into)


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (said[name] for name in names if isinstance(said.get(name), str | int))
    return str(next(found, ""))
