from decimal import Decimal

import pytest
from msgspec import ValidationError

from engine import Usd
from engine.config import decode
from risk.rules.exposure import MaxDeployed, MaxStakePerEvent, MaxStakePerOutcome, MaxStakePerVenue

CASES = [
    (MaxStakePerOutcome, "stake", "max_stake_per_outcome", "on KXFED-27JAN-C-YES.KALSHI"),
    (MaxStakePerEvent, "event_stake", "max_stake_per_event", "on event KXFED-27JAN.KALSHI"),
    (MaxStakePerVenue, "venue_stake", "max_stake_per_venue", "at KALSHI"),
    (MaxDeployed, "deployed", "max_deployed", "in all"),
]


@pytest.mark.parametrize(("kind", "figure", "name", "where"), CASES)
def test_a_cent_over_the_limit_is_refused_with_both_figures(kind, figure, name, where, proposal, stands):
    refusal = kind(limit=Usd(100)).refuse(proposal(), stands(**{figure: 60}))
    assert str(refusal) == f"{name}: 100.01 USD would be at stake {where}, limit is 100 USD"


@pytest.mark.parametrize(("kind", "figure", "name", "where"), CASES)
def test_exactly_the_limit_passes(kind, figure, name, where, proposal, stands):
    assert kind(limit=Usd(100)).refuse(proposal(), stands(**{figure: "59.99"})) is None


@pytest.mark.parametrize(("kind", "figure", "name", "where"), CASES)
def test_what_sells_a_position_passes_above_the_limit(kind, figure, name, where, proposal, stands):
    order = proposal(is_reducing=True, worst_case_usd=Decimal(0))
    assert kind(limit=Usd(100)).refuse(order, stands(**{figure: 500})) is None


@pytest.mark.parametrize(("kind", "figure", "name", "where"), CASES)
@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-0.01"])
def test_a_stake_that_is_no_amount_never_passes(kind, figure, name, where, wrong, proposal, stands):
    with pytest.raises(ValueError, match=f"expected a stake .*, found {wrong}"):
        kind(limit=Usd(100)).refuse(proposal(), stands(**{figure: wrong}))


def test_a_missing_limit_is_an_error_and_not_infinity():
    with pytest.raises(ValidationError, match="missing required field `limit`"):
        decode({}, MaxStakePerOutcome)


@pytest.mark.parametrize("limit", ["nan", "-1", 0.5, True, None])
def test_a_limit_that_is_no_exact_amount_is_refused(limit):
    with pytest.raises(ValidationError):
        decode({"limit": limit}, MaxStakePerOutcome)


def test_a_rule_says_its_limit_in_a_sentence():
    rule = decode({"limit": Decimal("100.50")}, MaxStakePerOutcome)
    assert (
        rule.describe()
        == "MaxStakePerOutcome: Refuse whatever could leave more than 100.5 USD at stake on one outcome."
    )
