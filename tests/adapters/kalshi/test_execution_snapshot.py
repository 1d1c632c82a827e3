"""What the venue knew at one moment: orders, fills and positions that fit together."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

from kalshi_orders import TICKER, fill

from adapters.kalshi.execution import snapshot as module
from adapters.kalshi.execution.snapshot import Snapshot, take_snapshot
from adapters.kalshi.execution.statements import OrderStatement

ORDER = OrderStatement(
    order_id="V-1",
    client_order_id="O-1",
    ticker=TICKER,
    side="bid",
    yes_price=Decimal("0.4"),
    initial=Decimal(5),
    filled=Decimal(0),
    remaining=Decimal(5),
    end=None,
    reason="",
    at_ns=1,
    created_ns=1,
)


class Venue:
    """A venue whose order fills between two of our requests: after the first reading of orders."""

    def __init__(self, monkeypatch):
        self.asked = 0
        self.filled = []
        for name in ("of_order", "of_fill"):
            monkeypatch.setattr(module.statements, name, lambda row: row)

    async def get_orders(self, query):
        order = replace(ORDER, filled=sum((one.contracts for one in self.filled), Decimal(0)))
        return [order] if query.status is None or order.end is None else []

    async def get_fills(self, query):
        self.asked += 1
        if self.asked == 1:
            self.filled.append(fill(1, "bid", 2))
        return list(self.filled)

    async def get_positions(self, query):
        return [SimpleNamespace(ticker=TICKER, position_fp=Decimal(2))]


def test_what_moved_between_two_requests_is_read_again(monkeypatch):
    venue, slept = Venue(monkeypatch), []

    async def sleep(secs):
        slept.append(secs)

    taken = asyncio.run(take_snapshot(venue, None, sleep))
    assert [order.filled for order in taken.orders] == [2]
    assert [one.contracts for one in taken.fills] == [2]
    assert (venue.asked, len(slept)) == (2, 1)


def test_pairs_of_both_legs_are_told_as_they_are_if_they_make_the_venues_number():
    fills = (fill(1, "bid", 5, "V-1"), fill(2, "ask", 2, "V-2"))
    legs = {"V-1": "YES", "V-2": "NO"}
    row = {TICKER: SimpleNamespace(position_fp=Decimal(3))}
    taken = Snapshot((), fills, row, is_whole=True)
    assert taken.legs(TICKER, lambda one: legs[one.order_id]) == {"YES": 5, "NO": 2}
    assert taken.legs(TICKER, lambda one: "YES") == {"YES": 3, "NO": 0}
    other = {TICKER: SimpleNamespace(position_fp=Decimal(4))}
    assert Snapshot((), fills, other, is_whole=True).legs(TICKER, lambda one: "YES") is None
    assert Snapshot((), fills, row, is_whole=False).legs(TICKER, lambda one: "YES") is None
