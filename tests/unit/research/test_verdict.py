from dataclasses import replace
from decimal import Decimal

import pytest

from research.bootstrap import Estimate
from research.verdict import Numbers, judge


def _between(low, high, events=200):
    return Estimate((low + high) / 2, low, high, events, 0.95)


GOOD = Numbers(
    ledger_conserved=True,
    difference_usd=Decimal(0),
    fills=900,
    promotable_fills=900,
    events=200,
    judged_events=200,
    weak_classes=(),
    weak_net_usd=Decimal(0),
    pnl=_between(0.5, 1.5),
    credited=_between(0.5, 1.5),
    trials_before=0,
    scored_events=200,
    brier_model=0.19,
    brier_market=0.20,
    brier_difference=_between(-0.02, 0.0),
)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "profit"),
        ({"ledger_conserved": False}, "invalid"),
        ({"difference_usd": Decimal("0.01")}, "invalid"),
        ({"fills": 0, "promotable_fills": 0, "events": 0, "judged_events": 0}, "no_trades"),
        ({"events": 99, "judged_events": 99}, "too_few"),
        ({"events": 100, "judged_events": 100}, "profit"),
        ({"judged_events": 99, "weak_classes": ("D",)}, "too_few"),
        ({"promotable_fills": 0, "judged_events": 0, "weak_classes": ("S",)}, "unpromotable"),
        ({"events": 24, "promotable_fills": 0, "judged_events": 0, "weak_classes": ("S",)}, "too_few"),
        ({"pnl": _between(-0.1, 1.0), "credited": _between(-0.1, 1.0)}, "inconclusive"),
        ({"pnl": _between(0.0, 1.0), "credited": _between(0.0, 1.0)}, "inconclusive"),
        ({"pnl": None, "credited": None}, "inconclusive"),
        ({"pnl": _between(-2.0, -0.1), "credited": _between(-2.0, -0.1)}, "loss"),
        ({"pnl": _between(0.2, 1.0), "credited": _between(-0.3, 0.4)}, "inconclusive"),
        ({"pnl": _between(-0.2, 1.0), "credited": _between(-2.0, -0.4)}, "inconclusive"),
    ],
)
def test_the_first_doubt_decides(changes, level):
    verdict = judge(replace(GOOD, **changes))
    assert verdict.level == level
    assert 1 <= len(verdict.sentences) <= 3
    assert verdict.title


def test_too_few_events_prove_nothing_and_are_counted():
    sentence = judge(replace(GOOD, events=24, judged_events=24)).sentences[0]
    assert sentence == (
        "This proves nothing about profit: it rests on 24 independent events, fewer than 100."
    )


def test_books_that_do_not_balance_are_told_with_the_difference():
    sentence = judge(replace(GOOD, difference_usd=Decimal("-0.000001"))).sentences[0]
    assert "the ledger is conserved" in sentence
    assert "-0.000001 USD" in sentence


def test_synthetic_profit_is_said_to_promote_nothing():
    verdict = judge(replace(GOOD, promotable_fills=0, judged_events=0, weak_classes=("D", "S")))
    assert verdict.sentences == (
        "Every fill is of class D or S, so this promotes nothing whatever it earned.",
    )


def test_a_part_of_class_d_is_named_with_what_it_made():
    verdict = judge(replace(GOOD, weak_classes=("D",), weak_net_usd=Decimal("28.614")))
    assert verdict.sentences[1] == ("Class D made +28.61 USD: it never promotes, so only its losses count.")


def test_the_interval_that_leaves_class_d_out_is_called_credited():
    mixed = replace(GOOD, weak_classes=("D",), pnl=_between(0.2, 1.0), credited=_between(-0.3, 0.4))
    assert "mean credited P&L per event runs from -0.3000 to +0.4000 USD" in judge(mixed).sentences[0]
    uncertain = replace(mixed, pnl=_between(-0.2, 1.0))
    assert "mean P&L per event runs from -0.2000 to +1.0000 USD" in judge(uncertain).sentences[0]


def test_earlier_trials_are_named_beside_the_interval():
    assert "widened for 12 earlier trials" in judge(replace(GOOD, trials_before=12)).sentences[0]


@pytest.mark.parametrize(
    ("interval", "doubt"),
    [((0.001, 0.05), False), ((-0.01, 0.05), True), (None, True)],
)
def test_a_model_worse_than_the_market_is_called_so_even_when_it_earned(interval, doubt):
    difference = None if interval is None else _between(*interval)
    verdict = judge(replace(GOOD, brier_model=0.22, brier_difference=difference))
    assert verdict.level == "profit"
    assert "worse than the market (Brier 0.2200 against 0.2000 over 200 events" in verdict.sentences[1]
    assert ("may be chance" in verdict.sentences[1]) == doubt


def test_a_model_without_a_score_is_not_compared():
    assert len(judge(replace(GOOD, brier_model=None, brier_market=None)).sentences) == 1
