from decimal import Decimal

from research.equity import drawdowns, worst_drawdown
from research.record import EquityPoint


def _points(*values):
    return [EquityPoint(at, Decimal(value), Decimal(0)) for at, value in enumerate(values)]


def test_a_drawdown_is_measured_from_the_best_so_far():
    assert drawdowns(_points(90, 120, 100, 130), Decimal(100)) == [-10, 0, -20, 0]


def test_no_equity_has_no_drawdown():
    assert worst_drawdown([], Decimal(100)) is None


def test_a_run_that_only_rises_has_a_drawdown_of_zero():
    assert worst_drawdown(_points(101, 102), Decimal(100)) == 0
