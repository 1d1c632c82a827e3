import asyncio
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.journal.commands import Cash, Kind, Wish, find, finish, send, take, unfinished
from storage.journal.errors import BadJournal, JournalLost
from storage.journal.journal import Journal
from storage.journal.reading import read, read_noted
from storage.journal.records import (
    Alert,
    Conversion,
    DataHealth,
    Decision,
    Fill,
    Holding,
    Intent,
    Kept,
    LedgerEntry,
    OrderEvent,
    Reversal,
    RiskEvent,
    Run,
    RunPhase,
    Settlement,
    Transfer,
    Verdict,
)
from storage.journal.store import JournalStore
from storage.journal.tables import TABLES

HOUSE = Path(__file__).parents[3]
DEADLINE_SECS = 60
ABOUT = {"run": "r-1", "at_ns": 1_790_000_000_123_456_789}
OF_ONE = {"strategy": "edge-1", "instrument": "M-YES.KALSHI"}
ASKED = {"side": "BUY", "quantity": Decimal("12.50"), "price": Decimal("0.4300")}
OUTCOME = {"instrument": "M-YES.KALSHI", "market": "M", "is_yes": True, "underlying": None}
ONE_OF_EACH = [
    Run(**ABOUT, mode="live", book="b", trader="LIVE-001", engine="rc7", hashes={"b": "ff"}, settings={}),
    RunPhase(**ABOUT, phase="running", process="node", detail=""),
    Decision(**ABOUT, **OF_ONE, kind="belief", probability=0.61, bid=Decimal("0.40"), ask=None, detail={}),
    Verdict(
        **ABOUT,
        **OF_ONE,
        **ASKED,
        order_id="O-1",
        kind="new",
        worst_case_usd=Decimal("5.375001"),
        expected_fee_usd=Decimal(0),
        belief=0.61,
        belief_ns=5,
        bid=Decimal("0.40"),
        ask=Decimal("0.43"),
        rule=None,
        reason=None,
    ),
    Intent(**ABOUT, **OF_ONE, **ASKED, order_id="O-1", kind="new", terms={"post_only": True}),
    OrderEvent(
        **ABOUT,
        **OF_ONE,
        known_ns=7,
        order_id="O-1",
        venue_order_id=None,
        kind="OrderSubmitted",
        event_id="e",
        detail={"reason": 'a "quoted" word, ü'},
    ),
    Fill(
        **ABOUT,
        **OF_ONE,
        **ASKED,
        known_ns=7,
        order_id="O-1",
        venue_order_id="v-1",
        trade_id="t-1",
        outcome=OUTCOME,
        fee_usd=Decimal("-0.000001"),
        is_taker=False,
        evidence="A",
        correction_id=None,
    ),
    Settlement(
        **ABOUT,
        **OF_ONE,
        outcome=OUTCOME,
        quantity=Decimal("12.50"),
        payout=Decimal(1),
        reference="P-1",
        is_paid=False,
    ),
    Reversal(**ABOUT, **OF_ONE, outcome=OUTCOME, reference="P-1"),
    Conversion(
        **ABOUT,
        strategy=OF_ONE["strategy"],
        reference="M-1",
        legs={"legs": [{"outcome": OUTCOME, "quantity": "-12.50", "usd": "6.250000"}]},
    ),
    Transfer(
        **ABOUT, kind="deposit", venue="KALSHI", target=None, amount_usd=Decimal("1e6"), reference="start"
    ),
    LedgerEntry(
        **ABOUT, kind="fill", reference="t-1", account="cash:KALSHI", amount_usd=Decimal("-0.000001")
    ),
    Holding(
        **ABOUT,
        **OF_ONE,
        quantity=Decimal(0),
        cost_usd=Decimal("0.000000"),
        realized_usd=Decimal("-3.1"),
        fees_usd=Decimal(1),
    ),
    RiskEvent(**ABOUT, kind="state", state="halted", cause="because", operator=None),
    Alert(**ABOUT, severity="critical", source="node", text="look"),
    DataHealth(**ABOUT, source="KALSHI", kind="gap", instrument=None, detail={"from_ns": 1, "to_ns": 2}),
    Kept(**ABOUT, scope="guardian", name="switch", plain={"history": [1, "two", None]}),
]
ALERT = next(one for one in ONE_OF_EACH if isinstance(one, Alert))


@pytest.fixture
def clock():
    ticks = count(2_000_000_000)
    return lambda: next(ticks)


@pytest.fixture
def opened(journal_url, clock):
    made = []

    def open_again(**options):
        made.append(Journal.open(journal_url, clock, **options))
        return made[-1]

    yield open_again
    for journal in made:
        if not journal.failure:
            journal.close()


def everything(journal, kind):
    return journal.find(lambda connection: list(read(connection, kind)))


def test_every_record_comes_back_as_it_was_told(opened):
    assert {type(one) for one in ONE_OF_EACH} == set(TABLES)
    journal = opened()
    for record in ONE_OF_EACH:
        journal.note(record)
    journal.close()
    again = opened()
    for record in ONE_OF_EACH:
        assert everything(again, type(record)) == [record]


def test_money_keeps_the_digits_it_was_told_with(opened):
    journal = opened()
    amounts = ["0.1", "0.10", "-0.000001", "123456789012345678.123456"]
    for amount in amounts:
        journal.note(
            LedgerEntry(**ABOUT, kind="fill", reference="t", account="a", amount_usd=Decimal(amount))
        )
    assert [str(one.amount_usd) for one in everything(journal, LedgerEntry)] == amounts


def test_times_of_telling_rise_though_the_clock_falls(journal_url):
    times = iter([50, 40, 40, 60])
    with_jumps = Journal.open(journal_url, lambda: next(times))
    for number in range(3):
        with_jumps.note(Alert(**ABOUT, severity="info", source="t", text=str(number)))
    with_jumps.close()
    later = Journal.open(journal_url, lambda: 10)
    later.note(Alert(**ABOUT, severity="info", source="t", text="3"))
    found = later.find(lambda connection: list(read_noted(connection, Alert)))
    later.close()
    assert [(noted, one.text) for noted, one in found] == [(50, "0"), (51, "1"), (52, "2"), (53, "3")]


def test_what_is_durable_is_seen_by_another_process_and_so_is_all_before(opened, journal_url):
    journal = opened()

    async def trade():
        for number in range(200):
            journal.note(Alert(**ABOUT, severity="info", source="t", text=str(number)))
        await journal.durable(ONE_OF_EACH[4])
        code = (
            "import sys; from storage.journal.database import *; from storage.journal.reading import read\n"
            "from storage.journal.records import *\n"
            "with open_engine(address_of(sys.argv[1]), reads_only=True).connect() as c:\n"
            "    print(len(list(read(c, Alert))), [one.order_id for one in read(c, Intent)])\n"
            "    assert 'nautilus_trader' not in sys.modules"
        )
        return subprocess.run(
            [sys.executable, "-c", code, journal_url], cwd=HOUSE, capture_output=True, text=True, check=True
        )

    assert asyncio.run(trade()).stdout.strip() == "200 ['O-1']"


def test_the_loop_goes_on_while_an_intent_waits_for_the_disk(opened):
    journal = opened()

    async def trade():
        held, let_go = threading.Event(), threading.Event()

        def hold(connection):
            held.set()
            assert let_go.wait(DEADLINE_SECS)

        holding = asyncio.ensure_future(journal.ask(hold))
        await asyncio.to_thread(held.wait, DEADLINE_SECS)
        waits = asyncio.ensure_future(journal.durable(ONE_OF_EACH[4]))
        for _ in range(100):
            await asyncio.sleep(0)
        was_done = waits.done()
        let_go.set()
        await asyncio.wait_for(asyncio.gather(holding, waits), DEADLINE_SECS)
        return was_done

    assert asyncio.run(trade()) is False
    assert len(everything(journal, Intent)) == 1


def test_a_waiter_that_gave_up_takes_nobody_along(opened):
    journal = opened()

    async def trade():
        first = asyncio.ensure_future(journal.durable(ONE_OF_EACH[4]))
        await asyncio.sleep(0)
        first.cancel()
        await journal.durable(ONE_OF_EACH[4])

    asyncio.run(trade())
    assert len(everything(journal, Intent)) == 2
    assert journal.failure is None


def test_a_full_queue_is_a_failure_that_stays_but_loses_nothing_it_took(opened, journal_url):
    journal = opened(capacity=50)
    held, let_go = threading.Event(), threading.Event()

    def hold(connection):
        held.set()
        assert let_go.wait(DEADLINE_SECS)

    holding = threading.Thread(target=lambda: journal.find(hold, timeout_secs=DEADLINE_SECS))
    holding.start()
    assert held.wait(DEADLINE_SECS)
    alert = ALERT
    taken = 0
    with pytest.raises(JournalLost, match="at most 50 notes"):
        for _ in range(200):
            journal.note(alert)
            taken += 1
    with pytest.raises(JournalLost, match="at most 50 notes"):
        journal.note(alert)
    let_go.set()
    holding.join()
    with pytest.raises(JournalLost):
        journal.close()
    assert taken == 50
    assert len(everything(opened(), Alert)) == taken


def test_a_database_that_fails_is_told_to_all_who_wait_and_all_who_come(opened):
    journal = opened()

    def pull_the_rug(connection):
        connection.execute(text("DROP TABLE orders"))

    async def trade():
        await journal.ask(pull_the_rug)
        first, second = (asyncio.ensure_future(journal.durable(ONE_OF_EACH[4])) for _ in range(2))
        return await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), DEADLINE_SECS)

    for error in asyncio.run(trade()):
        assert isinstance(error, JournalLost)
        assert "orders" in str(error)
    with pytest.raises(JournalLost, match="orders"):
        journal.note(ONE_OF_EACH[0])
    with pytest.raises(JournalLost):
        journal.close()


def test_a_question_that_fails_leaves_nothing_and_harms_nobody(opened):
    journal = opened()

    def half(connection):
        send(connection, Wish(Kind.HALT, "r", "o", "cli"), 1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        journal.find(half, ALERT)
    assert journal.find(unfinished) == []
    assert len(everything(journal, Alert)) == 1


def test_a_closed_journal_takes_nothing(opened):
    journal = opened()
    journal.close()
    journal.close()
    with pytest.raises(JournalLost, match="closed"):
        journal.note(ONE_OF_EACH[0])


_WRITES_UNTIL_KILLED = """
import asyncio, sys, time
from storage.journal.journal import Journal
from storage.journal.records import Intent
from decimal import Decimal
journal = Journal.open(sys.argv[1], lambda: time.clock_gettime_ns(time.CLOCK_REALTIME))
async def trade():
    number = 0
    while True:
        await journal.durable(Intent(run="r", at_ns=1, order_id=str(number), kind="new", strategy="s",
            instrument="i", side="BUY", quantity=Decimal(1), price=None, terms={}))
        print(number, flush=True)
        number += 1
asyncio.run(trade())
"""


def test_what_was_durable_outlives_a_kill(opened, journal_url):
    opened().close()
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITES_UNTIL_KILLED, journal_url],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said = [writer.stdout.readline() for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    said += writer.stdout.read().splitlines()
    writer.wait()
    writer.stdout.close()
    numbers = [int(one) for one in said if one.strip()]
    kept = [int(one.order_id) for one in everything(opened(), Intent)]
    assert kept[: len(numbers)] == numbers
    assert len(kept) <= len(numbers) + 1
    assert kept == list(range(len(kept)))


# The store of the guardian


def test_a_store_gives_back_what_was_kept_last_under_each_name(opened, clock):
    journal = opened()
    store = JournalStore(journal, "guardian/live", "r-1", clock)
    assert store.load("tally") is None
    for number in range(5):
        store.save("tally", {"number": number})
    store.save("switch", {"history": [{"state": "halted"}]})
    JournalStore(journal, "guardian/sandbox", "r-1", clock).save("tally", {"number": -1})
    assert store.load("tally") == {"number": 4}
    journal.close()
    again = JournalStore(opened(), "guardian/live", "r-2", clock)
    assert again.load("tally") == {"number": 4}
    assert again.load("switch") == {"history": [{"state": "halted"}]}


def test_what_is_kept_at_once_is_on_the_disk_when_save_returns(opened, clock, journal_url):
    store = JournalStore(opened(), "guardian", "r-1", clock)
    store.save("switch", {"history": []})
    assert JournalStore(opened(), "guardian", "r-2", clock).load("switch") == {"history": []}


# Commands


def test_a_command_is_taken_once_and_done_once(opened):
    journal = opened()
    number = journal.find(lambda c: send(c, Wish(Kind.HALT, "smoke", "ann", "cli"), 5))
    (waiting,) = journal.find(unfinished)
    assert (waiting.id, waiting.kind, waiting.reason, waiting.operator) == (number, Kind.HALT, "smoke", "ann")
    assert journal.find(lambda c: take(c, number, "node", 6)) is True
    assert journal.find(lambda c: take(c, number, "supervisor", 7)) is False
    assert [one.taken_by for one in journal.find(unfinished)] == ["node"]
    journal.find(lambda c: finish(c, number, "0 orders open", 8))
    journal.find(lambda c: finish(c, number, "too late", 9))
    assert journal.find(unfinished) == []
    done = journal.find(lambda c: find(c, number))
    assert (done.taken_ns, done.done_ns, done.outcome) == (6, 8, "0 orders open")


def test_a_command_that_tells_of_money_keeps_venue_and_digits(opened):
    wish = Wish(Kind.DEPOSIT, "savings", "ann", "cli", Cash.of("KALSHI", "250.10"))
    journal = opened()
    number = journal.find(lambda c: send(c, wish, 5, "live"))
    told = journal.find(lambda c: find(c, number))
    assert (told.kind, told.venue, str(told.amount_usd)) == (Kind.DEPOSIT, "KALSHI", "250.10")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "", "a lot"])
def test_an_amount_is_money_above_zero(amount):
    with pytest.raises(BadJournal, match="expected an amount in USD"):
        Cash.of("KALSHI", amount)


@pytest.mark.parametrize(("kind", "cash"), [(Kind.WITHDRAW, None), (Kind.HALT, Cash("KALSHI", Decimal(1)))])
def test_money_is_named_by_the_commands_that_move_it_and_by_no_other(kind, cash):
    with pytest.raises(BadJournal, match=r"a venue and an amount|no venue and no amount"):
        Wish(kind, "r", "ann", "cli", cash)


@pytest.mark.parametrize(("reason", "operator"), [("", "ann"), ("smoke", " ")])
def test_a_command_needs_a_reason_and_a_name(reason, operator):
    with pytest.raises(BadJournal, match="a reason and an operator's name"):
        Wish(Kind.RESUME, reason, operator, "cli")
