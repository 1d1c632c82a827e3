from dataclasses import replace
from decimal import Decimal

import pytest

from research.findings import study
from research.record import Outcome


@pytest.fixture
def many_events(make_fill, make_facts, make_record):
    """120 events that pay 1; YES bought at 0.40 and 0.90 in turns, so every event earns."""

    def make(evidence, side="BUY", weak_side=None, trials=0):
        prices = [Decimal("0.40") if number % 2 else Decimal("0.90") for number in range(120)]
        fills = [
            make_fill(event=f"E{number}", price=price, evidence=evidence, side=side, fee_usd=Decimal(0))
            for number, price in enumerate(prices)
        ]
        if weak_side:
            fills += [replace(fill, evidence="D", side=weak_side, quantity=Decimal(30)) for fill in fills]
        outcomes = [Outcome(f"E{number}-M", f"E{number}", Decimal(1)) for number in range(120)]
        gain = sum(
            ((1 - f.price) * f.quantity * (1 if f.side == "BUY" else -1) for f in fills), start=Decimal(0)
        )
        return make_record(
            make_facts(ledger_net_usd=gain, trials_before=trials), fills=fills, outcomes=outcomes
        )

    return make


@pytest.mark.parametrize(
    ("evidence", "side", "weak_side", "level"),
    [
        ("B", "BUY", None, "profit"),
        ("B", "SELL", None, "loss"),
        ("S", "BUY", None, "unpromotable"),
        ("B", "BUY", "BUY", "profit"),
        ("B", "BUY", "SELL", "loss"),  # a losing leg in class D counts in full
        ("B", "SELL", "BUY", "inconclusive"),  # its gain does not rescue class B, nor is the sum a loss
    ],
)
def test_classes_decide_what_a_profit_is_worth(many_events, evidence, side, weak_side, level):
    assert study(many_events(evidence, side, weak_side)).verdict.level == level


def test_gains_of_class_d_are_not_credited(many_events):
    findings = study(many_events("B", "BUY", "BUY"))
    assert findings.pnl_per_event.mean == pytest.approx(14.0)  # 40 contracts, 0.35 each on average
    assert findings.credited_per_event.mean == pytest.approx(3.5)


def test_earlier_trials_widen_what_the_verdict_looks_at(many_events):
    alone, tenth = study(many_events("B")), study(many_events("B", trials=9))
    assert tenth.pnl_per_event == alone.pnl_per_event
    assert tenth.credited_per_event.low < alone.credited_per_event.low


def test_the_order_of_the_fills_changes_nothing(many_events):
    record = many_events("B")
    backwards = replace(record, fills=record.fills[::-1])
    assert study(record).pnl_per_event == study(backwards).pnl_per_event


def test_a_run_without_fills_has_no_estimate(make_record):
    findings = study(make_record())
    assert (findings.events, findings.pnl_per_event, findings.worst_drawdown_usd) == (0, None, None)
    assert findings.verdict.level == "no_trades"
