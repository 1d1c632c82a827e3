"""What a report knows of the processes before: the facts that stand, and none that was taken back."""

from dataclasses import asdict
from decimal import Decimal

from risk.contract import Outcome
from storage.journal import records
from system.recalling import Recollection

YES = "KXFED-27JAN-C-YES.KALSHI"
OUTCOME = Outcome(instrument=YES, market="KXFED-27JAN-C.KALSHI", event="KXFED-27JAN.KALSHI", venue="KALSHI")
OF_ONE = {"run": "r-1", "at_ns": 5, "strategy": "edge-1", "instrument": YES, "outcome": asdict(OUTCOME)}


def paid(payout, reference="S-1"):
    return records.Settlement(
        **OF_ONE, quantity=Decimal(10), payout=Decimal(payout), reference=reference, is_paid=True
    )


def test_a_payout_that_was_taken_back_is_none_and_the_one_after_it_stands():
    recalled = Recollection()
    recalled.take(paid(1), Decimal(6))
    recalled.take(records.Reversal(**OF_ONE, reference="S-1"), Decimal(-6))
    assert recalled.settlements == []
    recalled.take(paid(0, "S-2"), Decimal(-4))
    assert [(one.payout, one.realized_usd) for one in recalled.settlements] == [(0, -4)]


def test_payouts_of_one_market_to_two_strategies_both_stand():
    recalled = Recollection()
    recalled.take(paid(1), Decimal(6))
    recalled.take(records.Settlement(**OF_ONE | {"strategy": "edge-2"}, quantity=Decimal(1), payout=Decimal(1),
                                     reference="S-1", is_paid=True), Decimal(1))  # fmt: skip
    assert [one.strategy for one in recalled.settlements] == ["edge-1", "edge-2"]
