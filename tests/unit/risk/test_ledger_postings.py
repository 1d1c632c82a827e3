"""Every posting in full: what is booked under which name, what is told of it, and what a restart makes of that."""

from decimal import Decimal

import pytest

from risk.contract import Outcome
from risk.conversions import merge, split
from risk.errors import ImpossiblePosting, LedgerBroken
from risk.ledger import Ledger
from risk.trades import CashMove, Fill, Reversal, Settlement, Void

YES, NO = (Outcome(f"M-{side}.V", "M.V", "E.V", "V", is_yes=side == "YES") for side in ("YES", "NO"))
SIX = Decimal("0.000001")


def usd(text):
    return Decimal(text)


def fill(trade="T-1", quantity="10", price="0.4", fee="0.1", *, outcome=YES, is_buy=True, now_ns=5):
    return Fill("s", outcome, is_buy, usd(quantity), usd(price), usd(fee), "O", trade, now_ns)


def told(ledger):
    heard = []
    ledger.on_post = lambda booked, fact: heard.append((booked, fact))
    return heard


def full():
    """Return a ledger to which one of everything has happened, and what it told."""
    ledger = Ledger()
    heard = told(ledger)
    ledger.deposit("V", usd(100), 1, "D-1")
    ledger.withdraw("V", usd(10), 2, "W-1")
    ledger.transfer("V", "W", usd(20), 3, "X-1")
    ledger.post_fill(fill())
    ledger.post_fill(fill("T-2", "4", "0.5", outcome=NO, now_ns=6))
    ledger.post_void(fill("T-2", "1", "0.5", "0.025", outcome=NO, now_ns=7), "C-1")
    ledger.post_conversion(split("s", (YES, NO), usd(2), "S-1", 8))
    ledger.post_conversion(merge("s", (YES, NO), usd(1), "M-1", 9))
    ledger.post_settlement(Settlement("s", YES, usd(11), usd(1), "P-1", 10, is_paid=False))
    ledger.post_reversal(Reversal("s", YES, "P-1", 11))
    ledger.post_settlement(Settlement("s", YES, usd(11), usd(1), "P-2", 12, is_paid=False))
    ledger.post_payout("V", usd(4), 13, "B-1")
    ledger.audit()
    return ledger, heard


def test_each_posting_is_told_with_its_kind_its_reference_its_time_and_its_fact():
    _, heard = full()
    assert [(booked.kind, booked.reference, booked.now_ns) for booked, _ in heard] == [
        ("deposit", "D-1", 1),
        ("withdrawal", "W-1", 2),
        ("transfer", "X-1", 3),
        ("fill", "T-1", 5),
        ("fill", "T-2", 6),
        ("void", "T-2", 7),
        ("conversion", "S-1", 8),
        ("conversion", "M-1", 9),
        ("settlement", "P-1", 10),
        ("reversal", "P-1", 11),
        ("settlement", "P-2", 12),
        ("payout", "B-1", 13),
    ]
    facts = [fact for _, fact in heard]
    assert facts[0] == CashMove("deposit", "V", None, usd(100), "D-1", 1)
    assert facts[1] == CashMove("withdrawal", "V", None, usd(10), "W-1", 2)
    assert facts[2] == CashMove("transfer", "V", "W", usd(20), "X-1", 3)
    assert facts[3] == fill()
    assert facts[5] == Void(fill("T-2", "1", "0.5", "0.025", outcome=NO, now_ns=7), "C-1")
    assert facts[11] == CashMove("payout", "V", None, usd(4), "B-1", 13)


def test_the_facts_that_were_told_make_the_same_books_and_tell_the_same_again():
    ledger, heard = full()
    again = Ledger()
    told_again = told(again)
    for _, fact in heard:
        again.post(fact)
    again.audit()
    assert again.snapshot() == ledger.snapshot()
    assert told_again == heard
    assert again.accounts() == ledger.accounts()


def test_the_books_as_plain_data():
    ledger, _ = full()
    assert ledger.snapshot() == {
        # 100 - 10 - 20 - 4 - 0.1 - 2 - 0.1 + 0.5 + 0.025 - 2 + 1 + 4
        "cash_usd": {"V": "67.325000", "W": "20.000000"},
        "pending_usd": {"V": "7.000000"},
        "cost_usd": str(ledger.costs.total),
        "fees_usd": "0.175000",
        "realized_usd": str(ledger.realized_usd),
        "capital_usd": "90.000000",
        "positions": [
            {
                "strategy": "s",
                "instrument": "M-NO.V",
                "quantity": "4",
                "cost_usd": str(ledger.costs.total),
            }
        ],
    }


def test_a_posting_without_a_reference_has_an_empty_one():
    ledger = Ledger()
    heard = told(ledger)
    ledger.deposit("V", usd(5), 1)
    ledger.withdraw("V", usd(1), 2)
    ledger.transfer("V", "W", usd(1), 3)
    ledger.post_fill(fill(quantity="1", price="0.5", fee="0"))
    ledger.post_settlement(Settlement("s", YES, usd(1), usd(1), "P", 4, is_paid=False))
    ledger.post_payout("V", usd(1), 5)
    assert [booked.reference for booked, _ in heard] == ["", "", "", "T-1", "P", ""]


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda ledger: ledger.deposit("V", usd(0), 1), "expected a deposit at V above 0 USD, found 0"),
        (lambda ledger: ledger.withdraw("V", usd(-1), 1), "expected a withdrawal from V above 0 USD, found -1"),
        (lambda ledger: ledger.transfer("V", "W", usd(0), 1), "expected a transfer from V to W above 0 USD, found 0"),
        (lambda ledger: ledger.transfer("V", "V", usd(1), 1), "expected a transfer between two venues, found V twice"),
        (lambda ledger: ledger.post_payout("V", usd(0), 1), "expected a payout from V above 0 USD, found 0"),
        (
            lambda ledger: ledger.post_payout("W", usd(1), 1),
            "expected a payout of at most 0 USD from W, found 1.000000 USD",
        ),
        (
            lambda ledger: ledger.post_settlement(Settlement("s", YES, usd(3), usd(1), "P", 1)),
            "expected a settlement of all 0 contracts of M-YES.V that s holds, found one of 3",
        ),
        (
            lambda ledger: ledger.post_reversal(Reversal("s", YES, "P", 1)),
            "expected a settlement P of M-YES.V to take back, found none",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_named_and_changes_nothing(act, says):
    ledger = Ledger()
    ledger.deposit("V", usd(5), 1)
    ledger.post_fill(fill(quantity="2", price="0.5", fee="0", outcome=NO))
    ledger.post_settlement(Settlement("s", NO, usd(2), usd(1), "Q", 2, is_paid=False))  # V owes 2, W nothing
    before = ledger.snapshot()
    with pytest.raises(ImpossiblePosting) as refusal:
        act(ledger)
    assert str(refusal.value) == says
    assert ledger.snapshot() == before


def test_a_settlement_is_not_taken_back_out_of_what_another_venue_owes():
    ledger = Ledger()
    ledger.deposit("V", usd(5), 1)
    ledger.deposit("W", usd(5), 1)
    other = Outcome("N-YES.W", "N.W", "F.W", "W")
    ledger.post_fill(fill(quantity="2", price="0.5", fee="0"))
    ledger.post_fill(fill("T-2", quantity="2", price="0.5", fee="0", outcome=other))
    for outcome, reference in ((YES, "P-1"), (other, "P-2")):
        ledger.post_settlement(Settlement("s", outcome, usd(2), usd(1), reference, 2, is_paid=False))
    ledger.post_payout("V", usd(1), 3)
    with pytest.raises(
        ImpossiblePosting, match=r"expected V to owe 2\.000000 USD still, found 1\.000000 USD"
    ):
        ledger.post_reversal(Reversal("s", YES, "P-1", 4))
    ledger.post_reversal(Reversal("s", other, "P-2", 5))


def test_a_correction_that_comes_twice_is_booked_once_and_listed():
    ledger = Ledger()
    ledger.deposit("V", usd(5), 1)
    ledger.post_fill(fill(quantity="2", price="0.5", fee="0"))
    taken = fill(quantity="1", price="0.5", fee="0")
    assert ledger.post_void(taken, "C-1") is not None
    assert ledger.post_void(taken, "C-1") is None
    assert ledger.duplicates == [("O", "C-1")]


def test_figures_are_of_what_was_asked_about():
    ledger, _ = full()
    assert (ledger.cash_usd("W"), ledger.cash_usd("ELSEWHERE")) == (20, 0)
    assert ledger.cash_usd() == ledger.cash_usd("V") + 20
    assert (ledger.pending_usd("V"), ledger.pending_usd("W"), ledger.pending_usd()) == (7, 0, 7)
    assert ledger.cost_usd("M-YES.V") == 0
    assert ledger.cost_usd("M-NO.V") == ledger.cost_usd() > 0
    assert ledger.position("s", "M-NO.V").quantity == 4
    assert ledger.position("s", "M-YES.V").quantity == 0
    assert ledger.position("t", "M-NO.V") is None
    assert ledger.has_trade("O", "T-1")
    assert not ledger.has_trade("O", "T-3")


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (lambda ledger: ledger._cash.update(W=usd(7)), "expected cash:W to hold 7 USD, found 20"),
        (lambda ledger: ledger._cash.update(N=usd(7)), "expected cash:N to hold 7 USD, found 0"),
        (lambda ledger: ledger._cash.pop("W"), "expected cash:W to hold 0 USD, found 20"),
        (lambda ledger: ledger._owed.update(V=usd(8)), "expected pending:V to hold 8 USD, found 7"),
        (lambda ledger: setattr(ledger, "_cash_total", usd(1)), "expected cash to hold 87.32"),
        (lambda ledger: ledger.costs.add(NO, SIX), "expected inventory to hold"),
        (lambda ledger: setattr(ledger._holdings["s", "M-NO.V"], "spent_usd", usd(99)), "by its trades to hold"),
    ],
)  # fmt: skip
def test_an_audit_names_the_first_account_that_differs(tamper, complaint):
    ledger, _ = full()
    tamper(ledger)
    with pytest.raises(LedgerBroken, match=complaint):
        ledger.audit()


def test_a_holding_that_is_closed_leaves_the_others_of_its_instrument():
    ledger = Ledger()
    ledger.deposit("V", usd(50), 1)
    for strategy in ("s", "t"):
        ledger.post_fill(Fill(strategy, YES, True, usd(3), usd("0.5"), usd(0), "O", f"T-{strategy}", 2))
    ledger.post_fill(fill("T-3", "3", "0.6", "0", is_buy=False))
    assert ledger.owners("M-YES.V") == ("t",)
    assert ledger.quantity(None, "M-YES.V") == 3
    ledger.post_fill(Fill("t", YES, False, usd(3), usd("0.6"), usd(0), "O", "T-4", 3))
    assert ledger.owners("M-YES.V") == ()
