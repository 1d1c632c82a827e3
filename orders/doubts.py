"""Why no new risk may be taken at the venue now: what we and the venue may see differently."""

from collections.abc import Iterable


class Doubts:
    """Named reasons; while there is one, orders that open risk are denied."""

    def __init__(self, initial: Iterable[tuple[str, str]] = ()) -> None:
        self._reasons = dict(initial)

    def raise_(self, name: str, reason: str) -> None:
        """Doubt something from now on."""
        self._reasons[name] = reason

    def clear(self, name: str) -> None:
        """Doubt it no more."""
        self._reasons.pop(name, None)

    def has(self, name: str) -> bool:
        """Return whether this is doubted."""
        return name in self._reasons

    @property
    def all(self) -> tuple[str, ...]:
        """The reasons, the oldest first."""
        return tuple(self._reasons.values())

    @property
    def first(self) -> str | None:
        """The oldest reason, None when there is none."""
        return next(iter(self._reasons.values()), None)
