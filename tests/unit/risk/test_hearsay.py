"""What venues say of their markets and of themselves, and what the guardian makes of it."""

from decimal import Decimal

import pytest

from engine import Clearing
from markets.facts import (
    BookDoubt,
    Condition,
    DataGap,
    MarketPhase,
    MarketResolution,
    Method,
    OraclePrice,
    Phase,
    VenueCondition,
)
from risk import hearsay
from risk.memory import UNTIL_TOLD, Keeper, Memory, recall
from risk.state import State
from risk.store import MemoryStore

AT = {"ts_event": 5, "ts_init": 7}
OF_M = AT | {"venue": "KALSHI", "series": "KXFED", "market": "M"}


def phase(name):
    return MarketPhase(**OF_M, phase=Phase(name), closes_ns=9)


def result(payout="1", **how):
    return MarketResolution(**OF_M, payout=Decimal(payout), source="venue", **how)


@pytest.mark.parametrize(
    ("fact", "noted"),
    [
        (phase("paused"), "paused"),
        (phase("closed"), "closed"),
        (phase("determined"), "determined"),
        (phase("disputed"), "disputed"),
        (phase("open"), None),
        (phase("pending"), None),
        (phase("settled"), None),
        (result(is_final=True, is_disputed=True), "disputed"),
        (result("0.5", is_final=False), "to pay 0.5 USD a contract, which is not final"),
        (result("0", is_final=True), "settled at 0 USD a contract"),
    ],
)
def test_a_fact_of_a_market_is_noted_under_its_name(fact, noted):
    memory = Memory(unsettled={"M.KALSHI": "something else"})
    hearsay.take(fact, memory)
    assert memory.unsettled == ({} if noted is None else {"M.KALSHI": noted})


@pytest.mark.parametrize(("until", "doubted"), [(6, 7), (8, 8)])
def test_a_gap_is_a_doubt_until_it_ends_and_until_we_knew(until, doubted):
    memory = Memory()
    hearsay.take(DataGap(**OF_M, until_ns=until, reason="lost"), memory)
    assert memory.doubted_ns == {"M.KALSHI": doubted}


def test_of_other_facts_nothing_follows():
    memory = Memory()
    hearsay.take(OraclePrice(**AT, source="S", symbol="BTC", value=Decimal(1), method=Method.SPOT), memory)
    assert (memory.unsettled, memory.doubted_ns) == ({}, {})


@pytest.mark.parametrize(
    ("word", "state", "unwanted"),
    [
        ("normal", State.ACTIVE, Clearing.NOTHING),
        ("api_error", State.ACTIVE, Clearing.NOTHING),
        ("closed_only", State.REDUCE_ONLY, Clearing.OPENING),
        ("geoblocked", State.REDUCE_ONLY, Clearing.OPENING),
        ("banned", State.HALTED, Clearing.ALL),
    ],
)
def test_a_restriction_changes_the_state_and_says_what_must_go(word, state, unwanted, table):
    t, calls = table(), []
    t.guard.watch(lambda: calls.append(t.guard.state))
    t.guard.learn(VenueCondition(**AT, venue="KALSHI", condition=Condition(word)))
    assert (t.guard.state, t.guard.unwanted(t.desk)) == (state, unwanted)
    assert calls == ([] if state == State.ACTIVE else [state])
    assert state == State.ACTIVE or t.guard.switch.cause == f"KALSHI says {word}"


def doubt(*, is_over):
    return BookDoubt(**OF_M, is_over=is_over, reason="" if is_over else "another top")


def test_a_book_that_its_venue_contradicts_is_in_doubt_until_the_venue_clears_it():
    memory = Memory()
    hearsay.take(doubt(is_over=False), memory)
    assert memory.doubted_ns == {"M.KALSHI": UNTIL_TOLD}
    hearsay.take(doubt(is_over=True), memory)
    assert memory.doubted_ns == {"M.KALSHI": 7}


def test_a_restart_forgets_a_doubt_that_only_the_venue_could_clear():
    store, memory = MemoryStore(), Memory()
    memory.doubted_ns |= {"M.KALSHI": UNTIL_TOLD, "N.KALSHI": 8}
    Keeper(memory, store).keep()
    assert recall(store).doubted_ns == {"N.KALSHI": 8}
