"""The three ways a write can end. Whoever writes must handle all three; there is no fourth."""

from dataclasses import dataclass, field
from typing import Literal

type Cause = Literal[
    "timeout", "disconnect", "server_error", "throttled", "unreadable", "unexpected_status", "cancelled"
]

NOT_SENT = "not_sent"  # code of a refusal of our own: it ended before a byte of the request left


@dataclass(frozen=True, slots=True)
class Done[T]:
    """The server says it did it; `value` is its answer in the type that was asked for."""

    value: T
    status: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The server says no and nothing changed, or (`code` NOT_SENT, `status` 0) it was never asked.

    `code` and `reason` are the server's own words where its body has them, else empty and the body's
    beginning. What a status means for an order stays with the venue's adapter: a duplicate id may mean
    that the first one lives, a cancel of an unknown order that it has filled.
    """

    status: int
    code: str
    reason: str
    body: bytes = field(default=b"", repr=False)

    @property
    def was_sent(self) -> bool:
        """Tell whether the server was asked at all."""
        return self.code != NOT_SENT


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it was done. This is a state to stay in until the server tells, not an error.

    `cause` is the kind of trouble (a `Cause`), `reason` the story for a human. `status` and `code` are
    what the server said, if it answered: it may tell of a pause, but never that nothing was done.
    """

    reason: str
    cause: Cause
    status: int = 0
    code: str = ""
    body: bytes = field(default=b"", repr=False)


type Outcome[T] = Done[T] | Refused | Unknown
