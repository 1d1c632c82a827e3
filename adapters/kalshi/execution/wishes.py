"""What an order may ask of Kalshi that no other venue knows, said in the `params` of its submit. Pure.

The engine hands `params` on as they are, also through an execution algorithm that submits the order itself (run on rc7).
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, ValidationError, convert

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.messages.orders import SelfTradePrevention

_NAMES: Final = "self_trade_prevention, cancel_order_on_pause"


class Wishes(Struct, frozen=True, forbid_unknown_fields=True):
    """What shall happen when our own orders meet, and to a resting order when trading pauses."""

    self_trade_prevention: SelfTradePrevention
    cancel_order_on_pause: bool


def wishes_of(params: Mapping[str, Any] | None, settings: KalshiExecutionConfig) -> Wishes:
    """Return what the settings say, but for what `params` say; ValueError for what means nothing here."""
    usual = {
        "self_trade_prevention": settings.self_trade_prevention,
        "cancel_order_on_pause": settings.cancels_orders_on_pause,
    }
    try:
        return convert(usual | dict(params or {}), Wishes)
    except ValidationError as error:
        raise ValueError(f"expected params among {_NAMES}, found {params}: {error}") from error
