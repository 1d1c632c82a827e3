"""The lines of a recording of ours, written by hand."""

import json
from decimal import Decimal

import msgspec

from adapters.kalshi.messages.market_data import PriceStep
from adapters.kalshi.messages.reference import Event, Market, Series
from adapters.kalshi.providers.schedule import SeriesFacts
from adapters.kalshi.providers.terms import Listing

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
A, B = "KXBTC15M-A-45", "KXBTC15M-B-00"


def row(ticker=A, **changes):
    known = {
        "open_time": "2026-01-01T00:00:00Z",
        "close_time": "2026-01-01T00:15:00Z",
        "event_ticker": ticker.rpartition("-")[0],
        "status": "active",
        "floor_strike": Decimal("68000.00"),
        "price_ranges": (PriceStep(start=Decimal(0), end=Decimal(1), step=Decimal("0.01")),),
    }
    return Market(ticker=ticker, **(known | changes))


def listing(ticker=A, **changes):
    series = Series(ticker="KXBTC15M", title="s", fee_type="quadratic", fee_multiplier=Decimal(1))
    event = Event(event_ticker=ticker.rpartition("-")[0], series_ticker="KXBTC15M")
    return Listing(SeriesFacts(series), event, row(ticker, **changes), says={"ticker": ticker})


class Script:
    """Writes the lines of a recording; times in seconds after the start."""

    def __init__(self):
        self.lines = []
        self.seq = 0
        self.head("run-1", 0)

    def head(self, run, at):
        self.note("recording", {"schema": 1, "run": run, "part": 1}, at)

    def note(self, kind, said, at):
        line = {"recv_ns": START + round(at * SECOND), "epoch": 0, "venue": "KALSHI", "control": kind}
        self.lines.append(json.dumps(line)[:-1].encode() + b',"info":' + msgspec.json.encode(said) + b"}")

    def frame(self, kind, msg, at, epoch=1, **more):
        frame = {"type": kind, "msg": msg} | more
        line = {"recv_ns": START + round(at * SECOND), "epoch": epoch, "venue": "KALSHI", "frame": frame}
        self.lines.append(json.dumps(line).encode())

    def book(self, kind, msg, at, epoch=1, sid=1, skip=0):
        self.seq += 1 + skip
        self.frame(kind, msg, at, epoch, sid=sid, seq=self.seq)

    def snapshot(self, at, market=A, bid="0.4000", ask="0.6000", **more):
        msg = {
            "market_ticker": market,
            "yes_dollars_fp": [[bid, "100.00"]],
            "no_dollars_fp": [[ask, "100.00"]],
        }
        self.book("orderbook_snapshot", msg, at, **more)

    def delta(self, at, price="0.4500", change="5.00", market=A, clock=None, side="yes", **more):
        msg = {"market_ticker": market, "side": side, "price_dollars": price, "delta_fp": change}
        if clock is not None:
            msg["ts"] = f"2026-01-01T00:00:{clock:09.6f}Z"
        self.book("orderbook_delta", msg, at, **more)

    def trade(self, at, number, market=A):
        msg = {"trade_id": f"t{number}", "market_ticker": market, "yes_price_dollars": "0.4000"}
        msg |= {"count_fp": "2.00", "taker_book_side": "ask", "ts_ms": START // 10**6 + round(at * 1000)}
        self.frame("trade", msg, at)


def eventful():
    """Two markets, actions of several deltas, a lost frame, a cut, a pause, a close and a payout."""
    script = Script()
    script.note("listing", listing(), 1)
    script.note("listing", listing(B, open_time="2026-01-01T00:00:20Z", status="initialized"), 1.5)
    script.snapshot(2)
    script.snapshot(2.1, B)
    script.delta(3, clock=3.0)
    script.delta(3, price="0.4600", clock=3.0)
    script.delta(3.5, market=B, clock=3.2)
    script.trade(4, 1)
    script.delta(4.5, clock=4.2)
    script.delta(5, clock=5.0, skip=1)
    script.delta(5.1, clock=5.0, market=B)
    script.snapshot(6)
    script.trade(6.5, 2)
    script.note("down", {"reason": "cut"}, 8)
    script.snapshot(9, B, epoch=2)
    script.note("shards", [0], 9.5)
    script.note("shards", [], 10)
    script.snapshot(12, epoch=2)
    script.note("trade", {"trade_id": "t3", "ticker": A, "yes_price_dollars": "0.4000", "count_fp": "1.00",
                          "taker_book_side": "bid", "created_time": "2026-01-01T00:00:07Z"}, 12.5)  # fmt: skip
    script.delta(13, clock=13.0, epoch=2)
    script.delta(21, clock=21.0, epoch=2, market=B)
    script.note("unwatched", {"market": B}, 30)
    life = {
        "event_type": "determined",
        "market_ticker": A,
        "result": "yes",
        "determination_ts": START // SECOND + 901,
    }
    script.frame("market_lifecycle_v2", life, 902, epoch=2)
    life = {"event_type": "settled", "market_ticker": A, "settled_ts": START // SECOND + 905}
    script.frame("market_lifecycle_v2", life, 906, epoch=2)
    return script
