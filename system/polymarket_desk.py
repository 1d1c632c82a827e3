"""How a node trades at Polymarket; loaded in rehearsal and live only."""

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution.client import PolymarketClientConfig
from adapters.polymarket.factories.execution import execution_factory
from system.polymarket_settings import read_settings
from system.venues import Client, DeskWish


def make(wish: DeskWish) -> Client:
    """Return the execution client."""
    settings = read_settings(wish.settings, PolymarketExecutionConfig)
    factory = execution_factory(wish.second_guard, wish.on_difference, wish.on_condition, wish.memory)
    return Client(PolymarketClientConfig(settings), factory)
