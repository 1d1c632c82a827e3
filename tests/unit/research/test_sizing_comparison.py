from decimal import Decimal
from math import log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.sizing import Bet, FixedShare, FixedStake, FractionalKelly
from research.record import Forecast, Outcome
from research.sizing_comparison import HEADER, Chance, chances_of, compare_sizings, comparison_rows

RULES = {
    "fixed 100 USD": FixedStake(Decimal(100)),
    "fixed 10 %": FixedShare(0.1),
    "Kelly": FractionalKelly(),
    "quarter Kelly": FractionalKelly(0.25),
}


def chances(*payouts, bet=None):
    return [Chance(f"E{number}", bet or Bet(0.6, 0.5), payout) for number, payout in enumerate(payouts)]


def test_three_coins_worked_by_hand():
    # Won, lost, won at even money; Kelly stakes 20 %: 1000, 1200, 960, 1152.
    results = {
        result.name: result
        for result in compare_sizings(chances(1.0, 0.0, 1.0), RULES, Decimal(1000)).results
    }
    assert results["fixed 100 USD"].final_usd == Decimal(1100)
    assert results["fixed 10 %"].final_usd == Decimal(1089)
    assert results["Kelly"].final_usd == Decimal(1152)
    assert results["quarter Kelly"].final_usd == Decimal("1047.375")
    kelly = results["Kelly"]
    assert (kelly.bets, kelly.net_usd, kelly.is_ruined) == (3, Decimal(152), False)
    assert kelly.worst_drawdown_share == pytest.approx(-0.2)
    assert kelly.growth.mean == pytest.approx(log(1.152) / 3)
    assert kelly.less_first.mean == pytest.approx((log(1.152) - log(1.1)) / 3)
    assert results["fixed 100 USD"].less_first is None


def test_the_rows_say_it_in_words():
    rows = comparison_rows(compare_sizings(chances(1.0, 0.0, 1.0), RULES, Decimal(1000)))
    assert all(len(row) == len(HEADER) for row in rows)
    assert rows[2][:6] == ("Kelly", "3", "1,152.00", "+152.00", "-20.0 %", "+0.047167")
    assert rows[0][6] == "n/a"


def test_a_ruined_rule_stops_and_has_no_growth():
    rules = {"all": FixedShare(1.0), "Kelly": FractionalKelly()}
    ruined, kelly = compare_sizings(chances(1.0, 0.0, 1.0), rules, Decimal(1000)).results
    assert ruined.is_ruined
    assert (ruined.bets, ruined.growth, ruined.worst_drawdown_share) == (2, None, -1)
    assert kelly.less_first is None
    rows = comparison_rows(compare_sizings(chances(0.0), rules, Decimal(1000)))
    assert rows[0][5] == "ruined"


def test_a_chance_without_an_edge_is_an_event_without_a_bet():
    (result,) = compare_sizings(
        chances(1.0, bet=Bet(0.4, 0.5)), {"Kelly": FractionalKelly()}, Decimal(1000)
    ).results
    assert (result.bets, result.final_usd, result.growth.events) == (0, Decimal(1000), 1)
    assert result.growth.mean == 0


def test_no_events_have_no_growth():
    comparison = compare_sizings([], RULES, Decimal(1000))
    assert comparison.events == 0
    assert {result.growth for result in comparison.results} == {None}
    assert {row[5] for row in comparison_rows(comparison)} == {"n/a"}


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0, 1)), max_size=12))
def test_no_rule_goes_into_debt_and_the_growth_explains_the_end(rows):
    events = [Chance(f"E{n}", Bet(p, c), payout) for n, (p, c, payout) in enumerate(rows)]
    for result in compare_sizings(events, RULES, Decimal(1000)).results:
        assert result.final_usd >= 0
        assert -1 <= result.worst_drawdown_share <= 0
        if result.growth is not None:
            assert result.growth.mean * len(events) == pytest.approx(log(result.final_usd / 1000), abs=1e-6)


@pytest.mark.parametrize(
    ("events", "rules", "start", "says"),
    [
        (chances(1.0), {}, 1000, "at least one rule"),
        (chances(1.0), RULES, 0, "bankroll above 0 USD"),
        (chances(1.0), RULES, "NaN", "bankroll above 0 USD"),
        (chances(1.0) * 2, RULES, 1000, "one chance per event, found more for E0"),
    ],
)
def test_what_cannot_be_compared_is_refused(events, rules, start, says):
    with pytest.raises(ValueError, match=says):
        compare_sizings(events, rules, Decimal(start))


def test_a_payout_is_a_share():
    for bad in (-0.1, 1.1, nan):
        with pytest.raises(ValueError, match="a payout in"):
            Chance("E1", Bet(0.6, 0.5), bad)


def test_a_record_offers_its_first_buy_per_event_at_its_cost_with_fee(make_record, make_fill):
    start = make_fill().ts_ns
    record = make_record(
        fills=(
            make_fill(ts_ns=start + 5),
            make_fill(ts_ns=start + 6, price=Decimal("0.50")),
            make_fill(ts_ns=start + 1, event="E2", outcome="NO", price=Decimal("0.70"), fee_usd=Decimal(0)),
            make_fill(event="E3", side="SELL"),
            make_fill(event="E4", strategy="other-1"),
        ),
        forecasts=(
            Forecast(start + 6, "kelly-1", "E1-M", "E1", 0.9, None),
            Forecast(start + 4, "kelly-1", "E1-M", "E1", 0.7, None),
            Forecast(start, "kelly-1", "E1-M", "E1", 0.6, None),
            Forecast(start, "kelly-1", "E2-M", "E2", 0.25, None),
            Forecast(start, "other-1", "E2-M", "E2", 0.01, None),
        ),
        outcomes=tuple(Outcome(f"E{n}-M", f"E{n}", Decimal(n == 1)) for n in range(1, 5)),
    )
    found = chances_of(record, "kelly-1")
    assert found.taken == (
        Chance("E2", Bet(0.75, 0.70), 1.0),
        Chance("E1", Bet(0.7, float(Decimal("0.417"))), 1.0),
    )
    assert found.left_out == {}


def test_a_buy_that_cannot_be_replayed_is_counted_with_its_reason(make_record, make_fill, make_facts):
    start = make_fill().ts_ns
    record = make_record(
        make_facts(marks={"E1-M-YES": Decimal("0.5"), "E4-M-Up": Decimal("0.5")}),
        fills=(
            make_fill(),
            make_fill(event="E2"),
            make_fill(event="E3", price=Decimal("0.99")),
            make_fill(event="E5"),
        ),
        forecasts=(
            Forecast(start, "kelly-1", "E1-M", "E1", 0.6, None),
            Forecast(start + 1, "kelly-1", "E2-M", "E2", 0.6, None),
            Forecast(start, "kelly-1", "E3-M", "E3", 0.6, None),
            Forecast(start, "kelly-1", "E5-M", "E5", 1.0, None),
        ),
        outcomes=tuple(Outcome(f"E{n}-M", f"E{n}", Decimal(1)) for n in (2, 3, 5)),
    )
    found = chances_of(record, "kelly-1")
    assert found.taken == ()
    assert found.left_out == {
        "no payout yet": 1,
        "no forecast before the fill": 1,
        "a cost or a probability outside (0, 1)": 2,
    }
