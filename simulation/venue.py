"""How a simulated prediction market behaves, in the words of the engine."""

from typing import Any

from nautilus_trader.execution import StaticLatencyModel
from nautilus_trader.model import AccountType, BookType, OmsType

from simulation.settings import VenueModel


def venue_arguments(model: VenueModel) -> dict[str, Any]:
    """Return what the engine needs to simulate a prediction market: cash only, full-depth books."""
    return {
        "oms_type": OmsType.NETTING,
        "account_type": AccountType.CASH,
        "book_type": BookType.L2_MBP,
        "queue_position": model.queue_position,
        "liquidity_consumption": model.liquidity_consumption,
        "trade_execution": True,
        "latency_model": StaticLatencyModel(base_latency_nanos=model.latency_ns)
        if model.latency_ns
        else None,
    }
