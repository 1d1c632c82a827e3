"""Prices that move together, and signals that repeat each other."""

from itertools import pairwise
from math import sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.contract import Outcome
from risk.correlation import Estimate, History, Prior, Signals, estimate_of, pair_correlation
from risk.rules.correlation import MaxPairCorrelation

SECOND = 1_000_000_000
PRICES = st.integers(1, 99).map(lambda cents: cents / 100)
PAIRS = st.lists(st.tuples(PRICES, PRICES), min_size=2, max_size=40)


def outcome(market, side="YES", event="E", *, underlying=None, exclusive=False):
    return Outcome(f"{market}-{side}", market, event, "V", "S", underlying, side == "YES", exclusive)


def history(a, b, step=SECOND):
    """Return a history of two prices, each in units of a hundredth; None: no price."""
    made = History()
    for at, both in enumerate(zip(a, b, strict=True)):
        look(made, both, at * step)
    return made


def look(made, both, now_ns):
    mids = {name: round(100 * mid) for name, mid in zip("AB", both, strict=True) if mid is not None}
    made.look(lambda: mids, now_ns)


# An estimate


@given(PAIRS)
def test_an_estimate_is_numpys_and_the_same_both_ways(pairs):
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    found = estimate_of(pairs)
    assert found.pairs == len(pairs)
    assert -1 <= found.correlation <= 1
    assert found.correlation == pytest.approx(estimate_of([(y, x) for x, y in pairs]).correlation)
    if a.std() > 1e-9 and b.std() > 1e-9:
        assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    else:
        assert found.correlation == 0


@given(st.floats(-1, 1), st.integers(1, 500), st.floats(0, 0.99), st.floats(0.1, 100))
def test_what_is_drawn_lies_between_estimate_and_prior_and_nearer_the_more_there_is(r, pairs, prior, weight):
    found = Estimate(r, pairs).drawn_to(prior, weight)
    low, high = sorted((r, prior))
    assert low - 1e-9 <= found <= high + 1e-9
    more = Estimate(r, pairs * 2).drawn_to(prior, weight)
    assert abs(more - r) <= abs(found - r) + 1e-9


def test_ten_pairs_and_thirty_of_the_prior_are_a_quarter_and_three_quarters():
    assert Estimate(1.0, 10).drawn_to(0.4, 30) == pytest.approx(0.25 + 0.3)
    assert estimate_of([]).drawn_to(0.4, 30) == pytest.approx(0.4)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("side", [0, 1])
def test_changes_that_are_no_numbers_are_no_estimate(wrong, side):
    pairs = [(0.1, 0.2), (0.2, 0.1), (wrong, 0.1) if side == 0 else (0.1, wrong)]
    with pytest.raises(ValueError, match="expected finite changes of prices"):
        estimate_of(pairs)


def test_one_side_that_stands_still_says_nothing_unless_that_is_said():
    for pairs in ([(0.1, 0.5), (0.2, 0.5)], [(0.5, 0.1), (0.5, 0.2)]):
        assert estimate_of(pairs) == Estimate(0.0, 2)
        assert estimate_of(pairs, if_constant=1.0) == Estimate(1.0, 2)


# A history


def test_prices_that_move_together_are_one_and_those_that_move_apart_minus_one():
    a = [0.50, 0.52, 0.51, 0.55]
    assert history(a, a).estimate("A", "B") == Estimate(pytest.approx(1.0), 3)
    assert history(a, [1 - one for one in a]).estimate("A", "B") == Estimate(pytest.approx(-1.0), 3)


def test_levels_that_rise_together_are_not_changes_that_go_together():
    found = history([0.1, 0.3, 0.4, 0.6], [0.1, 0.2, 0.4, 0.5]).estimate("A", "B")
    assert found.correlation == pytest.approx(-1.0)  # changes of 2, 1, 2 and of 1, 2, 1


def test_a_look_without_one_of_the_two_is_left_out():
    found = history([0.5, 0.52, 0.6, 0.51], [0.5, 0.52, None, 0.51]).estimate("A", "B")
    assert found == Estimate(pytest.approx(1.0), 2)
    assert history([0.5, 0.6], [None, None]).estimate("A", "B").pairs == 0


def test_looks_are_a_second_apart():
    assert history([0.5, 0.52, 0.6], [0.5, 0.52, 0.6], SECOND // 2).estimate("A", "B").pairs == 1
    assert history([0.5, 0.52, 0.6], [0.5, 0.52, 0.6]).estimate("A", "B").pairs == 2


def test_looks_are_a_second_apart_at_any_hour():
    made, now = History(), 1_790_000_000 * SECOND
    for at_ns in (now, now + 1, now + SECOND - 1):
        look(made, (0.5, 0.5), at_ns)
    assert made.estimate("A", "B").pairs == 0


def test_without_pairs_nothing_is_estimated():
    assert estimate_of([]) == Estimate(0.0, 0)


def test_a_new_look_is_a_new_estimate_and_old_looks_are_forgotten():
    made = history([0.5, 0.52], [0.5, 0.52])
    assert made.estimate("A", "B").pairs == 1
    look(made, (0.5, 0.6), 5 * SECOND)
    assert made.estimate("A", "B").pairs == 2
    long = history([0.5] * 300, [0.5] * 300)
    assert long.estimate("A", "B").pairs == 255


def plainly(looks):
    """Return the estimate over the last 256 looks, each with both prices or None for one, from nothing."""
    rows = [both for both in looks[-256:] if None not in both]
    return estimate_of([(c - a, d - b) for (a, b), (c, d) in pairwise(rows)])


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32), gaps=st.sampled_from([0, 0.1, 0.6]), asked=st.sampled_from([0.004, 0.05, 1])
)
def test_sums_that_run_along_say_what_the_plain_estimate_says_whatever_is_missing(seed, gaps, asked):
    chance, made, looks = Random(seed), History(), []
    one = other = 5_000
    for at in range(700):
        one += chance.choice((0, 0, 1, -1, 7))
        other += chance.choice((0, 1, -1)) + (one % 3)
        both = tuple(None if chance.random() < gaps else price for price in (one, other))
        looks.append(both)
        made.look(
            lambda both=both: {n: p for n, p in zip("AB", both, strict=True) if p is not None}, at * SECOND
        )
        if chance.random() < asked:
            expected = plainly(looks)
            found = made.estimate("A", "B")
            assert found.pairs == expected.pairs
            assert found.correlation == pytest.approx(expected.correlation, abs=1e-9)


def test_a_price_that_stood_still_for_a_whole_window_says_nothing_again():
    moved = [0.50 + at % 2 / 100 for at in range(20)]
    made = history(moved + [0.5] * 230, moved + [0.5] * 230)
    assert made.estimate("A", "B").correlation == pytest.approx(1.0)
    for at in range(250, 506):
        look(made, (0.5, 0.5 + at % 2 / 100), at * SECOND)
    assert made.estimate("A", "B") == Estimate(0.0, 255)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_moves_with_itself_is_never_more_than_one(sign):
    # Of this, the roots of both spreads make a whisker less than what they share.
    for other in range(2, 40):
        made, price = History(), 0
        for at, step in enumerate((0, 1, other, 3 * other, 7)):
            price += step
            look(made, (price, sign * price), at * SECOND)
        found = made.estimate("A", "B").correlation
        assert found == pytest.approx(sign)
        assert -1 <= found <= 1


def test_prices_are_asked_for_once_a_second_only():
    made, asked = History(), []
    for at in range(20):
        made.look(lambda at=at: asked.append(at) or {}, at * SECOND // 4)
    assert asked == [0, 4, 8, 12, 16]


# Signals


def signals(*edges, strategy="toy-1"):
    made = Signals()
    for at, edge in enumerate(edges):
        made.see(strategy, "A", at, edge)
    return made


def test_signals_that_repeat_are_one_and_those_that_alternate_minus_one():
    assert signals(0.1, 0.1, 0.1, 0.1).correlation("toy-1", 1) == pytest.approx(3 / 4)
    assert signals(0.1, -0.1, 0.1, -0.1, 0.1).correlation("toy-1", 1) == pytest.approx(-4 / 5)
    edges = [0.01, 0.05, 0.02, 0.08, 0.03]
    expected = np.corrcoef(np.array(list(pairwise(edges))).T)[0, 1] * 4 / (4 + 6)
    assert signals(*edges).correlation("toy-1", 6) == pytest.approx(expected)


def test_old_signals_are_forgotten():
    alternating, last = [0.1, -0.1] * 100, [0.01 * (at % 7) for at in range(256)]
    assert signals(*alternating, *last).correlation("toy-1", 1) == signals(*last).correlation("toy-1", 1)


def test_a_signal_counts_once_for_its_strategy_alone():
    made = signals(0.1, 0.1)
    made.see("toy-1", "A", 1, 0.1)
    assert made.correlation("toy-1", 1) == pytest.approx(1 / 2)
    made.see("toy-1", "B", 1, 0.1)
    assert made.correlation("toy-1", 1) == pytest.approx(2 / 3)
    assert made.correlation("toy-2", 1) == 0


# Two outcomes


def correlate(one, other, estimate=None, prior=None, chance=None):
    return pair_correlation(
        (one, other),
        Estimate(0.0, 0) if estimate is None else estimate,
        Prior(0.5, 30) if prior is None else prior,
        chance or (lambda outcome: 0.5),
    )


def test_what_is_believed_before_prices_are_seen():
    a, b = outcome("A", event="E1"), outcome("B", event="E2")
    assert correlate(a, b) == 0
    assert correlate(outcome("A"), outcome("B")) == 0.5
    on_btc = [outcome(name, event=name, underlying="BTC") for name in "AB"]
    assert correlate(*on_btc) == 0.5
    assert correlate(on_btc[0], outcome("B", "NO", "E2", underlying="BTC")) == 0.5


def test_the_other_side_turns_the_estimate_but_not_the_prior():
    a, b, no_b = outcome("A"), outcome("B"), outcome("B", "NO")
    estimate = Estimate(0.8, 30)
    assert correlate(a, b, estimate) == pytest.approx((0.8 + 0.5) / 2)
    assert correlate(a, no_b, estimate) == pytest.approx((-0.8 + 0.5) / 2)
    assert correlate(outcome("A", "NO"), no_b, estimate) == pytest.approx((0.8 + 0.5) / 2)


@given(p=st.floats(0.01, 0.98), part=st.floats(0.01, 0.99))
def test_outcomes_that_exclude_each_other_are_correlated_exactly(p, part):
    q = (1 - p) * part  # one of both, or neither
    chances = {"A": p, "B": q}
    a, b = (outcome(name, exclusive=True) for name in "AB")
    covariance = 0 - p * q
    expected = covariance / sqrt(p * (1 - p) * q * (1 - q))

    def found(one, other):
        return correlate(one, other, Estimate(0.9, 99), chance=lambda outcome: chances[outcome.market])

    assert found(a, b) == pytest.approx(expected)
    assert found(a, outcome("B", "NO", exclusive=True)) == pytest.approx(-expected)


@pytest.mark.parametrize(("p", "q"), [(1, 0), (1, 1), (0.9, 0.8), (1, 0.5)])
def test_chances_that_cannot_both_be_true_are_as_correlated_as_can_be(p, q):
    chances = {"A": p, "B": q}
    a, b = (outcome(name, exclusive=True) for name in "AB")
    assert correlate(a, b, chance=lambda outcome: chances[outcome.market]) == -1


def test_only_where_both_exclude_each_other_chances_count():
    a, b = outcome("A", exclusive=True), outcome("B")
    assert correlate(a, b) == correlate(b, a) == 0.5
    assert correlate(a, outcome("B", event="F", exclusive=True)) == 0


# At the guardian


def test_a_second_market_of_a_group_is_refused_and_the_other_side_of_ours_is_not(table, toy):
    rule = MaxPairCorrelation(limit=0.4, in_group=0.5, shrinkage_changes=30)
    held = table([rule])
    assert held.ask(held.order("O-1", "buy", "10.00", "0.4000")) is None
    assert held.ask(held.order("O-2", "buy", "10.00", "0.4000", instrument_id=toy.no.id)) is None
    held.desk.quotes[toy.other.id] = toy.quote_at(toy.start, instrument=toy.other)
    refusal = held.ask(held.order("O-3", "buy", "10.00", "0.4000", instrument_id=toy.other.id))
    assert refusal == (
        "max_pair_correlation: KXFED-27JAN-H-YES.KALSHI is correlated with KXFED-27JAN-C-YES.KALSHI by 0.500, limit is 0.4"
    )


def test_the_guardian_looks_at_the_prices_of_all_markets_it_met_once_a_second(table, toy):
    held = table([MaxPairCorrelation(limit=0.4, in_group=0.5, shrinkage_changes=30)])
    assert held.guard.beat_ns == SECOND
    for market, yes in (("A", toy.yes.id), ("B", toy.other.id)):
        held.guard.meet(market, yes)
    for at, bid in enumerate(("0.4800", "0.4800", "0.4600", "0.4600", "0.4900")):
        held.desk.now = toy.start + at * SECOND // 2
        for yes in (toy.yes, toy.other):
            held.desk.quotes[yes.id] = toy.quote_at(held.desk.now, bid=bid, instrument=yes)
        assert held.guard.recheck(held.desk)
    assert held.guard.memory.history.estimate("A", "B") == Estimate(pytest.approx(1.0), 2)


def test_without_such_a_rule_nobody_looks(table, toy):
    held = table([])
    held.guard.meet("A", toy.yes.id)
    assert held.guard.beat_ns == 0
    assert not held.guard.recheck(held.desk)
    assert held.ask(held.order("O-1", "buy", "10.00", "0.4000")) is None
    assert held.guard.memory.history.estimate("A", "A").pairs == 0
