import gzip
import json
import os
from pathlib import Path

import pytest

CLOSES = "2026-05-13T16:45:00Z"
MARKET = "KXBTC15M-26MAY131245-45"
START_NS = 1_778_690_000_000_000_000  # 16:33:20Z, within the market's quarter of an hour


@pytest.fixture
def data():
    root = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[3] / "../shared/data")).resolve()
    if not root.exists():
        pytest.skip(f"recorded data are not at {root}; set ARGONAUT_DATA")
    return root


class Recorder:
    """Writes lines as a recorder of raw frames does; `at` is in seconds after START_NS."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = []
        self.seq = 0

    def control(self, at, kind, **info):
        self.line(at, control=kind, market_ticker=info.get("market_ticker"), info=info)

    def connect(self, at, market=MARKET):
        self.seq = 0
        self.control(at, "ws_connected", market_ticker=market)

    def watch(self, at, market=MARKET, closes=CLOSES, strike=79018.84):
        self.control(at, "watch_market", market_ticker=market, close_time=closes, strike=strike)

    def frame(self, at, kind, sid=2, **msg):
        self.seq += 1
        self.line(at, frame={"type": kind, "sid": sid, "seq": self.seq, "msg": msg})

    def snapshot(self, at, yes=(), no=(), market=MARKET):
        sides = {"yes_dollars_fp": yes, "no_dollars_fp": no}
        self.frame(at, "orderbook_snapshot", market_ticker=market, **{k: v for k, v in sides.items() if v})

    def delta(self, at, side, price, change, ts="2026-05-13T16:33:20.5Z", market=MARKET):
        self.frame(
            at,
            "orderbook_delta",
            market_ticker=market,
            side=side,
            price_dollars=price,
            delta_fp=change,
            ts=ts,
        )

    def ticker(self, at, bid, ask, time, market=MARKET):
        quote = {"yes_bid_dollars": bid, "yes_ask_dollars": ask, "time": time}
        self.line(at, frame={"type": "ticker", "sid": 1, "msg": {"market_ticker": market, **quote}})

    def line(self, at, **content):
        self.lines.append(json.dumps({"recv_ns": START_NS + round(at * 1e9), **content}))

    def save(self, name="20260513T163320Z.jsonl", keep_bytes=None):
        text = "".join(f"{line}\n" for line in self.lines).encode()
        packed = gzip.compress(text) if name.endswith(".gz") else text
        path = self.folder / name
        path.write_bytes(packed[:keep_bytes])
        return path


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path)


@pytest.fixture
def new_recorder(tmp_path):
    return lambda: Recorder(tmp_path)
