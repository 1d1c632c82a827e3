"""Deliberate bugs that any execution client can have: each is a class that hears the engine's bookings wrongly."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.model import Currency, Money, TradeId


def booking_twice(client: type[Any], second_of: Callable[[str], str]) -> type[Any]:
    """Return a client that books fills again, as the trade that `second_of` makes of the first, where room is left."""

    class Doubling(client):
        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            super().generate_order_filled(order, *facts)
            again = (*facts[:2], TradeId(second_of(facts[2].value)), *facts[3:])
            if order.leaves_qty.as_decimal() >= 2 * facts[3].as_decimal():
                super().generate_order_filled(order, *again)

    return Doubling


def losing_fills(client: type[Any]) -> type[Any]:
    """Return a client that does not book each third fill."""

    class Deaf(client):
        heard = 0

        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            self.heard += 1
            if self.heard % 3:
                super().generate_order_filled(order, *facts)

    return Deaf


def forgetting_fees(client: type[Any], currency: Currency) -> type[Any]:
    """Return a client whose fills are free."""

    class Feeless(client):
        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            free = Money.from_decimal(Decimal(0), currency)
            super().generate_order_filled(order, *facts[:6], free, *facts[7:])

    return Feeless
