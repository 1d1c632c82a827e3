from itertools import combinations
from math import log, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pricing.exclusive_kelly import exclusive_kelly, kelly_yes_no
from pricing.portfolio_kelly import portfolio_kelly
from pricing.scenarios import exclusive_scenarios
from pricing.sizing import Bet, kelly_share

inside = st.floats(0.01, 0.99)


@st.composite
def races(draw):
    """Outcomes of which at most one happens; what is left to 1 is another outcome, sometimes nothing."""
    weights = draw(st.lists(st.floats(0.05, 1), min_size=1, max_size=7))
    rest = draw(st.sampled_from((0.0, 0.3, 1.0))) if len(weights) > 1 else 0.5
    total = sum(weights) + rest
    costs = draw(st.lists(st.floats(0.4, 1.6), min_size=len(weights), max_size=len(weights)))
    return [
        Bet(weight / total, min(0.99, weight / total * cost))
        for weight, cost in zip(weights, costs, strict=True)
    ]


def growth(bets, shares):
    kept = 1 - sum(shares)
    none = max(0.0, 1 - sum(bet.probability for bet in bets))
    won = sum(bet.probability * log(kept + share / bet.cost) for bet, share in zip(bets, shares, strict=True))
    return won + (none * log(kept) if none > 1e-9 else 0.0)


def test_a_published_race_comes_out_digit_by_digit():
    # "Kelly's Multiple Personality Disorder", vendire-ludorum.blogspot.com, 26 November 2018: Bravo is too
    # dear by itself and yet worth a stake.
    field = {"Charlie": (5.50, 0.20), "Alpha": (2.625, 0.40), "Bravo": (3.25, 0.30), "Delta": (6.0, 0.08), "Echo": (21.0, 0.02)}  # fmt: skip
    found = exclusive_kelly([Bet(probability, 1 / odds) for odds, probability in field.values()])
    assert [round(100 * share, 2) for share in found.shares] == [5.96, 10.59, 6.25, 0.0, 0.0]


def test_a_race_worked_by_hand():
    # p/c is 1.5, 1.2 and 0.5. After the first R = 0.4/0.6; after the second R = 0.1/0.35 = 2/7, above which
    # 0.5 lies too: that is insurance. After the third R = 0.05/0.25 = 0.2.
    found = exclusive_kelly([Bet(0.3, 0.25), Bet(0.6, 0.4), Bet(0.05, 0.10)])
    assert found.shares == pytest.approx((0.3 - 0.05, 0.6 - 0.08, 0.05 - 0.02))
    assert found.reserve_share == pytest.approx(0.2)


def test_one_outcome_alone_is_the_plain_formula():
    found = exclusive_kelly([Bet(0.6, 0.5)])
    assert found.shares == pytest.approx((kelly_share(0.6, 0.5),))
    assert found.reserve_share == pytest.approx(0.8)


def test_a_sure_profit_takes_all_and_risks_nothing():
    found = exclusive_kelly([Bet(0.2, 0.3), Bet(0.5, 0.3), Bet(0.3, 0.3)])
    assert found.shares == (0.2, 0.5, 0.3)
    assert found.reserve_share == 0
    assert found.growth == pytest.approx(0.2 * log(0.2 / 0.3) + 0.5 * log(0.5 / 0.3))


def test_fair_prices_are_worth_no_stake():
    found = exclusive_kelly([Bet(0.2, 0.2), Bet(0.5, 0.5), Bet(0.3, 0.3)])
    assert found.shares == (0, 0, 0)
    assert (found.reserve_share, found.growth) == (1, 0)


def test_an_edge_that_is_rounding_is_worth_no_stake():
    assert exclusive_kelly([Bet(nextafter(0.5, 1), 0.5)]).shares == (0.0,)


def test_a_complete_set_at_fair_prices_is_not_bought_for_a_sum_that_is_rounding():
    found = exclusive_kelly([Bet(0.5 + 5e-10, 0.5), Bet(0.5, 0.5)])
    assert sum(found.shares) < 1e-8


def test_what_rounding_leaves_of_a_complete_set_is_no_chance_of_anything_else():
    found = exclusive_kelly([Bet(0.2, 0.3), Bet(0.5, 0.3), Bet(0.3 - 1e-10, 0.3)])
    assert found.reserve_share == 0


@given(races())
def test_a_solver_finds_nothing_better(bets):
    exact = exclusive_kelly(bets)
    solved = portfolio_kelly(
        [bet.cost for bet in bets], exclusive_scenarios([bet.probability for bet in bets])
    )
    assert exact.growth == pytest.approx(solved.growth, abs=1e-9)
    assert exact.growth == pytest.approx(growth(bets, exact.shares), abs=1e-9)
    assert exact.shares == pytest.approx(solved.shares, abs=1e-4)


@given(races())
def test_no_subset_of_the_outcomes_does_better(bets):
    def best_on(subset):
        claimed, costs = (sum(getattr(bet, name) for bet in subset) for name in ("probability", "cost"))
        if costs >= 1 or claimed > 1 - 1e-9:
            return 0.0
        reserve = (1 - claimed) / (1 - costs)
        shares = [bet.probability - reserve * bet.cost if bet in subset else 0.0 for bet in bets]
        return growth(bets, shares) if min(shares) >= 0 else 0.0

    found = exclusive_kelly(bets).growth
    assert all(
        best_on(subset) <= found + 1e-9 for size in range(1, len(bets)) for subset in combinations(bets, size)
    )


@given(races())
def test_shares_and_reserve_are_the_whole_bankroll(bets):
    found = exclusive_kelly(bets)
    assert min(found.shares) >= 0
    assert sum(found.shares) + found.reserve_share == pytest.approx(1)


@given(races())
def test_without_an_edge_anywhere_nothing_is_staked(bets):
    dear = [Bet(bet.probability, max(bet.probability, bet.cost)) for bet in bets]
    assert exclusive_kelly(dear).shares == (0,) * len(bets)


@given(races(), st.randoms(use_true_random=False))
def test_the_order_of_the_outcomes_does_not_matter(bets, generator):
    order = list(range(len(bets)))
    generator.shuffle(order)
    plain, shuffled = exclusive_kelly(bets), exclusive_kelly([bets[number] for number in order])
    assert shuffled.shares == pytest.approx([plain.shares[number] for number in order], abs=1e-9)


@given(races(), st.floats(0.01, 0.9))
def test_a_likelier_outcome_never_gets_a_smaller_share(bets, more):
    unclaimed = 1 - sum(bet.probability for bet in bets)
    assume(unclaimed > 0.01)
    likelier = Bet(bets[0].probability + more * unclaimed, bets[0].cost)
    before, after = exclusive_kelly(bets), exclusive_kelly([likelier, *bets[1:]])
    assert after.shares[0] >= before.shares[0] - 1e-12


@given(inside, inside, inside)
def test_swapping_yes_and_no_swaps_the_answer(probability, yes_cost, no_cost):
    found = kelly_yes_no(probability, yes_cost, no_cost)
    swapped = kelly_yes_no(1 - probability, no_cost, yes_cost)
    assert (found.yes, found.no) == pytest.approx((swapped.no, swapped.yes), abs=1e-9)


@given(inside, inside, st.floats(0, 0.1))
def test_of_yes_and_no_at_honest_costs_the_one_with_the_edge_gets_the_plain_share(probability, price, fee):
    yes_cost, no_cost = min(0.995, price + fee), min(0.995, 1 - price + fee)
    assume(yes_cost + no_cost > 1 + 1e-9)
    found = kelly_yes_no(probability, yes_cost, no_cost)
    plain = kelly_share(probability, yes_cost), kelly_share(1 - probability, no_cost)
    assert (found.yes, found.no) == pytest.approx(plain, abs=1e-9)


def test_what_cannot_be_a_race_is_refused():
    with pytest.raises(ValueError, match="at least one bet"):
        exclusive_kelly([])
    with pytest.raises(ValueError, match=r"add up to 1 at most, found 1\.1"):
        exclusive_kelly([Bet(0.6, 0.5), Bet(0.5, 0.5)])
    with pytest.raises(ValueError, match="probability"):
        kelly_yes_no(float("nan"), 0.5, 0.5)
