"""Plays a recorded market stream into the double's books, shifted to now, at any speed.

Prices, sizes and order are the recording's; timestamps and hashes are the double's own. A market is listed
with the first book of it: its tokens are those of that frame, a missing complement is made up.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from simulation.wire.pacing import Pacing
from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_orders import About, Market
from simulation.wire.polymarket_recordings import Recorded
from simulation.wire.polymarket_tape import Level, Tape
from simulation.wire.polymarket_units import ONE_PRICE, parse_amount, parse_price

Event = dict[str, Any]


@dataclass(slots=True)
class PlaybackReport:
    """What was played: frames, events by kind, markets in order."""

    frames: int = 0
    events: dict[str, int] = field(default_factory=dict)
    markets: list[str] = field(default_factory=list)


class Playback:
    """One session on its way into the books; frames of equal `timestamp` stay frames of their own."""

    def __init__(
        self, exchange: Exchange, frames: Iterable[Recorded], speed: float = 1.0, most_waiting: int = 10_000
    ) -> None:
        self.exchange = exchange
        self.frames = frames
        self.pacing = Pacing(speed, exchange.now_ns, most_waiting)
        self.report = PlaybackReport()
        self._tapes: dict[str, Tape] = {}
        self._rows: dict[str, Event] = {}
        self._takers: dict[str, Callable[[Event], None]] = {
            "row": self._row,
            "book": self._book,
            "price_change": self._change,
            "last_trade_price": self._trade,
            "tick_size_change": self._tick,
            "market_resolved": self._result,
        }

    async def run(self) -> None:
        """Play to the end."""
        for frame in self.frames:
            await self.pacing.wait(frame.recv_ns, self.report.frames)
            self.feed(frame)

    def feed(self, frame: Recorded) -> None:
        """Apply one frame."""
        self.pacing.see(frame.recv_ns)
        self.report.frames += 1
        self._list(frame.events)
        for event in frame.events:
            kind = str(event.get("event_type"))
            self.report.events[kind] = self.report.events.get(kind, 0) + 1
            taker = self._takers.get(kind)
            if taker is not None and (kind == "row" or event.get("market") in self._tapes):
                taker(event)

    def _row(self, event: Event) -> None:
        """Keep what the catalogue said of a market, for when its first book comes."""
        self._rows[str(event.get("conditionId"))] = event

    def _list(self, events: Iterable[Event]) -> None:
        """List markets of which a frame brings the first book."""
        fresh: dict[str, list[Event]] = {}
        for event in events:
            if event.get("event_type") == "book" and event["market"] not in self._tapes:
                fresh.setdefault(str(event["market"]), []).append(event)
        for condition, books in fresh.items():
            market = self.exchange.markets.get(condition) or self._make(condition, books)
            if condition not in self.exchange.markets:
                self.exchange.list_market(market)
            self._tapes[condition] = Tape(self.exchange, market)
            self.report.markets.append(condition)

    def _make(self, condition: str, books: list[Event]) -> Market:
        row = self._rows.get(condition, {})
        tokens = (
            json.loads(row["clobTokenIds"])
            if row
            else list(dict.fromkeys(str(one["asset_id"]) for one in books))
        )
        tokens = (*tokens, str(int(tokens[0]) ^ 1))[:2]
        names = json.loads(row["outcomes"]) if row else ["Yes", "No"]
        slug = str(row.get("slug") or condition)
        about = About(len(self._tapes) + 1, str(row.get("question") or slug), slug, tags=("Recorded",))
        tick = parse_price(str(books[0].get("tick_size") or "0.01"))
        return Market(
            condition, tokens, (names[0], names[1]), tick, neg_risk=bool(row.get("negRisk")), about=about
        )

    def _book(self, event: Event) -> None:
        tape = self._tapes[event["market"]]
        if (token := str(event["asset_id"])) in tape.market.tokens:
            rows = [(True, row) for row in event["bids"]] + [(False, row) for row in event["asks"]]
            sizes = {
                _level(tape.market, token, row["price"], is_bid=is_bid): row["size"] for is_bid, row in rows
            }
            tape.replace({level: parse_amount(str(size)) for level, size in sizes.items()})

    def _change(self, event: Event) -> None:
        tape = self._tapes[event["market"]]
        changes = {
            _level(tape.market, str(row["asset_id"]), row["price"], is_bid=row["side"] == "BUY"): row["size"]
            for row in event["price_changes"]
            if str(row["asset_id"]) in tape.market.tokens
        }
        tape.apply({level: parse_amount(str(size)) for level, size in changes.items()})

    def _trade(self, event: Event) -> None:
        tape, token = self._tapes[event["market"]], str(event["asset_id"])
        if token in tape.market.tokens and event.get("size"):
            price, size = parse_price(str(event["price"])), parse_amount(str(event["size"]))
            tape.print(token, price, size, is_buy=event["side"] == "BUY")

    def _tick(self, event: Event) -> None:
        market, tick = self._tapes[event["market"]].market, parse_price(str(event["new_tick_size"]))
        if market.tick != tick:
            self.exchange.change_tick(market, tick)

    def _result(self, event: Event) -> None:
        market, winner = self._tapes[event["market"]].market, str(event.get("winning_asset_id") or "")
        if not market.is_resolved and (not winner or winner in market.tokens):
            self.exchange.resolve(market, winner or None)


def _level(market: Market, token: str, price: object, *, is_bid: bool) -> Level:
    own = parse_price(str(price))
    return (is_bid, own) if market.is_yes(token) else (not is_bid, ONE_PRICE - own)
