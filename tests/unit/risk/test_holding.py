from decimal import Decimal

import pytest

from risk.contract import Outcome
from risk.errors import UnknownFigure
from risk.holding import Holding, Move, Position, known_mark

YES = Outcome("A-YES.V", "A.V", "E.V", "V")


def traded(*moves):
    holding = Holding("s", YES, "inventory:s:A-YES.V")
    for move in moves:
        holding.follow(Move(*(Decimal(figure) for figure in move)))
    return holding


BOUGHT, SOLD = (10, 4, -4, "0.1"), (-10, -4, "4.5", "0.2")


def test_what_was_spent_and_what_was_received_are_told_apart():
    holding = traded(BOUGHT, (-5, -2, "0.5", 0), (-5, -2, 0, 0))
    assert (holding.spent_usd, holding.received_usd) == (4, Decimal("0.5"))


def test_a_position_has_the_figures_of_its_holding():
    assert traded(BOUGHT, (-5, -2, 3, "0.2")).as_position() == Position(
        "s", YES, Decimal(5), Decimal(2), Decimal(1), Decimal("0.3")
    )


def test_each_round_trip_has_its_own_result():
    holding = traded(BOUGHT, SOLD)
    assert holding.result_usd() == Decimal("0.5") - Decimal("0.3")
    for move in (BOUGHT, (-10, -4, 3, 0)):
        holding.follow(Move(*(Decimal(figure) for figure in move)))
    assert holding.result_usd() == -1 - Decimal("0.1")


@pytest.mark.parametrize("price", ["0", "0.5", "1"])
def test_a_price_that_can_be_is_a_mark(price):
    assert known_mark("A", Decimal(price)) == Decimal(price)


@pytest.mark.parametrize("price", ["-0.01", "1.01", "2", "NaN", None])
def test_a_price_that_cannot_be_is_named(price):
    with pytest.raises(UnknownFigure, match=rf"in \[0, 1\] to mark A with, found {price or 'none'}$"):
        known_mark("A", None if price is None else Decimal(price))
