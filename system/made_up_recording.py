"""Make up what a Kalshi socket would have said, from the generator's markets: class S, and the file says so.

One line of JSON a frame, as recorders write it: `{"recv_ns", "frame"}`; field names and shapes are the venue's
(reference, section 8, read 2026-11-20).
"""

import gzip
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from msgspec import json
from nautilus_trader.model import AggressorSide, CustomData, OrderBookDelta, OrderSide, RecordFlag, TradeTick

from markets.facts import Fact, MarketPhase, MarketResolution, OraclePrice, Phase
from markets.instruments import info_of
from simulation.generator import GeneratorSettings, MarketTape, generate

_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
_MILLI_NS: Final = 1_000_000
_LAST: Final = RecordFlag.F_LAST.value
_SNAPSHOT: Final = RecordFlag.F_SNAPSHOT.value

type Frame = tuple[str, dict[str, Any]]


def write_recording(file: Path, settings: GeneratorSettings, on_market: Callable[[int], None]) -> int:
    """Write the generated markets to `file`, whole or not at all; return how many frames there are."""
    rows: list[tuple[int, Frame]] = []
    for done, tape in enumerate(generate(settings), 1):
        rows += frames_of(tape)
        on_market(done)
    rows.sort(key=itemgetter(0))  # stable: what happens at once stays in its order
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    secs = (rows[-1][0] - rows[0][0]) / _SECOND_NS
    about = {"source": "SYNTHETIC", "seed": settings.seed, "secs": secs}
    head = {"recv_ns": rows[0][0], "control": "recording", "info": about}
    with gzip.open(draft, "wb", compresslevel=6) as lines:
        lines.write(json.encode(head) + b"\n")
        for at_ns, (kind, body) in rows:
            lines.write(json.encode({"recv_ns": at_ns, "frame": {"type": kind, "msg": body}}) + b"\n")
    draft.rename(file)
    return len(rows)


def frames_of(tape: MarketTape) -> Iterator[tuple[int, Frame]]:
    """Yield when each frame about the market would have come, and the frame, in order."""
    book, index = _Book(str(info_of(tape.instruments[0])["market"])), _Index()
    created = _created(info_of(tape.instruments[0]))
    for row in tape.data:
        match row:
            case OrderBookDelta():
                if row.flags & _SNAPSHOT and not row.flags & _LAST:
                    book.take(row)
                    continue
                yield from ((row.ts_init, frame) for frame in book.frames(row))
            case TradeTick():
                yield row.ts_init, _trade(book.ticker, row)
            case CustomData():
                yield from ((row.ts_init, frame) for frame in _of_fact(row.data, index, created))
            case _:
                continue  # a quote: the venue tells it by its book


class _Book:
    """One market's book on its way back into signed changes."""

    def __init__(self, ticker: str) -> None:
        self.ticker = ticker
        self._sizes: dict[tuple[bool, Decimal], Decimal] = {}
        self._clock = 1

    def take(self, delta: OrderBookDelta) -> Decimal:
        """Apply a change; return by how much the level grew."""
        order = delta.order
        key = (order.side == OrderSide.BUY, order.price.as_decimal())
        size = order.size.as_decimal() if delta.action.name in ("ADD", "UPDATE") else Decimal(0)
        grown = size - self._sizes.get(key, Decimal(0))
        self._sizes[key] = size
        return grown

    def frames(self, delta: OrderBookDelta) -> Iterator[Frame]:
        """Yield the frame that tells of a change, a whole snapshot at its last one."""
        grown = self.take(delta)
        if delta.flags & _SNAPSHOT:
            yield "orderbook_snapshot", self._snapshot()
        elif grown:
            yield "orderbook_delta", self._delta(delta, grown)
        if delta.flags & _LAST:
            self._clock += 1

    def _delta(self, delta: OrderBookDelta, grown: Decimal) -> dict[str, Any]:
        is_bid, price = delta.order.side == OrderSide.BUY, delta.order.price.as_decimal()
        return self._about() | {
            "side": "yes" if is_bid else "no",
            "price_dollars": f"{price if is_bid else 1 - price:.4f}",
            "delta_fp": f"{grown:.2f}",
            "ts_ms": delta.ts_event // _MILLI_NS,
        }

    def _snapshot(self) -> dict[str, Any]:
        yes = sorted((price, size) for (is_bid, price), size in self._sizes.items() if is_bid and size)
        no = sorted((1 - price, size) for (is_bid, price), size in self._sizes.items() if not is_bid and size)
        sides = {"yes_dollars_fp": yes, "no_dollars_fp": no}
        texts = {name: [[f"{p:.4f}", f"{s:.2f}"] for p, s in side] for name, side in sides.items() if side}
        return self._about() | texts

    def _about(self) -> dict[str, Any]:
        return {"market_ticker": self.ticker, "market_id": self.ticker, "clock": self._clock}


def _trade(ticker: str, trade: TradeTick) -> Frame:
    price, is_bid = trade.price.as_decimal(), trade.aggressor_side == AggressorSide.BUY
    return "trade", {
        "trade_id": str(trade.trade_id),
        "market_ticker": ticker,
        "yes_price_dollars": f"{price:.4f}",
        "no_price_dollars": f"{1 - price:.4f}",
        "count_fp": f"{trade.size.as_decimal():.2f}",
        "taker_outcome_side": "yes" if is_bid else "no",
        "taker_book_side": "bid" if is_bid else "ask",
        "is_block_trade": False,
        "ts_ms": trade.ts_event // _MILLI_NS,
    }


class _Index:
    """The values of an index in the last minute, for the average that each message carries."""

    def __init__(self) -> None:
        self._last: deque[tuple[int, Decimal]] = deque()

    def frame(self, price: OraclePrice) -> Frame:
        """Return the message of one value."""
        self._last.append((price.ts_event, price.value))
        while self._last[0][0] <= price.ts_event - _MINUTE_NS:
            self._last.popleft()
        mean = sum(value for _, value in self._last) / len(self._last)
        value = {
            "type": "value", "id": price.symbol, "time": price.ts_event // _MILLI_NS, "value": str(price.value),
        }  # fmt: skip
        average = {
            "value": f"{mean:.8f}",
            "window_size": len(self._last),
            "window_start_ts_ms": self._last[0][0] // _MILLI_NS,
            "window_end_ts_exclusive": price.ts_event // _MILLI_NS + 1,
        }
        return "cfbenchmarks_value", {
            "index_id": price.symbol,
            "received_at": price.ts_init // _MILLI_NS,
            "data": json.encode(value).decode(),
            "avg_60s_data": average,
        }


def _of_fact(fact: Fact, index: _Index, created: Frame) -> Iterator[Frame]:
    match fact:
        case OraclePrice():
            yield index.frame(fact)
        case MarketPhase(phase=Phase.OPEN):
            yield created
        case MarketResolution():
            result = "yes" if fact.payout == 1 else "no"
            yield (
                "market_lifecycle_v2",
                {
                    "event_type": "determined",
                    "market_ticker": fact.market,
                    "result": result,
                    "settlement_value": f"{fact.payout:.4f}",
                    "determination_ts": fact.ts_event // _SECOND_NS,
                },
            )
        case _:
            return


def _created(info: Mapping[str, Any]) -> Frame:
    return "market_lifecycle_v2", {
        "event_type": "created",
        "market_ticker": info["market"],
        "open_ts": info["opens_ns"] // _SECOND_NS,
        "close_ts": info["closes_ns"] // _SECOND_NS,
        "additional_metadata": {
            "title": info["title"],
            "event_ticker": info["event"],
            "strike_type": info["strike_type"],
            "floor_strike": float(info["floor_strike"]),
        },
    }
