"""A node that was killed goes on where it ended: fills while it was dead are booked, nothing is sent twice."""

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from node_stage import MARKET, SECOND, kept, node_process, now_ns, open_market, standing, until, write_book

from storage.journal import records
from storage.journal.commands import Cash, Kind, Wish, find, send
from storage.journal.journal import Journal

RESTER = """
[[strategies]]
strategy = "resting:Rester"
id = "rest-1"
config = { series = "kalshi:SYNBTC15M-*" }
"""
LIVE = 'venues = ["KALSHI"]\n[live.settings.KALSHI]\nfunded_shards = [2]\n'
ENDS = ("OrderCanceled", "OrderExpired")
HERE = {"PYTHONPATH": str(Path(__file__).parent)}


def command(folder, kind, cash=None):
    journal = Journal.open(folder / "runs" / "staged" / "journal.sqlite", now_ns)
    number = journal.find(lambda c: send(c, Wish(kind, "a test", "ann", "cli", cash), now_ns()))
    journal.close()
    return number


def outcome(folder, number):
    journal = Journal.open(folder / "runs" / "staged" / "journal.sqlite", now_ns)
    found = journal.find(lambda connection: find(connection, number))
    journal.close()
    return found


@asynccontextmanager
async def market_open(folder, strategy=RESTER):
    """A venue with one open market, and what starts a node of one run there, again and again."""
    async with standing(window_secs=None) as (double, environ):
        open_market(double)
        book = write_book(folder, strategy, live=LIVE)
        options = ("--mode", "rehearsal", "--run-id", "r-1", "--out", str(folder / "runs"))
        yield double, lambda: node_process(book, environ | HERE, *options)


def quoted(double):
    """Let the venue show a new quote, so that who waits for one hears it."""
    double.control.trade_as("crowd", MARKET, "ask", "0.60", "1")
    return True


def explained(folder):
    """Return how many fills the report of the run knows, and what of its profit they leave unexplained."""
    report = json.loads((folder / "runs" / "staged" / "r-1" / "report.json").read_text())
    return report["fills"], Decimal(report["pnl_difference"])


def resting(double):
    return [one for one in double.snapshot().orders.get("alice", ()) if one["status"] == "resting"]


@pytest.mark.card("kalshi", "AR-E30", "AR-E32")
def test_fills_of_a_dead_node_are_booked_by_the_next_one_and_nothing_is_sent_twice(tmp_path):
    async def scene():
        async with market_open(tmp_path) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                await asyncio.sleep(1.0)  # its state is kept each quarter of a second
                first.kill()
                await first.wait()
            double.control.trade_as("taker", MARKET, "ask", "0.40", "4")
            async with start() as second:
                output = asyncio.create_task(second.stdout.read())
                await until(
                    lambda: (
                        sum(one.quantity for one in kept(tmp_path, records.Fill)) == 4
                        or second.returncode is not None
                    ),
                    what="the fill of the dead",
                )
                assert second.returncode is None, (await output).decode()
                double.control.trade_as("taker", MARKET, "ask", "0.40", "6")
                await until(lambda: sum(one.quantity for one in kept(tmp_path, records.Fill)) == 10)
                second.terminate()
                assert await second.wait() == 0, (await output).decode()
            assert len(double.snapshot().orders["alice"]) == 1
            fills = kept(tmp_path, records.Fill)
            assert {(one.strategy, one.price) for one in fills} == {("rest-1", Decimal("0.4000"))}
            (_, last) = kept(tmp_path, records.Holding)
            assert (last.strategy, last.quantity) == ("rest-1", 10)
            assert explained(tmp_path) == (2, 0)

    asyncio.run(scene())


def test_an_order_that_was_cancelled_while_the_node_was_dead_is_known_to_be_over(tmp_path):
    async def scene():
        async with market_open(tmp_path) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                await asyncio.sleep(1.0)
                first.kill()
                await first.wait()
            (order,) = resting(double)
            double.exchange.cancel(double.exchange.orders[order["order_id"]])
            async with start() as second:
                output = asyncio.create_task(second.stdout.read())

                def ended():
                    events = [
                        one for one in kept(tmp_path, records.OrderEvent) if one.kind == "OrderCanceled"
                    ]
                    return events or second.returncode is not None

                await until(ended, what="the end of the order")
                assert second.returncode is None, (await output).decode()
                second.terminate()
                assert await second.wait() == 0, (await output).decode()
            (event,) = [one for one in kept(tmp_path, records.OrderEvent) if one.kind == "OrderCanceled"]
            assert event.order_id == order["client_order_id"]

    asyncio.run(scene())


def test_an_order_that_expired_while_the_node_was_dead_is_known_to_be_over(tmp_path):
    brief = RESTER.replace('*" }', '*", lasts_secs = 3.0 }')

    async def scene():
        async with market_open(tmp_path, brief) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                (order,) = resting(double)
                await asyncio.sleep(0.6)  # its state is kept each quarter of a second
                first.kill()
                await first.wait()
            await until(lambda: not resting(double), what="its time")
            async with start() as second:
                output = asyncio.create_task(second.stdout.read())

                def ended():
                    return [one for one in kept(tmp_path, records.OrderEvent) if one.kind in ENDS]

                await until(lambda: ended() or second.returncode is not None, what="the end of the order")
                assert second.returncode is None, (await output).decode()
                second.terminate()
                assert await second.wait() == 0, (await output).decode()
            assert [one.order_id for one in ended()] == [order["client_order_id"]]
            assert len(double.snapshot().orders["alice"]) == 1

    asyncio.run(scene())


def test_no_order_leaves_that_the_journal_does_not_follow_to_its_end_when_a_busy_node_stops(tmp_path):
    # An order that waited for the disk was none in flight to the engine: the node stopped, and its fill was lost.
    async def scene():
        async with market_open(tmp_path, RESTER.replace("Rester", "Hurried")) as (double, start):
            async with start() as node:
                output = asyncio.create_task(node.stdout.read())
                await until(
                    lambda: (quoted(double) and len(resting(double)) > 5) or node.returncode is not None
                )
                assert node.returncode is None, (await output).decode()
                node.terminate()
                assert await node.wait() == 0, (await output).decode()
            assert resting(double) == []
            events = kept(tmp_path, records.OrderEvent)
            ended = {one.order_id for one in events if one.kind in (*ENDS, "OrderFilled", "OrderDenied")}
            there = {one["client_order_id"] for one in double.snapshot().orders["alice"]}
            assert there <= ended

    asyncio.run(scene())


def test_a_halt_cancels_what_rests_and_outlives_the_node(tmp_path):
    async def scene():
        async with market_open(tmp_path) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                halt = command(tmp_path, Kind.HALT)
                await until(lambda: outcome(tmp_path, halt).done_ns or first.returncode, what="the halt")
                assert resting(double) == []
                assert outcome(tmp_path, halt).outcome == "halted, no order is open"
                first.kill()
                await first.wait()
            async with start() as second:
                softer = command(tmp_path, Kind.REDUCE_ONLY)
                await until(lambda: outcome(tmp_path, softer).done_ns or second.returncode, what="an answer")
                assert outcome(tmp_path, softer).outcome == "trading is halted"
                second.terminate()
                assert await second.wait() == 0
            assert len(double.snapshot().orders["alice"]) == 1

    asyncio.run(scene())


def test_money_that_an_operator_moved_is_no_profit_and_the_next_node_knows_of_it(tmp_path):
    async def scene():
        async def obeyed(process, kind, amount, venue="KALSHI"):
            number = command(tmp_path, kind, Cash.of(venue, amount))
            await until(lambda: outcome(tmp_path, number).done_ns or process.returncode, what="an answer")
            return outcome(tmp_path, number).outcome

        async with market_open(tmp_path) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                double.control.fund("alice", "50", exchange_index=2)
                had = sum(one.amount_usd for one in kept(tmp_path, records.Transfer))
                assert await obeyed(first, Kind.DEPOSIT, "50") == f"the ledger has {had + 50} USD at KALSHI"
                assert "refused: expected a venue among KALSHI" in await obeyed(
                    first, Kind.DEPOSIT, "5", "MARS"
                )
                assert "refused: expected at most" in await obeyed(first, Kind.WITHDRAW, "9999999")
                first.kill()
                await first.wait()
            double.control.fund("alice", "-20", exchange_index=2)
            while_dead = command(tmp_path, Kind.WITHDRAW, Cash.of("KALSHI", "20"))
            async with start() as second:
                output = asyncio.create_task(second.stdout.read())
                await until(lambda: outcome(tmp_path, while_dead).done_ns or second.returncode)
                assert second.returncode is None, (await output).decode()
                assert outcome(tmp_path, while_dead).outcome == f"the ledger has {had + 30} USD at KALSHI"
                second.terminate()
                assert await second.wait() == 0, (await output).decode()
            moved = [(one.kind, one.amount_usd) for one in kept(tmp_path, records.Transfer)[1:]]
            assert moved == [("deposit", 50), ("withdrawal", 20)]
            assert not any(one.text.startswith("KALSHI: cash") for one in kept(tmp_path, records.Alert))
            report = json.loads((tmp_path / "runs" / "staged" / "r-1" / "report.json").read_text())
            assert Decimal(report["pnl_net"]) == 0

    asyncio.run(scene())


def test_a_market_that_paid_while_the_node_was_dead_is_settled_by_the_next_one(tmp_path):
    async def scene():
        async with market_open(tmp_path) as (double, start):
            async with start() as first:
                await until(lambda: (quoted(double) and resting(double)) or first.returncode, what="an order")
                double.control.trade_as("taker", MARKET, "ask", "0.40", "10")
                await until(lambda: kept(tmp_path, records.Fill) or first.returncode, what="its fill")
                first.kill()
                await first.wait()
            double.life.move_close(MARKET, now_ns() + SECOND // 10)
            await until(lambda: double.exchange.markets[MARKET].status == "closed", what="the close")
            double.life.determine(MARKET, "yes")
            await until(lambda: double.exchange.markets[MARKET].status == "finalized", what="the payout")
            async with start() as second:
                output = asyncio.create_task(second.stdout.read())
                await until(lambda: kept(tmp_path, records.Settlement) or second.returncode is not None)
                assert second.returncode is None, (await output).decode()
                second.terminate()
                assert await second.wait() == 0, (await output).decode()
            (paid,) = kept(tmp_path, records.Settlement)
            assert (paid.strategy, paid.quantity, paid.payout) == ("rest-1", 10, 1)
            assert kept(tmp_path, records.Holding)[-1].quantity == 0
            assert explained(tmp_path) == (1, 0)

    asyncio.run(scene())
