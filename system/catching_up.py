"""What happened at the venues while no node lived: trades are booked, orders that rest are reserved for again."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any

from nautilus_trader.model import OrderFilled

from risk.ledger import Ledger
from system.crew import Crew, RunFailed


def catch_up(crew: Crew, orders: Iterable[Any]) -> None:
    """Take over the orders that the engine has reconciled with the venue, before strategies start.

    The strategies themselves hear nothing of these trades (run on rc7); positions and orders are theirs in the
    engine's cache. RunFailed for a trade in a market that we do not know: nobody could say what it cost.
    """
    for order in sorted(orders, key=attrgetter("ts_init")):
        missed = list(_missed(order, crew.ledger))
        if missed and not crew.diary.knows(order.instrument_id):
            raise RunFailed(
                f"expected {order.instrument_id} among the book's markets, found {len(missed)} unbooked trades of "
                f"{order.client_order_id}"
            )
        if order.is_open:
            # Adopted with all that it has traded; what is heard below would count a second time.
            crew.guardian.adopt(order, crew.door)
            crew.guardian.exposure.fill(order.client_order_id, -sum(map(_size, missed), Decimal(0)))
        for event in missed:
            crew.door.hear(event)


def _missed(order: Any, ledger: Ledger) -> Iterator[OrderFilled]:
    for event in order.events():
        if isinstance(event, OrderFilled) and not ledger.has_trade(
            str(event.venue_order_id), str(event.trade_id)
        ):
            yield event


def _size(trade: OrderFilled) -> Decimal:
    return trade.last_qty.as_decimal()
