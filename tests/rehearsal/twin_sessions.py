"""Recorded sessions to play: one made up here, one cut out of a real recording; both with an index each second."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from nautilus_trader.model import BookAction, CustomData, OrderBookDelta, OrderSide, TradeTick

from adapters.kalshi.messages.recordings import decode_spot_trade
from markets.facts import MarketResolution, OraclePrice
from simulation.generator import GeneratorSettings, generate
from simulation.wire.kalshi_recordings import Recorded, load_recording

SECOND = 1_000_000_000
REAL = Path(__file__).parents[3] / "shared" / "data" / "real" / "kalshi_btc15m_l2"
LAST = 128


def made_up(from_secs, until_secs, **settings):
    """Return frames of consecutive made-up markets between two moments after the first opening, and their results."""
    tapes = list(
        generate(GeneratorSettings(**({"seed": 11, "markets": 2, "events_per_second": 6.0} | settings)))
    )
    messages, results = [], {}
    for tape in tapes:
        messages += _frames(tape)
        for item in tape.data:
            if isinstance(item, CustomData) and isinstance(item.data, MarketResolution):
                results[item.data.market] = "yes" if item.data.payout == 1 else "no"
    messages.sort(key=lambda one: one.recv_ns)
    start_ns = tapes[0].instruments[0].activation_ns
    return excerpt(messages, start_ns + from_secs * SECOND, start_ns + until_secs * SECOND), results


def real(session, from_secs, until_secs):
    """Return frames of a real session between two moments after its first, with the spot of Coinbase as its index."""
    messages = list(load_recording(REAL / f"{session}.kalshi_ws.ndjson.zst"))
    spot = load_lines(REAL / f"{session}.coinbase_trades.ndjson.zst")
    messages += _index((trade.local_recv_ns, trade.price) for trade in map(decode_spot_trade, spot))
    messages.sort(key=lambda one: one.recv_ns)
    rows = json.loads((REAL / "markets.json").read_text())
    first_ns = messages[0].recv_ns
    cut = excerpt(messages, first_ns + from_secs * SECOND, first_ns + until_secs * SECOND)
    return cut, {row["ticker"]: row["result"] for row in rows if row["result"]}


def excerpt(messages, from_ns, until_ns):
    """Return the messages of a span, after the books and markets as they stood at its start.

    The index values from before it come at its start: strategies must have seen some before they trade.
    """
    markets, books, index = {}, {}, []
    for one in messages:
        if one.recv_ns >= from_ns:
            break
        ticker = one.body.get("market_ticker")
        if one.kind == "watch_market":
            markets[ticker] = one.body
        elif one.kind == "cfbenchmarks_value":
            index.append(Recorded(from_ns, one.kind, one.body))
        elif one.kind == "orderbook_snapshot":
            books[ticker] = {
                (side, Decimal(price)): Decimal(size)
                for side in ("yes", "no")
                for price, size in one.body.get(f"{side}_dollars_fp") or ()
            }
        elif one.kind == "orderbook_delta" and ticker in books:
            level = one.body["side"], Decimal(one.body["price_dollars"])
            size = books[ticker].pop(level, Decimal(0)) + Decimal(one.body["delta_fp"])
            if size:
                books[ticker][level] = size
    open_ones = {
        ticker: body
        for ticker, body in markets.items()
        if datetime.fromisoformat(body["close_time"]).timestamp() * SECOND > from_ns
    }
    start = [Recorded(from_ns, "watch_market", body) for body in open_ones.values()]
    start += [
        Recorded(from_ns, "orderbook_snapshot", _snapshot(t, books[t])) for t in open_ones if t in books
    ]
    return start + index + [one for one in messages if from_ns <= one.recv_ns < until_ns]


def load_lines(path):
    """Return the lines of a compressed file."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
        return stream.read().splitlines()


def _frames(tape):
    yes = tape.instruments[0]
    ticker, closes = yes.info["market"], datetime.fromtimestamp(yes.expiration_ns // SECOND, UTC)
    about = {"market_ticker": ticker, "close_time": closes.isoformat(), "strike": yes.info["floor_strike"]}
    yield Recorded(yes.activation_ns, "watch_market", about)
    yield Recorded(yes.activation_ns + 1, "orderbook_snapshot", {"market_ticker": ticker})
    levels, group = {}, []
    for item in tape.data:
        if isinstance(item, TradeTick):
            body = {"market_ticker": ticker, "yes_price_dollars": str(item.price), "count_fp": str(item.size)}
            side = "yes" if item.aggressor_side.name == "BUY" else "no"
            yield Recorded(item.ts_init, "trade", body | {"taker_side": side})
        elif isinstance(item, OrderBookDelta):
            group.append(item)
            if item.flags & LAST:
                yield from _group(ticker, levels, group)
                group = []
    spot = [item.data for item in tape.data if isinstance(item, CustomData)]
    yield from _index((one.ts_init, one.value) for one in spot if isinstance(one, OraclePrice))


def _group(ticker, levels, group):
    if any(one.action == BookAction.CLEAR for one in group):
        levels.clear()
        for one in group[1:]:
            levels[_place(one)] = one.order.size.as_decimal()
        yield Recorded(group[-1].ts_init, "orderbook_snapshot", _snapshot(ticker, levels))
        return
    for one in group:
        size = Decimal(0) if one.action == BookAction.DELETE else one.order.size.as_decimal()
        side, price = place = _place(one)
        change = size - levels.get(place, Decimal(0))
        levels[place] = size
        body = {"market_ticker": ticker, "side": side, "price_dollars": str(price), "delta_fp": str(change)}
        if change:
            yield Recorded(
                one.ts_init, "orderbook_delta", body | {"clock": f"{one.ts_event}-{group[0].sequence}"}
            )


def _place(delta):
    price = delta.order.price.as_decimal()
    return ("yes", price) if delta.order.side == OrderSide.BUY else ("no", 1 - price)


def _snapshot(ticker, levels):
    sides = {"yes_dollars_fp": "yes", "no_dollars_fp": "no"}
    return {"market_ticker": ticker} | {
        name: [[str(price), str(size)] for (one, price), size in levels.items() if one == side]
        for name, side in sides.items()
    }


def _index(prints):
    """Yield the last print of each second as that second's value."""
    last = None
    for at_ns, price in prints:
        if last is not None and at_ns // SECOND > last[0] // SECOND:
            second = (last[0] // SECOND + 1) * SECOND
            now_ms, value = second // 1_000_000, str(last[1])
            data = {"type": "value", "id": "BRTI", "time": now_ms, "value": value}
            mean = {"value": value, "window_size": 1, "window_start_ts_ms": now_ms - 1000}
            body = {"index_id": "BRTI", "data": json.dumps(data)}
            body["avg_60s_data"] = mean | {"window_end_ts_exclusive": now_ms}
            yield Recorded(second, "cfbenchmarks_value", body)
        last = at_ns, price
