"""Whether trading is on: three states, each with the cause that led there."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What may pass: everything, only what sells a position, nothing. Cancels always pass."""

    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class StateChange:
    """When the state changed, why, and who wanted it; `operator` is None when the system did.

    `lifted_by` says who may go back to `ACTIVE`.
    """

    state: State
    cause: str
    now_ns: int
    operator: str | None = None

    @property
    def lifted_by(self) -> str:
        return "nobody needs to" if self.state == State.ACTIVE else "a named operator, with a reason"


class Switch:
    """The state now. It tightens by itself; only a named operator with a reason loosens it."""

    def __init__(self) -> None:
        self.state = State.ACTIVE
        self.history: list[StateChange] = []

    @property
    def cause(self) -> str:
        """Why the state is what it is."""
        return self.history[-1].cause if self.history else "started"

    def halt(self, cause: str, now_ns: int) -> None:
        """Let nothing new out; a second halt keeps the first cause."""
        if self.state != State.HALTED:
            self._change(StateChange(State.HALTED, cause, now_ns))

    def reduce_only(self, cause: str, now_ns: int) -> None:
        """Let out only what sells a position; a halt stays a halt."""
        if self.state == State.ACTIVE:
            self._change(StateChange(State.REDUCE_ONLY, cause, now_ns))

    def resume(self, reason: str, operator: str, now_ns: int) -> None:
        """Trade again; ValueError without a reason or an operator's name."""
        if not reason.strip() or not operator.strip():
            raise ValueError(
                f"expected a reason and an operator's name to resume, found {reason!r} and {operator!r}"
            )
        self._change(StateChange(State.ACTIVE, reason, now_ns, operator))

    def as_plain(self) -> dict[str, Any]:
        """Return the state, with how it came to be, as plain data."""
        return {"history": [asdict(change) for change in self.history]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Switch":
        """Return the state that `as_plain` wrote."""
        switch = cls()
        for one in plain["history"]:
            switch._change(StateChange(**(one | {"state": State(one["state"])})))
        return switch

    def _change(self, change: StateChange) -> None:
        self.state = change.state
        self.history.append(change)
