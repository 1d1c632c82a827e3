from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from research.profit import measure_profit, mirror
from research.record import Outcome, Settlement


def _settled(instrument, payout):
    return Settlement(0, "kelly-1", instrument, "E1-M", "E1", Decimal(payout), Decimal(10), Decimal(0))


def test_every_cut_of_a_small_run_is_the_one_worked_by_hand(small_record):
    profit = measure_profit(small_record)
    assert [line.net_usd for line in profit.lines] == [Decimal("5.83"), Decimal(6), Decimal("1.20")]
    assert profit.total.net_usd == Decimal("13.03")
    assert profit.total.fees_usd == Decimal("0.22")
    assert profit.total.gross_usd == Decimal("13.25")
    assert {name: sums.net_usd for name, sums in profit.by_class.items()} == {
        "B": Decimal("7.03"),
        "C": Decimal(6),
    }
    assert profit.by_strategy["kelly-1"].net_usd == Decimal("7.03")
    assert profit.by_event["E2"].net_usd == Decimal("7.20")
    assert profit.by_strategy_and_event["quoter-1", "E2"].net_usd == Decimal(6)
    assert profit.by_strategy["kelly-1"].taker_fills == 2
    assert profit.reconciles


def test_a_difference_to_the_ledger_is_shown_to_the_last_digit(small_record):
    facts = replace(small_record.facts, ledger_net_usd=Decimal("13.030001"))
    profit = measure_profit(replace(small_record, facts=facts))
    assert profit.difference_usd == Decimal("0.000001")
    assert not profit.reconciles


def test_a_settlement_values_its_own_instrument(make_fill, make_record):
    record = make_record(fills=[make_fill(outcome="NO")], settlements=[_settled("E1-M-NO", "0.25")])
    assert measure_profit(record).total.net_usd == Decimal("-1.67")  # 10 * (0.25 - 0.40) - 0.17


def test_an_open_position_is_valued_at_its_mark_and_said_to_be(make_fill, make_facts, make_record):
    record = make_record(make_facts(marks={"E1-M-YES": Decimal("0.455")}), fills=[make_fill()])
    profit = measure_profit(record)
    assert profit.total.net_usd == profit.marked_net_usd == Decimal("0.38")  # 10 * 0.055 - 0.17


def test_a_payout_goes_before_a_mark(make_fill, make_facts, make_record):
    facts = make_facts(marks={"E1-M-YES": Decimal("0.455")})
    profit = measure_profit(
        make_record(facts, fills=[make_fill()], outcomes=[Outcome("E1-M", "E1", Decimal(1))])
    )
    assert profit.total.net_usd == Decimal("5.83")
    assert profit.marked_net_usd == 0


def test_a_fill_without_payout_and_mark_is_an_error(make_fill, make_record):
    with pytest.raises(LookupError, match="expected a payout or a mark for E1-M-YES, found neither"):
        measure_profit(make_record(fills=[make_fill()]))


def test_settlement_and_outcome_that_disagree_are_an_error(make_fill, make_record):
    record = make_record(
        fills=[make_fill()],
        settlements=[_settled("E1-M-YES", 1)],
        outcomes=[Outcome("E1-M", "E1", Decimal(0))],
    )
    with pytest.raises(ValueError, match="expected one payout for E1-M-YES, found 1 and 0"):
        measure_profit(record)


def test_a_hedge_that_is_no_outcome_is_valued_at_its_mark(make_fill, make_facts, make_record):
    facts = make_facts(marks={"BTCUSDT-LINEAR.BYBIT": Decimal(60_100)})
    hedge = make_fill(instrument="BTCUSDT-LINEAR.BYBIT", outcome="", price=Decimal(60_000))
    record = make_record(facts, fills=[hedge], outcomes=[Outcome("E1-M", "E1", Decimal(1))])
    assert measure_profit(record).total.net_usd == Decimal("999.83")


@pytest.mark.parametrize(("outcome", "value"), [("YES", "0.3"), ("No", "0.7"), ("Up", None)])
def test_no_mirrors_yes_and_other_outcomes_mirror_nothing(outcome, value):
    assert mirror(outcome, Decimal("0.3")) == (None if value is None else Decimal(value))


def _decimals(low, high, places):
    return st.decimals(Decimal(low), Decimal(high), places=places)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_cut_adds_up_to_the_total_for_any_fills(data, make_fill, make_facts, make_record):
    draw = data.draw
    marks = {f"E{number}-M-{side}": draw(_decimals(0, 1, 6)) for number in range(3) for side in ("YES", "NO")}
    fills = [
        make_fill(
            event=f"E{draw(st.integers(0, 2))}",
            outcome=draw(st.sampled_from(["YES", "NO"])),
            side=draw(st.sampled_from(["BUY", "SELL"])),
            strategy=draw(st.sampled_from(["a", "b"])),
            evidence=draw(st.sampled_from("ABCDS")),
            quantity=draw(_decimals("0.01", 10**12, 2)),
            price=draw(_decimals("0.0001", "0.9999", 4)),
            fee_usd=draw(_decimals(-100, 100, 9)),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]
    profit = measure_profit(make_record(make_facts(marks=marks), fills=fills))
    for cut in (profit.by_class, profit.by_strategy, profit.by_event, profit.by_strategy_and_event):
        assert sum((sums.net_usd for sums in cut.values()), Decimal(0)) == profit.total.net_usd
        assert sum((sums.fees_usd for sums in cut.values()), Decimal(0)) == profit.total.fees_usd
        assert sum(sums.fills for sums in cut.values()) == len(fills)
