from decimal import Decimal

import pytest

from research.record import Forecast, Outcome
from research.scoring import compare


def _said(market, event, probability, mid):
    return Forecast(0, "s", market, event, probability, None if mid is None else Decimal(mid))


def test_the_headline_is_the_mean_over_events_of_the_mean_within_an_event(small_record):
    # E1: (0.1^2 + 0.3^2) / 2 = 0.05 against 0.25; E2: 0.25 against 0.04.
    score = compare(small_record.forecasts, small_record.outcomes)
    assert score.brier_model == pytest.approx((0.05 + 0.25) / 2)
    assert score.brier_market == pytest.approx((0.25 + 0.04) / 2)
    assert score.difference.mean == pytest.approx(0.005)
    assert (score.events, score.forecasts) == (2, 3)


def test_saying_it_a_thousand_times_does_not_make_an_event_count_more():
    outcomes = [Outcome("A", "E1", Decimal(1)), Outcome("B", "E2", Decimal(0))]
    once = [_said("A", "E1", 0.6, "0.5"), _said("B", "E2", 0.1, "0.5")]
    often = once + [once[0]] * 1000
    assert compare(often, outcomes).brier_model == pytest.approx(compare(once, outcomes).brier_model)
    assert compare(often, outcomes).events == 2


def test_forecasts_that_cannot_be_compared_are_left_out_and_counted():
    outcomes = [Outcome("A", "E1", Decimal(1))]
    forecasts = [_said("A", "E1", 0.6, "0.5"), _said("A", "E1", 0.0, None), _said("B", "E2", 0.0, "0.5")]
    score = compare(forecasts, outcomes)
    assert score.brier_model == pytest.approx(0.16)
    assert (score.without_outcome, score.without_market) == (1, 1)


def test_nothing_to_score_is_none_and_never_zero():
    score = compare([_said("A", "E1", 0.6, None)], [Outcome("A", "E1", Decimal(1))])
    assert (score.brier_model, score.brier_market, score.difference) == (None, None, None)
    assert all(one.forecast is None and one.realised is None for one in score.model_bins)


def test_two_markets_of_one_event_are_one_event():
    outcomes = [Outcome("A", "E1", Decimal(1)), Outcome("B", "E1", Decimal(0))]
    score = compare([_said("A", "E1", 0.8, "0.5"), _said("B", "E1", 0.4, "0.5")], outcomes)
    assert score.events == 1
    assert score.brier_model == pytest.approx((0.04 + 0.16) / 2)
    assert score.difference.low is None


def test_a_void_market_is_scored_against_the_half_it_paid():
    score = compare([_said("A", "E1", 0.5, "0.7")], [Outcome("A", "E1", Decimal("0.5"))])
    assert score.brier_model == 0.0
    assert score.brier_market == pytest.approx(0.04)


def test_the_bins_hold_events_their_mean_forecast_and_what_came_true():
    outcomes = [Outcome("A", "E1", Decimal(1)), Outcome("B", "E2", Decimal(0))]
    forecasts = [
        _said("A", "E1", 0.61, "1"),
        _said("A", "E1", 0.63, "1"),
        _said("B", "E2", 0.66, "0"),
    ]
    score = compare(forecasts, outcomes)
    model = score.model_bins[6]
    assert (model.low, model.high, model.events) == (0.6, 0.7, 2)
    assert model.forecast == pytest.approx((0.62 + 0.66) / 2)
    assert model.realised == pytest.approx(0.5)
    # A forecast of exactly 1 belongs to the last bin.
    assert (score.market_bins[9].events, score.market_bins[0].events) == (1, 1)
