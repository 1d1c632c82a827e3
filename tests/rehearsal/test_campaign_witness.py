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


def test_an_order_that_filled_whole_waits_no_more_whatever_became_of_its_change(witness):
    witness.leaves("O-2", "N", ONE)
    witness.changes("O-2", ONE / 2)
    witness.doubts("O-2", "change", "no answer", (Decimal("0.5"), ONE / 2))
    witness.fills(
        "O-2", "N", ONE
    )  # fault campaign, seed 20300: it counted as an order of half on the other side
    witness.leaves("O-3", "N", -2 * ONE)
    assert witness.breaches == []


@pytest.mark.parametrize("becomes", [ONE / 2, 2 * ONE])
def test_while_a_change_is_unknown_the_larger_size_waits(witness, becomes):
    witness.fills("O-1", "M", -2 * ONE)  # three contracts of the second outcome are held
    witness.leaves("O-2", "M", ONE)
    witness.changes("O-2", becomes)
    witness.doubts("O-2", "change", "no answer", (Decimal("0.5"), becomes))
    witness.leaves("O-3", "M", 3 * ONE - max(ONE, becomes))
    assert witness.breaches == []
    witness.leaves("O-4", "M", ONE / 100)
    assert len(witness.breaches) == 1


def test_a_change_that_was_refused_leaves_an_order_as_it_was(witness):
    witness.leaves("O-2", "M", ONE / 2)
    witness.changes("O-2", ONE)
    witness.tells("O-2", "change", is_undone=True)
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
