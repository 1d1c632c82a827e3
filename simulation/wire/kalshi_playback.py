"""Plays a recorded session into the double's books, shifted to now, at any speed.

Prices, sizes and order are the recording's; ids, numbering and clocks are the double's own. Kalshi's
recordings before September 2026 have no `clock`: deltas of equal `ts` are one group (kalshi.md section 8).
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from simulation.wire.kalshi_control import Control, Listing
from simulation.wire.kalshi_events import IndexValue
from simulation.wire.kalshi_life import Outcome
from simulation.wire.kalshi_markets import CLOSED, Market
from simulation.wire.kalshi_orders import Trade
from simulation.wire.kalshi_recordings import Recorded
from simulation.wire.kalshi_tape import Change, Tape
from simulation.wire.kalshi_units import MILLI_NS, ONE_PRICE, SECOND_NS, parse_count, parse_price, parse_time
from simulation.wire.pacing import Pacing

_WINDOW_NS = 900 * SECOND_NS
_TERMS = ("strike_type", "floor_strike", "cap_strike", "custom_strike", "yes_sub_title")


@dataclass(slots=True)
class PlaybackReport:
    """What was played: messages, groups of deltas, prints, index values, markets in order."""

    messages: int = 0
    groups: int = 0
    deltas: int = 0
    trades: int = 0
    indices: int = 0
    markets: list[str] = field(default_factory=list)


class Playback:
    """One session on its way into the books.

    `speed` 1 is real time, 10 is ten times as fast, 0 is as fast as the readers can follow. Results come
    from `results` (ticker to yes or no) or from the strike chain: yes when the next strike is not lower.
    """

    def __init__(
        self,
        control: Control,
        messages: Iterable[Recorded],
        speed: float = 1.0,
        exchange_index: int = 2,
        results: dict[str, str] | None = None,
    ) -> None:
        self.control = control
        self.exchange = control.exchange
        self.messages = messages
        self.pacing = Pacing(speed, self.exchange.now_ns, self.exchange.settings.buffer_frames // 2)
        self.exchange_index = exchange_index
        self.results = dict(results or {})
        self.report = PlaybackReport()
        self._tapes: dict[str, Tape] = {}
        self._strikes: dict[str, float] = {}
        self._group: tuple[str, str] | None = None
        self._changes: list[Change] = []
        self._takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "ticker": self._ticker,
            "trade": self._trade,
            "cfbenchmarks_value": self._index,
            "market_lifecycle_v2": self._life,
            "watch_market": self._watch,
            "listing": lambda body: self._row(body["market"]),
            "row": self._row,
        }
        control.life.outcome_of = self._outcome

    async def run(self) -> None:
        """Play to the end."""
        for message in self.messages:
            if message.kind != "orderbook_delta" or _group_of(message.body) != self._group:
                self.flush()  # a group is applied whole, however its parts were spread over time
                await self.pacing.wait(message.recv_ns, self.report.messages)
            self.feed(message)
        self.flush()

    def feed(self, message: Recorded) -> None:
        """Apply one message; a delta waits until its group is complete."""
        self.report.messages += 1
        self.pacing.see(message.recv_ns)
        if message.kind == "orderbook_delta":
            self._delta(message)
            return
        self.flush()
        if message.kind == "orderbook_snapshot":
            self._tape(message.body).replace(_levels(message))
        elif taker := self._takers.get(message.kind):
            taker(message.body)

    def flush(self) -> None:
        """Apply the group that is being collected."""
        if self._group is not None and self._changes:
            self._tapes[self._group[0]].apply(self._changes)
            self.report.groups += 1
        self._group, self._changes = None, []

    def _delta(self, message: Recorded) -> None:
        body = message.body
        self._tape(body)
        key = _group_of(body)
        if key != self._group:
            self.flush()
            self._group = key
        is_bid, price = body["side"] == "yes", parse_price(body["price_dollars"])
        is_yes_price = is_bid or message.is_yes_priced
        size = parse_count(body["delta_fp"])
        self._changes.append((is_bid, price if is_yes_price else ONE_PRICE - price, size))
        self.report.deltas += 1

    def _ticker(self, body: dict[str, Any]) -> None:
        market = self._tape(body).market
        market.last_price = parse_price(body["price_dollars"])
        market.tape_volume = parse_count(body["volume_fp"])
        market.tape_interest = parse_count(body["open_interest_fp"])

    def _trade(self, body: dict[str, Any]) -> None:
        """Print it; the book's part of it is in the deltas, and its volume in the tickers."""
        market = self._tape(body).market
        taker_is_bid = body.get("taker_outcome_side", body.get("taker_side")) == "yes"
        trade = Trade(
            self.exchange.next_number(), self.exchange.new_id(), market.ticker, parse_price(body["yes_price_dollars"]),
            parse_count(body["count_fp"]), taker_is_bid, self.exchange.now_ns(),
        )  # fmt: skip
        market.last_price, market.last_size = trade.price, trade.count
        market.trades.append(trade)
        self.exchange.trades.append(trade)
        action = self.exchange.begin(market)
        action.trades.append(trade)
        self.exchange.close(action)
        self.report.trades += 1

    def _index(self, body: dict[str, Any]) -> None:
        value = json.loads(body["data"])
        at_ns = self.pacing.shifted(int(value["time"]) * MILLI_NS)
        averages = (body.get("avg_60s_data"), body.get("last_60s_windowed_average_15min"))
        average, window = (self._average(part) for part in averages)
        self.exchange.tell(IndexValue(body["index_id"], at_ns, str(value["value"]), average or {}, window))
        self.report.indices += 1

    def _average(self, body: dict[str, Any] | None) -> dict[str, Any] | None:
        if body is None:
            return None
        names = ("window_start_ts_ms", "window_end_ts_exclusive")
        times = {
            name: self.pacing.shifted(int(body[name]) * MILLI_NS) // MILLI_NS
            for name in names
            if name in body
        }
        return body | times

    def _life(self, body: dict[str, Any]) -> None:
        ticker, kind = str(body["market_ticker"]), body["event_type"]
        if kind == "created" and ticker not in self._tapes:
            more = body.get("additional_metadata") or {}
            facts = {name: more[name] for name in _TERMS if name in more}
            opens, closes = (int(body[name]) * SECOND_NS for name in ("open_ts", "close_ts"))
            event = str(more.get("event_ticker") or ticker.rpartition("-")[0])
            self._tapes[ticker] = Tape(self.exchange, self._listed(ticker, event, (opens, closes), facts))
            self.report.markets.append(ticker)
        elif kind == "determined" and body.get("result") in ("yes", "no"):
            self.results.setdefault(ticker, str(body["result"]))
            self._determine_late(ticker)

    def _row(self, body: dict[str, Any]) -> None:
        """Take what REST said of a market: our own recorder keeps it, since a socket tells of births only."""
        ticker, result = str(body["ticker"]), body.get("result")
        if ticker not in self._tapes and body.get("open_time") and body.get("close_time"):
            facts = {name: body[name] for name in _TERMS if body.get(name) is not None}
            if "floor_strike" in facts:
                facts["floor_strike"] = float(facts["floor_strike"])
            life = (parse_time(str(body["open_time"])), parse_time(str(body["close_time"])))
            event = str(body.get("event_ticker") or ticker.rpartition("-")[0])
            self._tapes[ticker] = Tape(self.exchange, self._listed(ticker, event, life, facts))
            self.report.markets.append(ticker)
        if result in ("yes", "no"):
            self.results.setdefault(ticker, result)
            self._determine_late(ticker)

    def _watch(self, body: dict[str, Any]) -> None:
        ticker = str(body["market_ticker"])
        if body.get("strike") is None or ticker in self._strikes:
            return
        for earlier, strike in list(self._strikes.items())[-1:]:
            self.results.setdefault(earlier, "yes" if float(body["strike"]) >= strike else "no")
            self._determine_late(earlier)
        self._strikes[ticker] = float(body["strike"])
        self._tape(body)

    def _tape(self, body: dict[str, Any]) -> Tape:
        ticker = str(body["market_ticker"])
        found = self._tapes.get(ticker)
        if found is None:
            found = self._tapes[ticker] = Tape(self.exchange, self._list(ticker, body))
            self.report.markets.append(ticker)
        return found

    def _list(self, ticker: str, body: dict[str, Any]) -> Market:
        if ticker in self.exchange.markets:
            return self.exchange.markets[ticker]
        close = body.get("close_time")
        close_ns = parse_time(str(close)) if close else self.pacing.at_ns + _WINDOW_NS
        facts: dict[str, Any] = {}
        if ticker in self._strikes:
            facts = {"strike_type": "greater_or_equal", "floor_strike": self._strikes[ticker]}
        event = ticker.rpartition("-")[0]
        return self._listed(ticker, event, (close_ns - _WINDOW_NS, close_ns), facts)

    def _listed(self, ticker: str, event: str, life_ns: tuple[int, int], facts: dict[str, Any]) -> Market:
        opens_ns, closes_ns = map(self.pacing.shifted, life_ns)
        listing = Listing(
            ticker, event, ticker.partition("-")[0], min(opens_ns, self.exchange.now_ns()), closes_ns,
            "tapered_deci_cent", exchange_index=self.exchange_index, facts=facts,
        )  # fmt: skip
        return self.control.list_market(listing)

    def _outcome(self, market: Market) -> Outcome | None:
        result = self.results.get(market.ticker)
        return (result, ONE_PRICE if result == "yes" else 0) if result else None

    def _determine_late(self, ticker: str) -> None:
        market = self.exchange.markets.get(ticker)
        if market is not None and market.status == CLOSED:
            self.control.life.determine(ticker, self.results[ticker])


def _group_of(body: dict[str, Any]) -> tuple[str, str]:
    return str(body["market_ticker"]), str(body.get("clock") or body.get("ts") or body.get("ts_ms"))


def _levels(message: Recorded) -> dict[tuple[bool, int], int]:
    levels: dict[tuple[bool, int], int] = {}
    for name, is_bid in (("yes_dollars_fp", True), ("no_dollars_fp", False)):
        for text, size in message.body.get(name) or ():
            price = parse_price(text)
            is_yes_price = is_bid or message.is_yes_priced
            levels[(is_bid, price if is_yes_price else ONE_PRICE - price)] = parse_count(size)
    return levels
