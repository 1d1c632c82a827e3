"""Continuous reconciliation against Kalshi's double, with differences made on purpose."""

import asyncio
import os
from decimal import Decimal
from unittest.mock import patch

import pytest
from kalshi_house import SHARD, side, wall_ns
from kalshi_keeper import kept
from nautilus_trader.model import TimeInForce

from adapters.kalshi.messages.orders import CancelOrder
from risk.contract import Contracts
from risk.trades import Fill
from system.kalshi_books import make
from system.our_books import OurBooks
from system.reconciliation import Keepers, Pace, Reconciler

PURSE = f"KALSHI shard {SHARD}"
IOC = TimeInForce.IOC


@pytest.fixture(scope="module")
def play():
    with kept() as keeper:
        yield lambda scene, **how: keeper(reconciled(scene), secs=60.0, **how)


def reconciled(scene):
    """Return a scene that begins with books that agree, and with `on.books` to compare them."""

    async def begin(on):
        await on.agree()
        on.books = reconciler(on)
        await on.books.look()
        assert on.books.standing == {}
        assert on.guardian.doubts == {}
        on.told.clear()
        try:
            await scene(on)
        finally:
            await on.theirs.close()

    return begin


def reconciler(on, **pace):
    pem = on.key.private_pem
    keys = {
        "KALSHI_API_KEY": on.key.key_id,
        "KALSHI_PRIVATE_KEY": pem if isinstance(pem, str) else pem.decode(),
    }
    with patch.dict(os.environ, keys):
        on.theirs = make(on.urls, wall_ns)
    on.told = []
    return Reconciler(
        "KALSHI",
        Keepers(on.theirs, OurBooks(on.cache, on.ledger, on.guardian, "KALSHI", on.theirs)),
        on.guardian,
        lambda how, what: on.told.append((how, what)),
        wall_ns,
        Pace(**({"confirm_secs": 0.2, "patience_secs": 0.5} | pace)),
    )


async def looked(on, condition, secs=20.0):
    """Look again and again until it is so."""
    async with asyncio.timeout(secs):
        while True:
            await on.books.look()
            if condition():
                return
            await asyncio.sleep(0.1)


def differing(on):
    return {kind: str(one) for (kind, _), one in on.books.standing.items()}


async def bought(on, ticker, outcome="YES", size="10", price="0.60"):
    order = on.send(ticker, outcome, "BUY", size, price, time_in_force=IOC)
    await on.has(order, "Filled")
    await on.agree()


def test_books_that_agree_are_never_doubted_while_orders_come_rest_fill_and_settle(play):
    async def scene(on):
        ticker = await on.market()
        looking = asyncio.create_task(on.books.run(lambda secs: asyncio.sleep(min(secs, 0.02))))
        await bought(on, ticker)
        await bought(on, ticker, "NO", "4")
        resting = on.send(ticker, "YES", "BUY", "7", "0.35")
        await on.has(resting, "Accepted")
        on.take(ticker, "ask", "0.35", "103")
        await on.has(resting, "Filled")
        sale = on.send(ticker, "YES", "SELL", "5", "0.55")
        await on.has(sale, "Accepted")
        on.hand.cancel_order(sale)
        await on.has(sale, "Canceled")
        await on.end(ticker, "yes")
        await on.until(lambda: on.of("InstrumentClose", ticker), secs=20)
        await on.agree()
        seen = on.books.looks
        await on.until(lambda: on.books.looks > seen + 3 or looking.done(), secs=20)
        assert on.told == []
        assert on.books.standing == {}
        looking.cancel()

    play(scene)


async def _order_of(on, trade_id):
    statement = await on.theirs.read(0)
    return statement.fills[trade_id].order_id


def test_a_withdrawal_is_a_difference_in_cash_until_the_money_is_back(play):
    async def scene(on):
        await on.market()
        before = on.ledger.cash_usd("KALSHI")
        on.double.control.fund("alice", "-50", exchange_index=SHARD)
        await looked(on, lambda: on.books.standing)
        assert {subject for _, subject in on.books.standing} == {"KALSHI", PURSE}
        figures = on.books.standing["cash", "KALSHI"].figures
        assert {keeper: Decimal(one) for keeper, one in figures.items()} == {
            "venue": before - 50,
            "ledger": before,
        }
        assert "cash" in on.guardian.doubts["KALSHI"]
        on.double.control.fund("alice", "50", exchange_index=SHARD)
        await looked(on, lambda: not on.books.standing)
        assert on.guardian.doubts == {}
        assert {how for how, _ in on.told} == {"differs", "agrees"}

    play(scene)


def test_an_order_placed_elsewhere_is_named_until_it_is_gone(play):
    async def scene(on):
        ticker = await on.market()
        on.double.control.trade_as("alice", ticker, "bid", "0.30", "5")
        await looked(on, lambda: on.books.standing)
        ((kind, order_id),) = on.books.standing
        figures = on.books.standing[kind, order_id].figures
        assert kind == "order"
        assert figures["venue"] == f"bid 5 at 0.3 in {ticker}"
        assert figures["guardian"] == "nothing"
        http = on.theirs._http
        await http.cancel_order(CancelOrder(order_id=order_id, market_ticker=ticker, exchange_index=SHARD))
        await looked(on, lambda: not on.books.standing)
        assert on.guardian.doubts == {}

    play(scene, ends_apart=True)


def test_a_venue_that_does_not_answer_is_doubted_and_trusted_again(play):
    async def scene(on):
        on.books._pace = Pace(confirm_secs=0.1, patience_secs=0.5, most_failures=2)
        asked = on.theirs
        read, asked.read = asked.read, _unreachable
        await on.books.look()
        assert on.guardian.doubts == {}
        await on.books.look()
        assert "cannot be compared" in on.guardian.doubts["KALSHI"]
        asked.read = read
        await on.books.look()
        assert on.guardian.doubts == {}

    play(scene)


async def _unreachable(since_ns):
    raise ValueError("expected an answer, found none")


def test_a_fill_behind_our_back_is_named_by_all_and_bars_new_risk_until_it_is_booked(play):
    async def scene(on):
        ticker = await on.market()
        await bought(on, ticker)
        on.double.control.trade_as("alice", ticker, "bid", "0.60", "5")
        await looked(on, lambda: {"position", "fill", "cash", "purse"} <= differing(on).keys())
        position, cash = on.books.standing["position", ticker], on.books.standing["purse", PURSE]
        assert (position.figures["venue"], position.figures["ledger"]) == ("15", "10")
        paid = Decimal(cash.figures["ledger"]) - Decimal(cash.figures["venue"])
        assert Decimal(3) < paid < Decimal("3.2"), "five contracts at 0.60 and the fee"
        assert "ledger nothing" in differing(on)["fill"]
        refused = on.send(ticker, "YES", "BUY", "1", "0.60", time_in_force=IOC)
        await on.has(refused, "Denied")
        assert "books_agree" in on.last(refused, "Denied").reason
        assert "venue 15" in on.last(refused, "Denied").reason
        reduced = on.send(ticker, "YES", "SELL", "1", "0.40", time_in_force=IOC)
        await on.has(reduced, "Filled")

        ((_, trade_id),) = [one for one in on.books.standing if one[0] == "fill"]
        outcome = Contracts().outcome_of(side(ticker), on.door)
        on.ledger.post_fill(
            Fill(
                strategy="EXTERNAL",
                outcome=outcome,
                is_buy=True,
                quantity=Decimal(5),
                price=Decimal("0.60"),
                fee_usd=paid - 3,
                order_id=await _order_of(on, trade_id),
                trade_id=trade_id,
                now_ns=wall_ns(),
            )
        )
        await looked(on, lambda: not on.books.standing)
        assert on.guardian.doubts == {}
        assert [how for how, _ in on.told if "all books" in _] == ["agrees"]
        again = on.send(ticker, "YES", "BUY", "1", "0.60", time_in_force=IOC)
        await on.has(again, "Filled")

    play(scene, ends_apart=True)  # a second strategy holds something now: this house is spent
