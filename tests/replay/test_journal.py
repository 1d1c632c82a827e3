"""A run tells its journal everything, and what the journal holds makes the same books again."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from stage import Stage
from tapes import COIN, EDGE, LIMITS, QUOTE, book, made_up
from toy import YES
from toy import book as toy_book

from engine import Strategy, StrategyConfig
from risk.contract import Outcome
from risk.conversions import merge, split
from risk.errors import LedgerBroken
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.state import State
from risk.trades import Reversal
from storage.journal.journal import Journal
from storage.journal.reading import read
from storage.journal.records import (
    Decision,
    Fill,
    Holding,
    Kept,
    LedgerEntry,
    OrderEvent,
    RiskEvent,
    Run,
    Settlement,
    Transfer,
    Verdict,
)
from system.backtest import Backtest, Plan
from system.book import BadBook
from system.event_log import EventLog
from system.feed import Feed, Pace, first_versions
from system.guard_store import GuardStore, halt_next_start
from system.loading import load
from system.our_books import JournalBooks
from system.restoring import StrategyMemory, rebuild
from system.run_journal import RunJournal
from system.statements import Place

TIGHT = [*LIMITS[:2], {"rule": "risk.rules.exposure:MaxStakePerOutcome", "config": {"limit": 60}}]


@pytest.fixture
def journal(journal_url):
    ticks = count(1_700_000_000_000_000_000)
    made = Journal.open(journal_url, lambda: next(ticks))
    yield made
    if not made.failure:
        made.close()


def of_run(journal, run="r-1", mode="backtest", name="test"):
    ticks = count(1_800_000_000_000_000_000)
    return RunJournal(journal, run, mode, name, lambda: next(ticks))


def played(writes):
    """Replay three strategies with a journal; return the crew and the report's record."""
    catalog = made_up(seed=5, markets=3, events_per_second=4.0)
    markets = first_versions(catalog.instruments())
    raw = book(EDGE, QUOTE, COIN, risk=TIGHT)
    plan = Plan(load(raw), Path("memory"), markets, catalog.first_ns, catalog.last_ns + 1)
    with EventLog(None) as events:
        one = Backtest(plan, Feed(catalog, markets, Pace()), events, writes)
        return one._crew, one.run()


def all_of(journal, kind):
    return journal.find(lambda connection: list(read(connection, kind)))


def test_every_step_of_a_run_is_in_the_journal_and_makes_the_same_books_again(journal):
    writes = of_run(journal)
    writes.begin("TEST-001", "rc7", {"book": "ff"})
    crew, record = played(writes)
    told = {kind: all_of(journal, kind) for kind in (Decision, Verdict, OrderEvent, Fill, Settlement)}
    assert len(record.fills) > 5
    assert record.settlements
    assert record.refusals
    fills = [
        (f.at_ns, f.strategy, f.instrument, f.side, f.quantity, f.price, f.fee_usd, f.is_taker)
        for f in told[Fill]
    ]
    assert fills == [
        (f.ts_ns, f.strategy, f.instrument, f.side, f.quantity, f.price, f.fee_usd, f.is_taker)
        for f in record.fills
    ]
    assert [f.evidence for f in told[Fill]] == [f.evidence for f in record.fills]
    assert len(told[Settlement]) == len(record.settlements)
    refused = [v for v in told[Verdict] if v.rule is not None]
    assert Counter(v.rule for v in refused) == Counter(r.rule for r in record.refusals)
    passed = {v.order_id for v in told[Verdict] if v.rule is None}
    assert {f.order_id for f in told[Fill]} <= passed
    believed = {(d.strategy, d.instrument, d.at_ns) for d in told[Decision]}
    with_belief = [v for v in told[Verdict] if v.belief is not None]
    assert with_belief
    assert all((v.strategy, v.instrument, v.belief_ns) in believed for v in with_belief)
    assert len(all_of(journal, Transfer)) == 1

    again = Ledger()
    assert rebuild(writes, again) == len(told[Fill]) + len(told[Settlement]) + 1
    assert again.snapshot() == crew.ledger.snapshot()
    assert again.positions(with_closed=True) == crew.ledger.positions(with_closed=True)
    last = {(h.strategy, h.instrument): h for h in all_of(journal, Holding)}
    for position in again.positions(with_closed=True):
        kept = last[position.strategy, position.outcome.instrument]
        assert (kept.quantity, kept.cost_usd, kept.realized_usd, kept.fees_usd) == (
            position.quantity,
            position.cost_usd,
            position.realized_usd,
            position.fees_usd,
        )


def test_what_ends_without_a_trade_is_in_the_journal_and_makes_the_same_books_again(journal):
    writes = of_run(journal)
    writes.begin("TEST-001", "rc7", {})
    crew, _ = played(writes)
    end = all_of(journal, Settlement)[0]
    outcome = Outcome(**end.outcome)
    other = replace(outcome, instrument=outcome.instrument.replace("-YES.", "-NO."))
    sides = (outcome, other if other != outcome else replace(outcome, instrument="OTHER-YES.KALSHI"))
    before = crew.ledger.quantity(end.strategy, end.instrument)
    crew.ledger.post_reversal(Reversal(end.strategy, outcome, end.reference, end.at_ns + 1))
    crew.ledger.post_conversion(split(end.strategy, sides, Decimal(7), "split-1", end.at_ns + 2))
    crew.ledger.post_conversion(merge(end.strategy, sides, Decimal("2.5"), "merge-1", end.at_ns + 3))
    held = crew.ledger.quantity(end.strategy, end.instrument)
    assert held == before + end.quantity + Decimal("4.5")

    again = Ledger()
    rebuild(writes, again)
    assert again.snapshot() == crew.ledger.snapshot()
    assert again.positions(with_closed=True) == crew.ledger.positions(with_closed=True)
    for side in sides:
        last = [h for h in all_of(journal, Holding) if h.instrument == side.instrument][-1]
        assert last.quantity == crew.ledger.quantity(end.strategy, side.instrument)
    books = JournalBooks(writes, outcome.venue)
    asyncio.run(books.look())
    places = SimpleNamespace(place_of=lambda instrument: Place(instrument, 1, "purse"))
    assert books.books(places, {}).said["position"][end.instrument] == held


def test_a_journal_that_misses_a_fill_is_no_memory(journal):
    writes = of_run(journal)
    writes.begin("TEST-001", "rc7", {})
    played(writes)
    last = "DELETE FROM fills WHERE id = (SELECT max(id) FROM fills)"
    journal.find(lambda connection: connection.execute(text(last)) and None)
    with pytest.raises((LedgerBroken, ValueError), match="expected"):
        rebuild(writes, Ledger())


def test_what_another_run_did_counts_only_for_live_trading(journal):
    for run, mode in (("r-1", "sandbox"), ("r-2", "live"), ("r-3", "live")):
        writes = of_run(journal, run, mode)
        writes.begin("TEST-001", "rc7", {})
        transfer = Transfer(
            run=run, at_ns=1, kind="deposit", venue="KALSHI", target=None, amount_usd=Decimal(5), reference=""
        )
        entry = {"run": run, "at_ns": 1, "kind": "deposit", "reference": ""}
        writes.note(
            transfer,
            LedgerEntry(**entry, account="cash:KALSHI", amount_usd=Decimal(5)),
            LedgerEntry(**entry, account="capital", amount_usd=Decimal(-5)),
        )
    for run, mode, cash in (("r-1", "sandbox", 5), ("r-4", "sandbox", 0), ("r-4", "live", 10)):
        ledger = Ledger()
        rebuild(of_run(journal, run, mode), ledger)
        assert ledger.cash_usd() == cash


def test_a_journal_is_one_books(journal):
    of_run(journal).begin("TEST-001", "rc7", {})
    with pytest.raises(BadBook, match="found runs of test"):
        of_run(journal, name="another").begin("TEST-001", "rc7", {})
    assert [run.book for run in all_of(journal, Run)] == ["test"]


# A restart of the guardian


@pytest.mark.card("kalshi", "AR-E34")
@pytest.mark.card("polymarket", "AR-E34")
def test_a_halt_survives_every_run_of_its_mode_until_a_named_operator_resumes(journal):
    guard = Guardian([], Ledger(), store=GuardStore(of_run(journal, "r-1", "sandbox")))
    guard.halt("smoke", 7)
    for mode, state in (("sandbox", State.HALTED), ("live", State.ACTIVE)):
        assert Guardian([], Ledger(), store=GuardStore(of_run(journal, "r-2", mode))).state == state
    again = Guardian([], Ledger(), store=GuardStore(of_run(journal, "r-3", "sandbox")))
    assert again.switch.cause == "smoke"
    again.resume("the fire is out", "ann", 9)
    assert Guardian([], Ledger(), store=GuardStore(of_run(journal, "r-4", "sandbox"))).state == State.ACTIVE
    states = [(e.state, e.cause, e.operator) for e in all_of(journal, RiskEvent)]
    assert states == [("halted", "smoke", None), ("active", "the fire is out", "ann")]


def test_who_buries_a_node_halts_the_next_one(journal):
    halt_next_start(of_run(journal, "r-1", "live"), "the node did not take a halt")
    guard = Guardian([], Ledger(), store=GuardStore(of_run(journal, "r-1", "live")))
    assert (guard.state, guard.switch.cause) == (State.HALTED, "the node did not take a halt")


# What strategies keep


class Nothing(StrategyConfig, frozen=True):
    """Nothing to set."""


class Counting(Strategy[Nothing]):
    """Counts quotes over all its lives."""

    def on_load(self, state):
        self.loaded = dict(state)

    def on_start(self):
        self.quotes = int(getattr(self, "loaded", {}).get("quotes", b"0"))
        self.subscribe_quotes(YES.id)

    def on_quote(self, quote):
        self.quotes += 1

    def on_save(self):
        return {"quotes": str(self.quotes).encode()}


class Forgetful(Strategy[Nothing]):
    """Keeps nothing."""


def test_a_strategy_goes_on_with_what_it_kept(journal):
    for life in (1, 2):
        memory = StrategyMemory(of_run(journal, f"r-{life}", "live"))
        with Stage(lambda seat: Counting(Nothing(), seat), lambda seat: Forgetful(Nothing(), seat)) as stage:
            memory.load(stage.strategies)
            stage.play([row for at in range(3) for row in toy_book(0.48, 0.52, at)])
            memory.save(stage.strategies)
            memory.save(stage.strategies)
            assert stage.strategies[0].quotes == 3 * life
    scopes = [(one.scope, one.name) for one in all_of(journal, Kept)]
    assert scopes == [("strategies/live", "toy-1")]


def test_a_strategy_that_cannot_say_what_it_keeps_is_not_silent(journal):
    class Broken(Counting):
        def on_save(self):
            raise ValueError("no")

    memory = StrategyMemory(of_run(journal, "r-1", "live"))
    with Stage(lambda seat: Broken(Nothing(), seat)) as stage, pytest.raises(RuntimeError, match="no"):
        memory.save(stage.strategies)
