"""The venues we know: one row each, so that no other file has to ask which venue it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nautilus_trader.model import Currency

from adapters.kalshi.fees import KalshiFeeModel
from markets.currencies import USD


@dataclass(frozen=True, slots=True)
class VenueRow:
    """What a replay must know of a venue; `fee_model` is given the replay's clock."""

    currency: Currency
    fee_model: Callable[[Callable[[], int]], Any]


VENUES: Mapping[str, VenueRow] = {
    "KALSHI": VenueRow(USD, KalshiFeeModel),
}
