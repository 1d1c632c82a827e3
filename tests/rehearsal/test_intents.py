"""An order is on the disk before a byte leaves: shown by killing the node between the two, and just after."""

import asyncio

import pytest
from node_stage import SERIES as KALSHI_SERIES
from node_stage import coin, node_process, now_ns, standing, write_book

from campaigns.polymarket.world import SERIES, World
from storage.journal.journal import Journal
from storage.journal.reading import read
from storage.journal.records import OrderEvent
from system import polymarket_inquiry
from system.intents import FOUND, NEVER_ARRIVED, settle, unanswered
from system.kalshi_inquiry import ask
from system.run_journal import RunJournal

RUN = "20261126T120000-rehearsal-abcdef"

# The node, which kills itself when the first intent is durable: before the bytes leave, and after.
BEFORE = """
import os, signal, typer
from system import desk_words, node_process

def dying(journal, then, real=desk_words.written_first):
    guard = real(journal, then)
    async def die(order, quantity, price):
        await guard(order, quantity, price)
        os.kill(os.getpid(), signal.SIGKILL)
    return die

desk_words.written_first = dying
typer.run(node_process.command)
"""
AFTER = """
import os, signal, typer
from adapters.kalshi.http.client import KalshiHttp
from system import node_process

async def create_order(self, order, real=KalshiHttp.create_order):
    await real(self, order)
    os.kill(os.getpid(), signal.SIGKILL)

KalshiHttp.create_order = create_order
typer.run(node_process.command)
"""
AFTER_POLYMARKET = """
import os, signal, typer
from adapters.polymarket.http.client import PolymarketHttp
from network.outcomes import Done
from system import node_process

async def post_order(self, *order, real=PolymarketHttp.post_order):
    outcome = await real(self, *order)
    if isinstance(outcome, Done):
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome

PolymarketHttp.post_order = post_order
typer.run(node_process.command)
"""


RESTLESS = """
[[strategies]]
strategy = "campaigns.restless:Restless"
id = "restless-1"
config = {{ series = ["{series}"], seed = 1, scale = 10 }}
"""
"""A coin is tossed once for a market, perhaps before the books were compared."""


def rehearsal(tmp_path):
    live = 'venues = ["KALSHI"]\nmode = "rehearsal"\nsettings = { KALSHI = { funded_shards = [2] } }'
    book = write_book(tmp_path, coin(1, wait_secs=0.1), live=live)
    return book, ("--mode", "rehearsal", "--run-id", RUN, "--out", str(tmp_path / "runs"))


def opened(tmp_path):
    journal = Journal.open(tmp_path / "runs" / "staged" / "journal.sqlite", now_ns)
    return RunJournal(journal, RUN, "rehearsal", "staged", now_ns)


async def _run_until_it_dies(book, environ, options, code):
    async with node_process(book, environ, *options, code=code) as process:
        output = asyncio.create_task(process.stdout.read())
        await asyncio.wait([asyncio.ensure_future(process.wait())], timeout=90)
        if process.returncode is None:
            process.terminate()
        text = (await output).decode()
        assert process.returncode == -9, text[-4000:]


async def _settled(tmp_path, ask_one):
    """Settle what the dead node left; return what waited, the answers, and what was written down."""
    journal = opened(tmp_path)
    waiting = unanswered(journal)
    answers = await asyncio.wait_for(settle(journal, waiting, ask_one, 0.1), 90)
    assert unanswered(journal) == []
    events = journal.journal.find(lambda connection: list(read(connection, OrderEvent)))
    journal.journal.close()
    return waiting, answers, events


async def _killed(tmp_path, monkeypatch, code):
    """Run the node until it kills itself; return what the venue had then, and what was settled afterwards."""
    async with standing() as (double, environ):
        double.control.fund("alice", "1000", exchange_index=2)
        book, options = rehearsal(tmp_path)
        await _run_until_it_dies(book, environ, options, code)
        at_venue = double.snapshot().orders.get("alice", [])
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        settings = {
            "rest_url": environ["ARGONAUT_KALSHI_REST_URL"],
            "socket_url": environ["ARGONAUT_KALSHI_SOCKET_URL"],
        }
        return at_venue, *await _settled(tmp_path, lambda one: ask(settings, one))


@pytest.mark.card("kalshi", "AR-E31")
def test_a_kill_between_the_disk_and_the_wire_leaves_an_intent_and_no_order(tmp_path, monkeypatch):
    at_venue, waiting, answers, events = asyncio.run(_killed(tmp_path, monkeypatch, BEFORE))
    assert at_venue == []
    (intent,) = waiting
    assert intent.kind == "new"
    assert answers == {intent.order_id: None}
    assert [one.kind for one in events if one.order_id == intent.order_id][-1] == NEVER_ARRIVED


@pytest.mark.card("kalshi", "AR-E32")
def test_a_kill_after_the_wire_leaves_an_intent_that_the_venue_answers_for(tmp_path, monkeypatch):
    at_venue, waiting, answers, events = asyncio.run(_killed(tmp_path, monkeypatch, AFTER))
    assert {row["client_order_id"] for row in at_venue} >= {one.order_id for one in waiting}
    assert waiting
    for row in at_venue:
        if row["client_order_id"] in answers:
            assert answers[row["client_order_id"]] == row["order_id"]
    assert {one.kind for one in events if one.event_id.startswith("restart-")} == {FOUND}


async def _killed_at_polymarket(tmp_path, monkeypatch, code):
    """Run a node at Polymarket's double until it kills itself; return the same, what the venue had by its hashes."""
    world, name = World(3), f"polymarket:{SERIES[2]}-*"
    environ = await world.open()
    world.start_crowd(40.0)
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    try:
        file = write_book(
            tmp_path, RESTLESS.format(series=name), live='venues = ["POLYMARKET"]\nmode = "rehearsal"'
        )
        text = file.read_text().replace("KALSHI = 1000", "POLYMARKET = 1000")
        file.write_text(text.replace(f"kalshi:{KALSHI_SERIES}-*", name))
        options = ("--mode", "rehearsal", "--run-id", RUN, "--out", str(tmp_path / "runs"))
        await _run_until_it_dies(file, environ, options, code)
        settings = {
            f"{one.lower()}_url": environ[f"ARGONAUT_POLYMARKET_{one}_URL"]
            for one in ("REST", "GAMMA", "DATA", "SOCKET", "SITE")
        }
        at_venue = {order.order_id for order in world.books_for(None).orders}
        return at_venue, *await _settled(tmp_path, lambda one: polymarket_inquiry.ask(settings, one))
    finally:
        await world.close()


@pytest.mark.card("polymarket", "AR-E31")
def test_a_kill_before_the_wire_to_polymarket_leaves_an_intent_and_no_order(tmp_path, monkeypatch):
    at_venue, waiting, answers, events = asyncio.run(_killed_at_polymarket(tmp_path, monkeypatch, BEFORE))
    assert at_venue == set()
    (intent,) = waiting
    assert answers == {intent.order_id: None}
    assert [one.kind for one in events if one.order_id == intent.order_id][-1] == NEVER_ARRIVED


@pytest.mark.card("polymarket", "AR-E32")
def test_a_kill_after_the_wire_to_polymarket_leaves_an_intent_whose_hash_is_found(tmp_path, monkeypatch):
    at_venue, waiting, answers, _ = asyncio.run(
        _killed_at_polymarket(tmp_path, monkeypatch, AFTER_POLYMARKET)
    )
    found = set(answers.values()) - {None}
    assert answers.keys() == {one.order_id for one in waiting}
    assert found
    assert found <= at_venue
