"""How far a server's clock is from ours, learnt from the times that it states."""

from collections import deque


class ClockSkew:
    """A range that must hold (server clock minus ours), from the last `window` statements.

    A server that states the time T, cut to a precision, read its clock after we sent and before we
    received, so its clock is ahead of ours by something in (T - received, T + precision - sent). All
    statements must be true at once, so we intersect: quick answers cut the range, slow ones do no harm,
    and Date headers, although in whole seconds, pin it down to far less than a second. When the ranges
    no longer meet, a clock was set: only the newest statement counts.
    """

    def __init__(self, window: int = 32) -> None:
        self._ranges = deque[tuple[int, int]](maxlen=window)
        self._low_ns = self._high_ns = 0

    def note(self, server_ns: int, precision_ns: int, sent_ns: int, received_ns: int) -> None:
        """Learn from one statement; all times in nanoseconds since the epoch."""
        if received_ns < sent_ns:
            return  # our own clock was set back in between: this tells nothing
        self._ranges.append((server_ns - received_ns, server_ns + precision_ns - sent_ns))
        self._intersect()
        if self._low_ns > self._high_ns:
            newest = self._ranges[-1]
            self._ranges.clear()
            self._ranges.append(newest)
            self._intersect()

    @property
    def skew_ns(self) -> int | None:
        """Return how far the server is ahead of us, or None while it never stated a time."""
        return (self._low_ns + self._high_ns) // 2 if self._ranges else None

    @property
    def uncertainty_ns(self) -> int | None:
        """Return by how much `skew_ns` can be wrong in either direction."""
        return (self._high_ns - self._low_ns + 1) // 2 if self._ranges else None

    def _intersect(self) -> None:
        self._low_ns = max(low for low, _ in self._ranges)
        self._high_ns = min(high for _, high in self._ranges)
