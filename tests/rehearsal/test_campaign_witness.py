"""The witness at the border keeps books of its own, and they must be right."""

from decimal import Decimal

import pytest

from campaigns.witness import Witness

ONE = Decimal(1)


@pytest.fixture
def witness():
    found = Witness()
    found.leaves("O-1", "M", -ONE)
    found.fills("O-1", "M", -ONE)  # one contract of the second outcome is held
    return found


def test_risk_that_is_opened_while_an_order_is_unknown_is_a_breach(witness):
    witness.leaves("O-2", "N", ONE)
    witness.doubts("O-2", "order", "no answer")
    witness.leaves("O-3", "M", ONE)  # closes what is held
    assert witness.breaches == []
    witness.leaves("O-4", "M", ONE)
    assert len(witness.breaches) == 1
    witness.tells("O-2")
    witness.leaves("O-5", "M", ONE)
    assert len(witness.breaches) == 1


def test_an_order_that_was_made_smaller_and_filled_waits_no_more(witness):
    witness.leaves("O-2", "M", ONE)
    witness.tells_terms("O-2", (Decimal("0.5"), ONE / 2))
    witness.fills("O-2", "M", ONE / 2)  # fault campaign, seed 35: half of what was held is left
    witness.sees(is_whole=False)
    witness.leaves("O-3", "M", ONE / 2)
    assert witness.breaches == []
    witness.leaves("O-4", "M", ONE / 100)
    assert len(witness.breaches) == 1


def test_a_fill_that_was_taken_back_closes_nothing(witness):
    witness.takes_back("M", -ONE)
    witness.sees(is_whole=False)
    witness.leaves("O-2", "M", ONE)
    assert len(witness.breaches) == 1
