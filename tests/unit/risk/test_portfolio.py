from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.contract import Outcome
from risk.lots import Lot
from risk.netting import gross_usd, worst_loss_usd
from risk.stress import Sight, pays_yes, scenarios, stress
from risk.tail import Bet, bets_of, tail_of


def outcome(market, side="YES", event="E", exclusive=False, venue="KALSHI"):
    return Outcome(f"{market}-{side}", market, event, venue, is_yes=side == "YES", is_exclusive=exclusive)


def lot(market, side="YES", held=10, cost="5", bids=(), offers=(), **more):
    return Lot(outcome(market, side, **more), Decimal(held), Decimal(cost), list(bids), list(offers))


def usd(text):
    return Decimal(text)


def test_both_sides_of_a_market_lose_only_what_they_cost_above_a_dollar():
    assert worst_loss_usd([lot("A", "YES", cost="5"), lot("A", "NO", cost="5.2")]) == usd("0.2")


def test_all_yes_of_exclusive_markets_may_all_lose_but_no_of_them_only_one():
    every_yes = [lot(name, cost="3", exclusive=True) for name in "ABC"]
    assert worst_loss_usd(every_yes) == 9
    every_no = [lot(name, "NO", cost="6", exclusive=True) for name in "ABC"]
    assert worst_loss_usd(every_no) == -2
    assert worst_loss_usd([replace_exclusive(one) for one in every_no]) == 18


def replace_exclusive(one):
    return Lot(replace(one.outcome, is_exclusive=False), one.held, one.cost_usd)


def test_an_order_that_hedges_counts_only_when_it_makes_things_worse():
    hedge = lot("A", "NO", held=0, cost=0, bids=[(usd(10), usd("5.2"))])
    assert worst_loss_usd([lot("A"), hedge]) == worst_loss_usd([lot("A")]) == 5
    more = lot("A", held=0, cost=0, bids=[(usd(10), usd("5.2"))])
    assert worst_loss_usd([lot("A"), more]) == usd("10.2")


def test_an_offer_of_a_hedge_leg_counts_as_if_it_were_sold():
    sold = lot("A", "NO", cost="5.2", offers=[(usd(10), usd("0.1"))])
    assert worst_loss_usd([lot("A"), sold]) == usd("9.2")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from(["YES", "NO"]), st.integers(0, 50), st.integers(0, 40)
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_netting_is_never_above_gross_and_exclusion_never_makes_it_worse(rows, exclusive):
    lots = [lot(name, side, held, cost, exclusive=exclusive) for name, side, held, cost in rows]
    assert worst_loss_usd(lots) <= gross_usd(lots)
    assert worst_loss_usd(lots) <= worst_loss_usd([replace_exclusive(one) for one in lots])


def bet(chance=0.5, group="G", bad=10.0, good=-10.0):
    return Bet(group, chance, bad, good)


def test_one_bet_is_a_coin():
    assert tail_of([bet(0.04)], 0.95, 0.5, 1).value_at_risk_usd == -10
    assert tail_of([bet(0.06)], 0.95, 0.5, 1).value_at_risk_usd == 10
    assert tail_of([bet(0.04)], 0.95, 0.5, 1).expected_shortfall_usd == pytest.approx(
        (0.04 * 10 - 0.01 * 10) / 0.05
    )


def test_independent_bets_are_the_binomial():
    tail = tail_of([bet(0.5, str(n), 1, 0) for n in range(4)], 0.9, 0.0, 1)
    assert tail.is_exact
    assert tail.value_at_risk_usd == 3
    assert tail.expected_shortfall_usd == pytest.approx((4 / 16 + 3 * (0.1 - 1 / 16)) / 0.1)


def test_within_a_group_correlation_makes_the_tail_fatter():
    bets = [bet(0.2) for _ in range(5)]
    falls = [tail_of(bets, 0.95, rho, 1).expected_shortfall_usd for rho in (0.0, 0.3, 0.6, 0.9)]
    assert falls == sorted(falls)
    assert falls[0] < falls[-1]


def test_enumeration_and_simulation_agree_and_the_seed_decides():
    few = [bet(0.3, "G", 1.0, 0.0) for _ in range(8)]
    exact = tail_of(few, 0.95, 0.4, 1)
    many = [bet(0.3, "G", 1.0, 0.0) for _ in range(8)] + [bet(0.5, "G", 0.0, 0.0)]
    first, again, other = (tail_of(many, 0.95, 0.4, seed) for seed in (1, 1, 2))
    assert (exact.is_exact, first.is_exact) == (True, False)
    assert first == again != other
    assert first.expected_shortfall_usd == pytest.approx(exact.expected_shortfall_usd, rel=0.03)
    assert first.value_at_risk_usd == exact.value_at_risk_usd


@pytest.mark.parametrize("wrong", [bet(float("nan")), bet(1.2), bet(bad=float("inf"))])
def test_what_cannot_be_true_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a chance"):
        tail_of([wrong], 0.95, 0.5, 1)


def test_nothing_at_stake_has_no_tail():
    assert tail_of([], 0.99, 0.5, 1).expected_shortfall_usd == pytest.approx(0)


def test_a_market_held_on_both_sides_is_one_bet():
    (one,) = bets_of([lot("A", cost="5"), lot("A", "NO", cost="5.2")], lambda name: Decimal("0.4"))
    assert (one.bad_usd, one.good_usd) == (pytest.approx(0.2), pytest.approx(0.2))


def test_the_chance_of_a_loss_is_read_off_the_mark():
    (yes,) = bets_of([lot("A")], lambda name: Decimal("0.4"))
    (no,) = bets_of([lot("A", "NO")], lambda name: Decimal("0.4"))
    assert (yes.chance_of_bad, no.chance_of_bad) == (pytest.approx(0.6), pytest.approx(0.6))


SIGHT = Sight(lambda _: usd("0.4"), lambda _: None, usd("0.1"))


def test_stress_says_the_worst_first():
    own = [lot("A", cost="5"), lot("A", "NO", cost="5.2"), lot("B", event="F", venue="POLY", cost="3")]
    assert [(line.scenario, line.loss_usd) for line in stress(own, SIGHT)] == [
        ("everything pays nothing", usd("13.2")),
        ("KALSHI never pays", usd("10.2")),
        ("nobody bids any more", usd("7.2")),  # 30 contracts at half of 0.4
        ("every event of F ends at its worst", usd(3)),
        ("POLY never pays", usd(3)),
        ("every event of E ends at its worst", usd("0.2")),
    ]


def test_without_bidders_live_bids_fill_and_offers_do_not():
    own = [lot("A", cost="5", bids=[(usd(10), usd("4.1"))], offers=[(usd(10), usd("0.5"))])]
    found = {line.scenario: line.loss_usd for line in scenarios(own, SIGHT)}
    assert found["nobody bids any more"] == usd("5") + usd("4.1") - usd("2")


def on_btc(market, side="YES", kind="greater_or_equal", floor="100", cap=None, event=None, **more):
    made = lot(market, side, event=event or market, **more)
    strikes = {"strike_type": kind, "floor_strike": floor, "cap_strike": cap}
    return replace(made, outcome=replace(made.outcome, underlying="BTC", **strikes))


def at(spot):
    return Sight(lambda _: usd("0.4"), lambda name: spot if name == "BTC" else None, usd("0.1"))


def test_an_underlying_that_moves_pays_by_the_strikes_and_the_rest_stays_at_its_mark():
    own = [on_btc("U", cost="6"), on_btc("L", "NO", floor="95", cost="3"), lot("X", event="X", cost="5")]
    found = {line.scenario: line.loss_usd for line in scenarios(own, at(usd(102)))}
    # higher, 112.2: U pays 10, L as NO nothing; lower, 91.8: the other way round; X is left at 4
    assert found["BTC ends 10 % higher"] == (6 - 10) + 3 + (5 - 4)
    assert found["BTC ends 10 % lower"] == 6 + (3 - 10) + (5 - 4)


def test_a_strike_that_does_not_say_ends_the_worse_way_and_an_unknown_place_loses_all():
    own = [on_btc("U", kind="custom", cost="6"), on_btc("U", "NO", kind="custom", cost="2")]
    found = {line.scenario: line.loss_usd for line in scenarios(own, at(usd(102)))}
    assert found["BTC ends 10 % higher"] == found["BTC ends 10 % lower"] == 8 - 10
    nowhere = {
        line.scenario: line.loss_usd for line in scenarios([*own, lot("X", event="X", cost="5")], SIGHT)
    }
    assert nowhere["BTC moves, from where is not known"] == 8 + (5 - 4)
    uneven = [
        on_btc("U", kind="custom", held=10, cost="6"),
        on_btc("U", "NO", kind="custom", held=4, cost="2"),
    ]
    worst = {line.scenario: line.loss_usd for line in scenarios(uneven, at(usd(102)))}
    assert worst["BTC ends 10 % higher"] == 8 - 4


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "below", "on", "above"),
    [
        ("greater", "100", None, False, False, True),
        ("greater_or_equal", "100", None, False, True, True),
        ("less", None, "100", True, False, False),
        ("less_or_equal", None, "100", True, True, False),
        ("between", "100", "100", False, True, False),
        ("greater", None, "100", None, None, None),
        ("between", "100", None, None, None, None),
        (None, "100", None, None, None, None),
    ],
)
def test_a_strike_says_which_side_pays(kind, floor, cap, below, on, above):
    outcome = on_btc("U", kind=kind, floor=floor, cap=cap).outcome
    assert [pays_yes(outcome, usd(price)) for price in ("99.99", "100", "100.01")] == [below, on, above]
