"""How a position can end, through the engine: our books and the engine's account agree on every cent."""

from decimal import Decimal

import pytest
from risk_stage import MARKETS, C, H, T, Tape, play
from toy import SECOND, START, market

from markets.facts import MarketResolution

KALSHI = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
          "fee_unit": "0.000001", "cash_unit": "0.0001"}  # fmt: skip
POLYMARKET = {"since_ns": 0, "taker_rate": "0.05", "maker_rate": "0", "exponent": 1,
              "fee_unit": "0.00001", "rounding": "half_even"}  # fmt: skip
RULES = {"KALSHI": KALSHI, "POLYMARKET": POLYMARKET}
YES, NO = f"{C}:YES", f"{C}:NO"
TAKE = [(1, "buy", YES, "100", "0.52")]


def said(payout, at=12, of=C, is_final=True, is_disputed=False):
    now = START + at * SECOND
    return MarketResolution(
        ts_event=now, ts_init=now, venue="KALSHI", series=of.split("-")[0], market=of, payout=Decimal(payout),
        source="venue", is_final=is_final, is_disputed=is_disputed,
    )  # fmt: skip


def ended(acts, facts, venue="KALSHI", closes=3600, **tape):
    pairs = {
        name: market(name, fees=(RULES[venue],), closes_ns=START + closes * SECOND, mutually_exclusive=True)
        for name in MARKETS
    }
    record = play([], acts, Tape(facts=tuple(facts), **tape), pairs=pairs)
    assert record.refusals == []
    return record


def cash_of(record):
    """Return what is left, of which a run knows that the engine's account says the same to the millionth."""
    assert not record.facts.marks, "something is still held"
    return 1000 + record.facts.ledger_net_usd


WAYS = {
    "taken": (TAKE, {}),
    "left a resting order": ([*TAKE, (2, "rest", YES, "50", "0.40"), (2, "rest", NO, "50", "0.40")], {}),
    "rested": ([(1, "rest", YES, "100", "0.40")], {"moves": {(C, 5): (0.36, 0.40)}}),
    "taken in parts": ([(1, "buy", YES, "33.33", "0.52"), (3, "buy", YES, "66.67", "0.52")], {}),
    "filled in part": ([(1, "buy", YES, "160", "0.52")], {"size": 100}),
    "sold in part": ([*TAKE, (3, "sell", YES, "30", "0.48")], {}),
    "both sides": ([*TAKE, (3, "buy", NO, "40", "0.52")], {}),
}
# At a payout of 1, 0, 0.5 (void) and 0.37 (scalar). What is netted at the venue is held side by side here: the
# cash comes back at the end instead of at once, and is the same.
ROWS = [
    ("KALSHI", "taken", "1046.2528", "946.2528", "996.2528", "983.2528"),
    ("KALSHI", "left a resting order", "1046.2528", "946.2528", "996.2528", "983.2528"),
    ("KALSHI", "rested", "1059.58", "959.58", "1009.58", "996.58"),
    ("KALSHI", "taken in parts", "1046.2527", "946.2527", "996.2527", "983.2527"),
    ("KALSHI", "filled in part", "1046.2528", "946.2528", "996.2528", "983.2528"),
    ("KALSHI", "sold in part", "1030.1286", "960.1286", "995.1286", "986.0286"),
    ("KALSHI", "both sides", "1024.7539", "964.7539", "994.7539", "986.9539"),
    ("POLYMARKET", "taken", "1046.752", "946.752", "996.752", "983.752"),
    ("POLYMARKET", "left a resting order", "1046.752", "946.752", "996.752", "983.752"),
    ("POLYMARKET", "rested", "1060", "960", "1010", "997"),
    ("POLYMARKET", "taken in parts", "1046.752", "946.752", "996.752", "983.752"),
    ("POLYMARKET", "filled in part", "1046.752", "946.752", "996.752", "983.752"),
    ("POLYMARKET", "sold in part", "1030.7776", "960.7776", "995.7776", "986.6776"),
    ("POLYMARKET", "both sides", "1025.4528", "965.4528", "995.4528", "987.6528"),
]
CASES = [
    pytest.param(venue, way, payout, cash, id=f"{venue}-{way}-{payout}")
    for venue, way, *all_cash in ROWS
    for payout, cash in zip(("1", "0", "0.5", "0.37"), all_cash, strict=True)
]


@pytest.mark.parametrize(("venue", "way", "payout", "cash"), CASES)
def test_a_position_ends_with_this_cash_in_a_backtest(venue, way, payout, cash):
    acts, tape = WAYS[way]
    assert cash_of(ended(acts, [said(payout)], venue, **tape)) == Decimal(cash)


@pytest.mark.parametrize("final", ["1", "0", "0.5"])
def test_only_the_final_result_pays_although_another_was_said_and_disputed(final):
    first = str(1 - Decimal(final))
    story = [
        said(first, 8, is_final=False),
        said(first, 9, is_disputed=True),
        said(final, 10, is_final=False, is_disputed=True),
        said(final, 12),
        said(first, 13),  # too late: what is settled is settled
    ]
    cash = Decimal("946.2528") + 100 * Decimal(final)
    record = ended(TAKE, story)
    assert cash_of(record) == cash
    assert [one.payout for one in record.settlements] == [Decimal(final)]


@pytest.mark.parametrize("closes", [5, 12, 3600])
def test_a_result_pays_the_same_before_the_close_at_it_and_long_after(closes):
    assert cash_of(ended(TAKE, [said("1")], closes=closes)) == Decimal("1046.2528")


@pytest.mark.parametrize("winner", [C, H, T])
def test_a_set_with_other_bought_whole_pays_a_dollar_whoever_wins(winner):
    acts = [(1, "buy", f"{name}:YES", "7", "0.52") for name in MARKETS]
    facts = [said(str(int(name == winner)), of=name) for name in MARKETS]
    # 7 x 0.52 = 3.64 three times, 0.07 x 7 x 0.2496 = 0.122304 of fees, with the rounding of cash 0.1224
    assert cash_of(ended(acts, facts)) == 1000 - 3 * (Decimal("3.64") + Decimal("0.1224")) + 7
