"""How a node trades at Kalshi; loaded in rehearsal and live only."""

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution.client import KalshiClientConfig
from adapters.kalshi.factories.execution import execution_factory
from system.kalshi_settings import read_settings
from system.venues import Client, DeskWish


def make(wish: DeskWish) -> Client:
    """Return the execution client."""
    settings = read_settings(wish.settings, KalshiExecutionConfig)
    factory = execution_factory(wish.second_guard, wish.on_difference, wish.on_condition, wish.memory)
    return Client(KalshiClientConfig(settings), factory)
