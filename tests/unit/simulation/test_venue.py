import msgspec
import pytest
from nautilus_trader.model import AccountType, BookType, OmsType

from simulation.settings import VenueModel
from simulation.venue import venue_arguments


def test_a_prediction_market_is_a_cash_account_with_full_books_that_fills_on_trades():
    arguments = venue_arguments(VenueModel())
    assert arguments["account_type"] == AccountType.CASH
    assert arguments["oms_type"] == OmsType.NETTING
    assert arguments["book_type"] == BookType.L2_MBP
    assert arguments["trade_execution"] is True
    assert type(arguments["latency_model"]).__name__ == "StaticLatencyModel"


def test_without_latency_there_is_no_latency_model():
    assert venue_arguments(VenueModel(latency_ms=0))["latency_model"] is None


@pytest.mark.parametrize("name", ["queue_position", "liquidity_consumption"])
@pytest.mark.parametrize("wanted", [True, False])
def test_queue_and_consumption_are_what_the_book_says(name, wanted):
    assert venue_arguments(VenueModel(**{name: wanted}))[name] is wanted


@pytest.mark.parametrize(
    ("milliseconds", "nanoseconds"), [(137, 137_000_000), (0.5, 500_000), (0.0001, 100), (60_000, 60 * 10**9)]
)
def test_latency_is_told_in_milliseconds_and_kept_in_nanoseconds(milliseconds, nanoseconds):
    assert msgspec.convert({"latency_ms": milliseconds}, VenueModel).latency_ns == nanoseconds


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": 60_001}, "latency_ms"),
        ({"latency_ms": "fast"}, "latency_ms"),
        ({"latency_ms": float("nan")}, "latency_ms"),
        ({"queue_position": 1}, "queue_position"),
        ({"latency": 5}, "latency"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings, complaint):
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(settings, VenueModel)
