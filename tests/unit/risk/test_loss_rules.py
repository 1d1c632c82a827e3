from contextlib import suppress

import pytest
from msgspec import ValidationError

from engine import Usd
from engine.config import decode
from risk.rules.loss import MaxDailyLoss, RatchetingDrawdown


def test_a_day_that_lost_its_limit_pauses_until_midnight(proposal, stands):
    refusal = MaxDailyLoss(limit=Usd(50)).refuse(proposal(), stands(lost_today="50.25"))
    assert (
        str(refusal)
        == "max_daily_loss: 50.25 USD lost today, limit is 50 USD; paused until 2026-09-22 00:00:00 UTC"
    )


def test_a_micro_dollar_less_is_no_reason_to_pause(proposal, stands):
    assert MaxDailyLoss(limit=Usd(50)).refuse(proposal(), stands(lost_today="49.999999")) is None


def test_equity_at_the_floor_is_refused_with_both_figures(proposal, stands):
    refusal = RatchetingDrawdown(limit=0.1).refuse(proposal(), stands(equity=900, high_water=1000))
    assert str(refusal) == (
        "ratcheting_drawdown: equity of 900 USD is 10.00 % below its high-water mark of 1000 USD, "
        "limit is 10.00 %; paused until equity is above 900 USD"
    )


def test_equity_above_the_floor_passes(proposal, stands):
    assert RatchetingDrawdown(limit=0.1).refuse(proposal(), stands(equity="900.01", high_water=1000)) is None


@pytest.mark.parametrize("rule", [MaxDailyLoss(limit=Usd(50)), RatchetingDrawdown(limit=0.1)])
def test_what_sells_a_position_passes_a_pause(rule, proposal, stands):
    assert rule.refuse(proposal(is_reducing=True), stands(lost_today=500, equity=1)) is None


@pytest.mark.parametrize(
    ("rule", "figure"),
    [
        (MaxDailyLoss(limit=Usd(50)), "lost_today"),
        (RatchetingDrawdown(limit=0.1), "high_water"),
        (RatchetingDrawdown(limit=0.1), "equity"),
    ],
)
@pytest.mark.parametrize("wrong", ["NaN", "-Infinity"])
def test_a_figure_that_cannot_be_true_never_passes(rule, figure, wrong, proposal, stands):
    with suppress(ArithmeticError, ValueError):  # the guardian turns it into a refusal
        assert rule.refuse(proposal(), stands(**{figure: wrong})) is not None


@pytest.mark.parametrize("share", [0, 1.01, "nan", None])
def test_a_drawdown_is_a_share(share):
    with pytest.raises(ValidationError):
        decode({"limit": share}, RatchetingDrawdown)
