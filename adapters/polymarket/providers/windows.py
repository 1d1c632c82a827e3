"""Up/down markets follow each other like windows: the names of those to come can be computed. Pure.

A window of five minutes can be over before a list is looked at again, so its market is asked for by name, ahead of
time. Source: reference, section 16 (read 2026-11-20).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

_SERIES: Final = re.compile(r"(?P<asset>[a-z0-9]+)-updown-(?P<span>5m|15m|4h)", re.ASCII)
_SLUG: Final = re.compile(r"(?P<series>[a-z0-9]+-updown-(?:5m|15m|4h))-(?P<start>\d{10})", re.ASCII)
_SPAN_SECS: Final = {"5m": 300, "15m": 900, "4h": 14_400}
_SECOND_NS: Final = 1_000_000_000
_ZONE: Final = ZoneInfo("America/New_York")  # windows of four hours begin on its hours


@dataclass(frozen=True, slots=True)
class Windows:
    """A series of windows of one asset, such as `btc-updown-5m`."""

    series: str
    asset: str
    span_secs: int

    @classmethod
    def of(cls, series: str) -> Self | None:
        """Return the windows that a series' name stands for; None for a series of another kind."""
        found = _SERIES.fullmatch(series)
        return cls(series, found["asset"], _SPAN_SECS[found["span"]]) if found else None

    def slugs(self, now_ns: int, ahead: int) -> list[str]:
        """Return the names of the window that is on at `now_ns` and of the `ahead` that follow."""
        now_secs = now_ns // _SECOND_NS
        start = now_secs - (now_secs - self._phase_secs(now_secs)) % self.span_secs
        return [f"{self.series}-{start + step * self.span_secs}" for step in range(ahead + 1)]

    def next_start_ns(self, now_ns: int) -> int:
        """Return when the next window begins."""
        return int(self.slugs(now_ns, 1)[1].rpartition("-")[2]) * _SECOND_NS

    def _phase_secs(self, now_secs: int) -> int:
        if self.span_secs < _SPAN_SECS["4h"]:
            return 0
        offset = datetime.fromtimestamp(now_secs, UTC).astimezone(_ZONE).utcoffset()
        return -round(offset.total_seconds()) % self.span_secs if offset else 0


@dataclass(frozen=True, slots=True)
class Window:
    """One market of such a series: when it begins and ends, in nanoseconds since the epoch."""

    windows: Windows
    start_ns: int

    @classmethod
    def of(cls, slug: str) -> Self | None:
        """Return the window that a market's name stands for; None for any other market."""
        found = _SLUG.fullmatch(slug)
        windows = Windows.of(found["series"]) if found else None
        return cls(windows, int(found["start"]) * _SECOND_NS) if found and windows else None

    @property
    def end_ns(self) -> int:
        """When the price that decides is taken."""
        return self.start_ns + self.windows.span_secs * _SECOND_NS
