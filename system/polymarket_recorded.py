"""A run that we recorded at Polymarket, as its double plays it again: its markets first, then its frames, at another time.

The catalogue's words were noted beside the frames, so the played venue lists what the recorded one did. Times are moved, and
the name of an up/down window tells its start: such a run is moved by whole windows, so that names and times fit each other.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Self

from msgspec.json import Decoder

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.clob import CompactFees
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.numbers import time_ns
from adapters.polymarket.providers.life import payout_of_row
from adapters.polymarket.providers.windows import Window
from markets.live.recorded_lines import decode_line, frame_of
from simulation.wire.polymarket_orders import About, Market
from simulation.wire.polymarket_recordings import Recorded
from storage.recording import RecordedRun
from system.polymarket_runs import MADE_UP, Listing, find_polymarket_run, is_made_up, lines_of, listings_of

_SECOND_NS: Final = 1_000_000_000
_LEAD_NS: Final = 8 * _SECOND_NS
_PRICE_UNITS: Final = 10_000


_ROW: Final = Decoder(GammaMarket)


@dataclass(frozen=True, slots=True)
class PlayedRun:
    """One recorded run, moved so that its first line is due at `begins_ns`; `speed` 2 is twice as fast, but 1 for windows."""

    run: RecordedRun
    listings: tuple[Listing, ...]
    begins_ns: int
    speed: float

    @classmethod
    def of(cls, recording: Path, speed: float, now_ns: int) -> Self:
        """Return a run that begins to be played soon, windows within one of them; BadBook when it is none of ours."""
        run = find_polymarket_run(recording)
        listings = tuple(listings_of(run))
        spans = [window.windows.span_secs for one in listings if (window := Window.of(one.market.slug))]
        step_ns = max(spans, default=0) * _SECOND_NS
        begins_ns = now_ns + _LEAD_NS
        if step_ns:
            begins_ns += (run.since_ns - begins_ns) % step_ns
        return cls(run, listings, begins_ns, speed)

    @property
    def is_made_up(self) -> bool:
        """Whether a double of ours said all this."""
        return is_made_up(self.run, self.listings)

    def at(self, recorded_ns: int) -> int:
        """Return when a recorded time comes in the playing."""
        return self.begins_ns + int((recorded_ns - self.run.since_ns) / self.speed)

    def markets(self) -> Iterator[Market]:
        """Yield what the venue has to list, under the names of the new times."""
        for number, one in enumerate(self.listings, start=1):
            row, book = one.market, one.book
            (first, second), fees = row.tokens, book.fees
            yield Market(
                row.condition_id,
                (first, second),
                (row.labels[0], row.labels[1]),
                tick=int(book.tick * _PRICE_UNITS),
                minimum_size=int(book.min_size * venue.BASE_UNITS),
                neg_risk=book.is_neg_risk,
                fee_rate=Fraction(fees.rate) if isinstance(fees, CompactFees) else Fraction(0),
                fee_exponent=fees.exponent if isinstance(fees, CompactFees) else 1,
                is_delayed=book.delays_takers,
                delay_secs=book.delay_secs,
                about=self._about(number, one),
            )

    def frames(self, now_ns: int) -> Iterator[Recorded]:
        """Yield the frames in their order, from `now_ns` on, when nothing has to be played yet."""
        yield Recorded(self.run.since_ns - int((self.begins_ns - now_ns) * self.speed), ())
        told = set[str]()
        for line in lines_of(self.run):
            found = decode_line(line)
            events = [] if found.control else _events(frame_of(found))
            told |= {str(one["market"]) for one in events if one["event_type"] == "market_resolved"}
            if found.control == "row":
                events = _result_of(_ROW.decode(found.info), told)
            if events:
                yield Recorded(found.recv_ns, tuple(events))

    def _about(self, number: int, one: Listing) -> About:
        row, event, config = one.market, one.event, one.market.crypto_market_config
        starts = row.event_start_time or row.start_date
        about = About(
            number,
            row.question + (MADE_UP if self.is_made_up and not row.question.endswith(MADE_UP) else ""),
            self._renamed(row.slug),
            self._renamed(event.slug or row.slug) if event else self._renamed(row.slug),
            (event.series_slug if event else None) or "",
            row.group_item_title or "",
            start_ns=self.at(time_ns(starts)) if starts else 0,
            end_ns=self.at(time_ns(row.end_date)) if row.end_date else 0,
        )
        if config is None:
            return about
        twap_secs = config.twap_lookback_seconds if config.twap_enabled else 0
        return replace(about, twap_secs=twap_secs or 0, asset=config.asset or "")

    def _renamed(self, slug: str) -> str:
        window = Window.of(slug)
        return slug if window is None else f"{window.windows.series}-{self.at(window.start_ns) // _SECOND_NS}"


def _events(frame: bytes) -> list[dict[str, Any]]:
    try:
        said = json.loads(frame)
    except ValueError:
        return []  # such as the answer to a ping
    events = said if isinstance(said, list) else [said]
    return [one for one in events if isinstance(one, dict) and "event_type" in one]


def _result_of(row: GammaMarket, told: set[str]) -> list[dict[str, Any]]:
    """Return the result that REST told and no frame did, as the stream would have said it, once."""
    payout = payout_of_row(row)
    if payout not in (0, 1) or row.condition_id in told:
        return []
    told.add(row.condition_id)
    winner = 0 if payout == 1 else 1
    return [
        {
            "event_type": "market_resolved",
            "id": row.id or "",
            "market": row.condition_id,
            "assets_ids": list(row.tokens),
            "winning_asset_id": row.tokens[winner],
            "winning_outcome": row.labels[winner],
            "timestamp": "0",
        }
    ]
