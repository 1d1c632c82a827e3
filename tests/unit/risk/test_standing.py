"""The standing in earnest: what is held and what is on order, of what was asked about and of nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest
from nautilus_trader.model import ClientOrderId

from pricing.fees import FeeSchedule
from risk.contract import Outcome
from risk.correlation import Prior
from risk.errors import UnknownFigure
from risk.exposure import Ask, Exposure, Reservation
from risk.ledger import Ledger
from risk.memory import Memory
from risk.standing import Books
from risk.trades import Fill

MINE = Outcome("A-YES.V", "A.V", "E.V", "V", shard=1)
SAME_EVENT = Outcome("B-YES.V", "B.V", "E.V", "V", shard=1)
ELSEWHERE = Outcome("C-NO.W", "C.W", "F.W", "W", is_yes=False)
NOW = 1_790_000_000_000_000_000


@pytest.fixture
def books(toy):
    """40 USD in A at V, 20 more on order there, and 1000 USD in cash before."""
    ledger, exposure = Ledger(), Exposure()
    ledger.deposit("V", Decimal(1000), NOW)
    ledger.post_fill(Fill("s", MINE, True, Decimal(100), Decimal("0.40"), Decimal(0), "V-1", "T-1", NOW))
    free = dict(toy.fees[0]) | {"taker_rate": "0", "maker_rate": "0"}
    exposure.open(
        ClientOrderId("O-1"),
        Reservation(
            strategy="s", outcome=MINE, is_buy=True, is_taker=True,
            terms=FeeSchedule.from_info({"fees": [free]}).at(NOW), asks=[Ask(Decimal(50), Decimal("0.40"))],
        ),
    )  # fmt: skip
    return Books(ledger, exposure, Memory())


def test_what_is_held_and_what_is_on_order_is_at_stake_and_only_where_it_is(books):
    assert books.stake_usd(MINE.instrument) == 60
    assert books.market_stake_usd(MINE.market) == 60
    assert books.event_stake_usd(MINE.event) == 60
    assert books.purse_stake_usd(MINE.purse) == 60
    assert books.venue_stake_usd(MINE.venue) == 60
    assert books.deployed_usd() == 60
    assert books.market_stake_usd(SAME_EVENT.market) == books.stake_usd(SAME_EVENT.instrument) == 0
    assert books.venue_stake_usd("W") == books.purse_stake_usd("V/0") == books.event_stake_usd("F.W") == 0


def test_cash_that_is_set_aside_is_not_free_and_another_venues_cash_is_none(books):
    assert books.unreserved_usd("V") == 1000 - 40 - 20
    assert books.unreserved_usd("W") == 0


def test_before_a_look_nothing_has_a_value(books):
    with pytest.raises(UnknownFigure, match="expected a look at the market first, found none"):
        books.equity_usd()
    with pytest.raises(UnknownFigure, match=r"to mark A-YES\.V with, found none"):
        books.mark_usd(MINE.instrument)
    assert books.lots()[MINE.instrument].stake_usd == 60


def test_after_a_look_each_outcome_has_its_own_mark(books):
    books.look({MINE.instrument: Decimal("0.5"), "other": Decimal("0.1")}.get, NOW)
    assert books.mark_usd(MINE.instrument) == Decimal("0.5")
    assert books.mark_usd("other") == Decimal("0.1")
    assert books.equity_usd() == books.day_start_usd() == books.high_water_usd() == 960 + 50
    books.look({MINE.instrument: Decimal("0.3")}.get, NOW + 1)
    assert (books.equity_usd(), books.day_start_usd(), books.lost_today_usd()) == (990, 1010, 20)


def test_an_unknown_mark_leaves_no_equity_and_says_whose(books):
    books.look({}.get, NOW)
    with pytest.raises(UnknownFigure, match=r"to mark A-YES\.V with, found none"):
        books.equity_usd()


@pytest.mark.parametrize(
    ("side", "marks", "expected"),
    [
        (True, ("0.5", "0.25"), -(((0.5 * 0.25) / (0.5 * 0.75)) ** 0.5)),
        # The NO at 0.8 is a YES of 0.2, and pays when the other YES cannot: the sign turns.
        (False, ("0.5", "0.8"), ((0.5 * 0.2) / (0.5 * 0.8)) ** 0.5),
    ],
)
def test_exclusive_outcomes_are_correlated_by_the_marks_of_their_own_sides(books, side, marks, expected):
    one, other = (
        replace(outcome, is_exclusive=True, is_yes=is_yes)
        for outcome, is_yes in ((MINE, True), (SAME_EVENT, side))
    )
    books.look(dict(zip((one.instrument, other.instrument), map(Decimal, marks), strict=True)).get, NOW)
    assert books.correlation(one, other, Prior(0.5, 10)) == pytest.approx(expected)
