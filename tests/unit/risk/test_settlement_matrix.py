"""How a position can end, on Kalshi's and on Polymarket's rules: every cent of each case, through the ledger."""

from dataclasses import replace
from decimal import Decimal

import pytest

from pricing.fees import FeeSchedule, OrderFees
from risk.contract import Outcome
from risk.conversions import cash_of, convert, merge, split
from risk.errors import ImpossiblePosting
from risk.ledger import Ledger
from risk.reconciling import Statement, differences
from risk.trades import Fill, Reversal, Settlement

KALSHI = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
          "fee_unit": "0.000001", "cash_unit": "0.0001"}  # fmt: skip
POLYMARKET = {"since_ns": 0, "taker_rate": "0.05", "maker_rate": "0", "exponent": 1,
              "fee_unit": "0.00001", "rounding": "half_even"}  # fmt: skip
TERMS = {"KALSHI": KALSHI, "POLYMARKET": POLYMARKET}


def market(name, venue, event="E"):
    return tuple(
        Outcome(f"{name}-{side}.{venue}", f"{name}.{venue}", f"{event}.{venue}", venue, is_yes=side == "YES")
        for side in ("YES", "NO")
    )


class Desk:
    """Writes what happened at one venue into a ledger, with fees as the venue charges them."""

    def __init__(self, venue):
        self.venue = venue
        self.yes, self.no = market("M", venue)
        self.ledger = Ledger()
        self.ledger.deposit(venue, Decimal(1000), 1)
        self.trades = self.ends = 0
        self.terms = FeeSchedule.from_info({"fees": [TERMS[venue]]}).at(1)

    def trade(self, side, outcome, quantity, price, fees=None, maker=False, rebate="0"):
        """Book a fill; `fees` are the order's, so that fills of one order share their rounding."""
        quantity, price = Decimal(quantity), Decimal(price)
        cash = quantity * price * (-1 if side == "buy" else 1)
        fee = (fees or OrderFees(self.terms)).charge(quantity, price, cash, not maker) - Decimal(rebate)
        self.trades += 1
        fact = Fill("s", outcome, side == "buy", quantity, price, fee, "V", str(self.trades), 5)
        self.ledger.post_fill(fact)
        self.ledger.audit()
        return fact

    def buy(self, *how, **more):
        return self.trade("buy", *how, **more)

    def sell(self, *how, **more):
        return self.trade("sell", *how, **more)

    def orders(self):
        return OrderFees(self.terms)

    def end(self, payout, is_paid=True, sides=None):
        """Settle all that is held: YES pays `payout`, NO the rest of a dollar."""
        self.ends += 1
        for outcome, pays in ((self.yes, Decimal(payout)), (self.no, 1 - Decimal(payout))):
            held = self.ledger.quantity("s", outcome.instrument)
            if held and (sides is None or outcome in sides):
                self.ledger.post_settlement(
                    Settlement("s", outcome, held, pays, f"end-{self.ends}", 9, is_paid)
                )
                self.ledger.audit()

    def take_back(self, *outcomes):
        for outcome in outcomes:
            self.ledger.post_reversal(Reversal("s", outcome, f"end-{self.ends}", 9))
            self.ledger.audit()


def taker(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.end(payout)


def maker(desk, payout):
    desk.buy(desk.yes, "100", "0.40", maker=True)
    desk.end(payout)


def maker_with_rebate(desk, payout):
    desk.buy(desk.yes, "100", "0.40", maker=True, rebate="0.05")
    desk.end(payout)


def partial_fills(desk, payout):
    fees = desk.orders()
    desk.buy(desk.yes, "33.33", "0.52", fees)
    desk.buy(desk.yes, "66.67", "0.52", fees)
    desk.end(payout)


def sold_in_part(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.sell(desk.yes, "30", "0.48")
    desk.end(payout)


def reverted_in_part(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    taken = desk.buy(desk.yes, "10", "0.52")
    desk.ledger.post_void(taken, "C-1")
    desk.end(payout)


def both_sides(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.buy(desk.no, "100", "0.40", maker=True)
    desk.end(payout)


def both_sides_netted(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.buy(desk.no, "40", "0.52")
    desk.ledger.post_conversion(merge("s", (desk.yes, desk.no), Decimal(40), "net-1", 6))
    desk.ledger.audit()
    desk.end(payout)


def split_and_one_side_sold(desk, payout):
    desk.ledger.post_conversion(split("s", (desk.yes, desk.no), Decimal(100), "split-1", 4))
    desk.sell(desk.no, "30", "0.48")
    desk.end(payout)


def late(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.end(payout, is_paid=False)
    owed = desk.ledger.pending_usd(desk.venue)
    assert owed == 100 * Decimal(payout)
    if owed:
        desk.ledger.post_payout(desk.venue, owed, 99)


def flipped_before_it_was_paid(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.end(1 - Decimal(payout), is_paid=False)
    desk.take_back(desk.yes)
    desk.end(payout)


def flipped_after_it_was_paid(desk, payout):
    desk.buy(desk.yes, "100", "0.52")
    desk.end(1 - Decimal(payout))
    desk.take_back(desk.yes)
    desk.end(payout)


# Each row: what happened, then the cash that is left at a payout of 1, 0, 0.5 (void) and 0.37 (scalar).
ROWS = {
    "KALSHI": [
        (taker, "1046.2528", "946.2528", "996.2528", "983.2528"),  # -52 - 1.7472
        (maker, "1059.58", "959.58", "1009.58", "996.58"),  # -40 - 0.42
        (maker_with_rebate, "1059.63", "959.63", "1009.63", "996.63"),  # the same and 0.05 back
        (partial_fills, "1046.2527", "946.2527", "996.2527", "983.2527"),  # 0.5824 + 1.1649 of fees
        (sold_in_part, "1030.1286", "960.1286", "995.1286", "986.0286"),  # + 14.4 - 0.5242
        (reverted_in_part, "1046.2528", "946.2528", "996.2528", "983.2528"),  # as if it had never been
        (both_sides, "1005.8328", "1005.8328", "1005.8328", "1005.8328"),  # a dollar a pair, whatever happens
        (both_sides_netted, "1024.7539", "964.7539", "994.7539", "986.9539"),  # -20.8 - 0.6989 + 40
        (split_and_one_side_sold, "1013.8758", "983.8758", "998.8758", "994.9758"),  # -100, + 13.8758
        (late, "1046.2528", "946.2528", "996.2528", "983.2528"),
        (flipped_before_it_was_paid, "1046.2528", "946.2528", "996.2528", "983.2528"),
        (flipped_after_it_was_paid, "1046.2528", "946.2528", "996.2528", "983.2528"),
    ],
    "POLYMARKET": [
        (taker, "1046.752", "946.752", "996.752", "983.752"),  # -52 - 1.248
        (maker, "1060", "960", "1010", "997"),  # makers pay nothing
        (maker_with_rebate, "1060.05", "960.05", "1010.05", "997.05"),
        (partial_fills, "1046.752", "946.752", "996.752", "983.752"),  # 0.41596 + 0.83204 of fees
        (sold_in_part, "1030.7776", "960.7776", "995.7776", "986.6776"),  # + 14.4 - 0.3744
        (reverted_in_part, "1046.752", "946.752", "996.752", "983.752"),
        (both_sides, "1006.752", "1006.752", "1006.752", "1006.752"),
        (both_sides_netted, "1025.4528", "965.4528", "995.4528", "987.6528"),  # -20.8 - 0.4992 + 40
        (split_and_one_side_sold, "1014.0256", "984.0256", "999.0256", "995.1256"),
        (late, "1046.752", "946.752", "996.752", "983.752"),
        (flipped_before_it_was_paid, "1046.752", "946.752", "996.752", "983.752"),
        (flipped_after_it_was_paid, "1046.752", "946.752", "996.752", "983.752"),
    ],
}
CASES = [
    pytest.param(venue, happened, payout, cash, id=f"{venue}-{happened.__name__}-{payout}")
    for venue, rows in ROWS.items()
    for happened, *all_cash in rows
    for payout, cash in zip(("1", "0", "0.5", "0.37"), all_cash, strict=True)
]


@pytest.mark.parametrize(("venue", "happened", "payout", "cash"), CASES)
def test_a_position_ends_with_this_cash_to_the_millionth(venue, happened, payout, cash):
    desk = Desk(venue)
    happened(desk, payout)
    ledger = desk.ledger
    assert ledger.cash_usd(venue) == Decimal(cash)
    assert ledger.realized_usd - ledger.fees_usd == Decimal(cash) - 1000
    assert (ledger.positions(), ledger.cost_usd(), ledger.pending_usd()) == ((), 0, 0)
    assert differences(ledger, Statement(venue, Decimal(cash), {})) == []


def event_of(count, venue="POLYMARKET"):
    return [market(name, venue) for name in [*"ABCDEFGH"[: count - 1], "OTHER"]]


@pytest.mark.parametrize("winner", range(4))
def test_a_set_with_other_bought_whole_pays_a_dollar_whoever_wins(winner):
    desk, event = Desk("POLYMARKET"), event_of(4)
    for yes, _ in event:
        desk.buy(yes, "7", "0.24")
    for place, (yes, _) in enumerate(event):
        pays = Decimal(int(place == winner))
        desk.ledger.post_settlement(Settlement("s", yes, Decimal(7), pays, "end", 9))
    assert desk.ledger.cash_usd() == 1000 - 4 * Decimal("1.68") - 4 * Decimal("0.06384") + 7
    desk.ledger.audit()


@pytest.mark.parametrize("winner", range(3))
@pytest.mark.parametrize(("given", "back"), [((0,), "0"), ((0, 2), "7.000001"), ((0, 1, 2), "14.000002")])
def test_converted_no_contracts_pay_what_they_would_have_paid(winner, given, back):
    desk, event, size = Desk("POLYMARKET"), event_of(3), Decimal("7.000001")
    for place in given:
        desk.ledger.post_conversion(split("s", event[place], size, f"split-{place}", 3))
    change = convert("s", event, given, size, "convert-1", 4)
    assert cash_of(change) == Decimal(back)
    desk.ledger.post_conversion(change)
    desk.ledger.audit()
    for place, (yes, no) in enumerate(event):
        for outcome, pays in ((yes, place == winner), (no, place != winner)):
            if held := desk.ledger.quantity("s", outcome.instrument):
                desk.ledger.post_settlement(Settlement("s", outcome, held, Decimal(int(pays)), "end", 9))
    # A split pays back what it cost, whoever wins, and so does its conversion.
    assert desk.ledger.cash_usd() == 1000
    assert desk.ledger.realized_usd == 0
    desk.ledger.audit()


@pytest.mark.parametrize("given", [(), (0, 0), (3,), (-1,)])
def test_a_conversion_of_markets_that_are_none_is_refused(given):
    with pytest.raises(ImpossiblePosting, match="expected different places among 3 markets"):
        convert("s", event_of(3), given, Decimal(1), "c", 4)


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_a_conversion_of_no_contracts_is_refused(quantity):
    with pytest.raises(ImpossiblePosting, match="expected contracts above 0 to convert"):
        merge("s", market("M", "KALSHI"), Decimal(quantity), "m", 4)


def test_a_merge_of_more_than_is_held_of_either_side_books_nothing():
    desk = Desk("KALSHI")
    desk.buy(desk.yes, "10", "0.52")
    desk.buy(desk.no, "9", "0.52")
    before = desk.ledger.snapshot()
    with pytest.raises(ImpossiblePosting, match="expected s to hold at least 10 contracts of M-NO"):
        desk.ledger.post_conversion(merge("s", (desk.yes, desk.no), Decimal(10), "m", 4))
    assert desk.ledger.snapshot() == before
    desk.ledger.audit()


def test_a_conversion_that_comes_twice_is_booked_once():
    desk = Desk("POLYMARKET")
    change = split("s", (desk.yes, desk.no), Decimal(10), "split-1", 4)
    assert desk.ledger.post_conversion(change).kind == "conversion"
    assert desk.ledger.post_conversion(change) is None
    assert desk.ledger.cash_usd() == 990
    assert desk.ledger.duplicates == [("s", "split-1")]


def test_only_what_was_settled_can_be_taken_back_and_only_once():
    desk = Desk("KALSHI")
    desk.buy(desk.yes, "10", "0.52")
    with pytest.raises(ImpossiblePosting, match="expected a settlement end-0 of M-YES"):
        desk.take_back(desk.yes)
    desk.end("1")
    desk.take_back(desk.yes)
    assert desk.ledger.cost_usd() == Decimal("5.2")
    assert desk.ledger.quantity("s", desk.yes.instrument) == 10
    with pytest.raises(ImpossiblePosting, match="to take back, found none"):
        desk.take_back(desk.yes)


def test_a_settlement_that_was_paid_since_cannot_be_taken_back_as_unpaid():
    desk = Desk("KALSHI")
    desk.buy(desk.yes, "10", "0.52")
    desk.end("1", is_paid=False)
    desk.ledger.post_payout("KALSHI", Decimal("0.000001"), 10)
    before = desk.ledger.snapshot()
    with pytest.raises(ImpossiblePosting, match=r"to owe 10\.\d+ USD still, found 9\.999999 USD"):
        desk.take_back(desk.yes)
    assert desk.ledger.snapshot() == before


def test_facts_of_every_kind_come_out_the_same_when_they_are_posted_again():
    desk, facts = Desk("KALSHI"), []
    desk.ledger.on_post = lambda _, fact: facts.append(fact)
    both_sides_netted(desk, "1")
    flipped_after_it_was_paid(desk, "0")
    again = Ledger()
    again.deposit("KALSHI", Decimal(1000), 1)
    for fact in facts:
        again.post(fact)
    assert again.snapshot() == desk.ledger.snapshot()
    again.audit()


# What a venue says, against our books


def test_what_differs_is_said_with_both_figures():
    desk = Desk("KALSHI")
    desk.buy(desk.yes, "10", "0.52")
    cash = desk.ledger.cash_usd()
    said = Statement(
        "KALSHI", cash - Decimal("0.01"), {"M-YES.KALSHI": Decimal(12), "X-NO.KALSHI": Decimal(1)}
    )
    assert [str(one) for one in differences(desk.ledger, said)] == [
        "expected 994.615200 USD of cash as KALSHI says, found 994.625200 in our books, +0.010000",
        "expected 12 contracts of M-YES.KALSHI as KALSHI says, found 10 in our books, -2",
        "expected 1 contracts of X-NO.KALSHI as KALSHI says, found 0 in our books, -1",
    ]
    assert differences(desk.ledger, Statement("KALSHI", cash, {"M-YES.KALSHI": Decimal(10)})) == []
    (missing,) = differences(desk.ledger, Statement("KALSHI", cash, {}))
    assert str(missing) == "expected 0 contracts of M-YES.KALSHI as KALSHI says, found 10 in our books, +10"


def test_other_venues_and_all_strategies_are_told_apart():
    desk = Desk("KALSHI")
    desk.buy(desk.yes, "10", "0.52")
    desk.ledger.deposit("POLYMARKET", Decimal(5), 2)
    other = Fill("t", desk.yes, True, Decimal(5), Decimal("0.5"), Decimal(0), "V", "t-1", 5)
    desk.ledger.post_fill(other)
    assert differences(desk.ledger, Statement("POLYMARKET", Decimal(5), {})) == []
    said = Statement("KALSHI", desk.ledger.cash_usd("KALSHI"), {"M-YES.KALSHI": Decimal(15)})
    assert differences(desk.ledger, said) == []


def test_what_cannot_be_shared_out_evenly_is_left_to_the_last_of_a_set():
    event = [(Outcome(f"{m}-YES.V", m, "E", "V"), Outcome(f"{m}-NO.V", m, "E", "V")) for m in "ABC"]
    made = convert("s", event, [0], Decimal(2), "R-1", 7)
    assert (made.reference, made.now_ns, cash_of(made)) == ("R-1", 7, 0)
    assert [leg.usd for leg in made.legs] == [Decimal(one) for one in ("1.333334", "0.666666", "0.666668")]


def test_cash_that_is_no_number_is_called_cash():
    with pytest.raises(ValueError, match="expected a number for cash at KALSHI, found NaN"):
        differences(Ledger(), Statement("KALSHI", Decimal("NaN"), {}))


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "sNaN"])
def test_a_statement_without_numbers_is_refused(wrong):
    for said in (
        Statement("KALSHI", Decimal(wrong), {}),
        Statement("KALSHI", Decimal(1), {"M-YES.KALSHI": Decimal(wrong)}),
    ):
        with pytest.raises(ValueError, match="expected a number for"):
            differences(Ledger(), said)


# What a real venue pays: whole cents at Kalshi, rounded down


@pytest.mark.parametrize(
    ("side", "contracts", "payout", "paid"),
    [
        ("YES", "7", "0.3755", "2.62"),  # 2.6285
        ("YES", "7", "0.3700", "2.59"),
        ("YES", "7.01", "1", "7.01"),
        ("YES", "7", "0", "0"),
        ("NO", "3", "0.6667", "2.00"),  # 2.0001
        ("NO", "3", "0.3333", "0.99"),  # 0.9999: never to the nearest
        ("YES", "0.01", "0.9999", "0.00"),
    ],
)
def test_a_position_pays_whole_cents_rounded_down_where_its_venue_does(side, contracts, payout, paid):
    outcome = replace(market("M", "KALSHI")[side == "NO"], payout_unit="0.01")
    cash = {}
    for in_units, ledger in ((True, Ledger(pays_in_units=True)), (False, Ledger())):
        ledger.deposit("KALSHI", Decimal(100), 1)
        size = Decimal(contracts)
        ledger.post_fill(Fill("s", outcome, True, size, Decimal("0.5"), Decimal(0), "V", "t", 5))
        ledger.post_settlement(Settlement("s", outcome, size, Decimal(payout), "P", 9))
        ledger.audit()
        cash[in_units] = ledger.cash_usd() - 100 + size * Decimal("0.5")
    assert cash == {True: Decimal(paid), False: Decimal(contracts) * Decimal(payout)}


def test_a_reversal_takes_back_what_was_paid_and_not_more():
    outcome = replace(market("M", "KALSHI")[0], payout_unit="0.01")
    ledger = Ledger(pays_in_units=True)
    ledger.deposit("KALSHI", Decimal(100), 1)
    ledger.post_fill(Fill("s", outcome, True, Decimal(7), Decimal("0.5"), Decimal(0), "V", "t", 5))
    before = ledger.snapshot()
    ledger.post_settlement(Settlement("s", outcome, Decimal(7), Decimal("0.3755"), "P", 9))
    ledger.post_reversal(Reversal("s", outcome, "P", 10))
    assert ledger.snapshot() == before
