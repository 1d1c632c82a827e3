"""The adapter's own parts with a witness at the border: what leaves, what nobody knows, what is told."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, override

from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.factories.execution import SharedHttp
from adapters.kalshi.messages import orders
from adapters.kalshi.messages.portfolio import Order
from adapters.kalshi.messages.queries import OrdersQuery
from adapters.kalshi.websocket.client import Gap, Listener
from campaigns.kalshi.desk import Parts
from campaigns.kalshi.victim import market_of
from campaigns.witness import Deed, Witness, tell_when
from network.outcomes import Outcome, Unknown

_VITAL = frozenset({"fill", "user_orders"})


def watched_parts(witness: Witness, parts: Parts) -> Parts:
    """Return parts that do what the given ones do, and tell the witness."""
    ids: dict[str, str] = {}
    http = _watched_reads(_watched_writes(parts.http, witness, ids), witness)
    client = _watched_client(parts.client, witness, ids)
    return Parts(client, http, lambda listener: _watched_stream(parts.wrap(listener), witness), parts.clients)


def _watched_writes(kind: type[SharedHttp], witness: Witness, ids: dict[str, str]) -> type[SharedHttp]:
    class Http(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        @override
        async def create_order(self, order: orders.CreateOrder) -> Outcome[orders.CreatedOrder]:
            _note_creates(witness, [order])
            outcome = await super().create_order(order)
            _note_outcomes(witness, "order", [str(order.client_order_id)], [outcome])
            return outcome

        @override
        async def batch_create_orders(
            self, batch: Sequence[orders.CreateOrder]
        ) -> tuple[Outcome[orders.CreatedOrder], ...]:
            _note_creates(witness, batch)
            outcomes = await super().batch_create_orders(batch)
            _note_outcomes(witness, "order", [str(one.client_order_id) for one in batch], outcomes)
            return outcomes

        @override
        async def cancel_order(self, cancel: orders.CancelOrder) -> Outcome[orders.CanceledOrder]:
            outcome = await super().cancel_order(cancel)
            _note_outcomes(witness, "cancel", [ids.get(cancel.order_id, "")], [outcome])
            return outcome

        @override
        async def batch_cancel_orders(
            self, batch: Sequence[orders.CancelOrder]
        ) -> tuple[Outcome[orders.CanceledOrder], ...]:
            outcomes = await super().batch_cancel_orders(batch)
            _note_outcomes(witness, "cancel", [ids.get(one.order_id, "") for one in batch], outcomes)
            return outcomes

        @override
        async def amend_order(self, order_id: str, amend: orders.AmendOrder) -> Outcome[orders.AmendedOrder]:
            name, size = ids.get(order_id, ""), Decimal(amend.count)
            witness.changes(name, size if amend.side == "bid" else -size)
            outcome = await super().amend_order(order_id, amend)
            if isinstance(outcome, Unknown):
                witness.doubts(name, "change", outcome.reason, (Decimal(amend.price), size))
            return outcome

    return Http


def _watched_reads(kind: type[SharedHttp], witness: Witness) -> type[SharedHttp]:
    class Http(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        @override
        async def get_order(self, order_id: str) -> Order:
            return _note_ended(witness, await super().get_order(order_id))

        @override
        async def find_order(self, client_order_id: str, query: OrdersQuery) -> Order | None:
            found = await super().find_order(client_order_id, query)
            return None if found is None else _note_ended(witness, found)

    return Http


def _note_ended(witness: Witness, row: Order) -> Order:
    if (
        row.status != "resting"
    ):  # nothing is unknown about it any more, but its fills may still be on their way
        witness.tells(row.client_order_id, "change", "cancel")
    return row


def _note_creates(witness: Witness, batch: Sequence[orders.CreateOrder]) -> None:
    for order in batch:
        size = Decimal(order.count)
        witness.leaves(str(order.client_order_id), order.ticker, size if order.side == "bid" else -size)


def _note_outcomes(
    witness: Witness, deed: Deed, names: Sequence[str], outcomes: Sequence[Outcome[Any]]
) -> None:
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, Unknown):
            witness.doubts(name, deed, outcome.reason)


def _watched_client(
    kind: type[KalshiExecutionClient], witness: Witness, ids: dict[str, str]
) -> type[KalshiExecutionClient]:
    class Client(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        def generate_order_accepted(self, order: Any, venue_order_id: Any, *more: Any) -> None:
            ids[venue_order_id.value] = order.client_order_id.value
            witness.tells(order.client_order_id.value)
            super().generate_order_accepted(order, venue_order_id, *more)

        def generate_order_updated(
            self, order: Any, venue_order_id: Any, quantity: Any, price: Any, *more: Any
        ) -> None:
            sign, own = market_of(order.instrument_id)[1], price.as_decimal()
            terms = own if sign > 0 else 1 - own, quantity.as_decimal()
            witness.tells_terms(order.client_order_id.value, terms)
            super().generate_order_updated(order, venue_order_id, quantity, price, *more)

        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            market, sign = market_of(order.instrument_id)
            side = sign if order.side.name == "BUY" else -sign
            witness.fills(order.client_order_id.value, market, side * facts[3].as_decimal())
            super().generate_order_filled(order, *facts)

        def _handle_report(self, report: Any, fills: Any) -> None:
            market, sign = market_of(report.instrument_id)
            side = sign if report.order_side.name == "BUY" else -sign
            for fill in fills:
                witness.fills("", market, side * fill.last_qty.as_decimal())
            super()._handle_report(report, fills)

    for ending in ("rejected", "canceled", "expired"):
        tell_when(Client, f"generate_order_{ending}", witness, is_over=True)
    tell_when(Client, "generate_order_modify_rejected", witness, "change", is_undone=True)
    tell_when(Client, "generate_order_cancel_rejected", witness, "cancel")
    return Client


def _watched_stream(listener: Listener, witness: Witness) -> Listener:
    live: set[str] = set()

    def lives(channel: str, epoch: int) -> None:
        live.add(channel)
        witness.sees(is_whole=live >= _VITAL)
        listener.on_live(channel, epoch)

    def gapes(gap: Gap) -> None:
        live.discard(gap.channel)
        witness.sees(is_whole=live >= _VITAL)
        listener.on_gap(gap)

    def falls(epoch: int, reason: str) -> None:
        live.clear()
        witness.sees(is_whole=False)
        listener.on_down(epoch, reason)

    return replace(listener, on_live=lives, on_gap=gapes, on_down=falls)
