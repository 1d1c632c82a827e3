"""The adapter's own parts with a witness at the border: what leaves, what nobody knows, what is told.

Nothing is netted at Polymarket, and nothing can be sold short: a buy opens risk, a sale of what is held does not. So each token is a
market of its own to the witness, whatever its complement does.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, override

from nautilus_trader.model import InstrumentId, OrderFillVoided

from adapters.polymarket.execution.client import PolymarketExecutionClient
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.messages import refusals
from adapters.polymarket.messages.orders import OrderAnswer, PostOrder
from adapters.polymarket.messages.portfolio import OrderRow, bare_status
from adapters.polymarket.messages.user_stream import OrderMessage, UserMessage
from adapters.polymarket.websocket.user import UserListener, UserSocket
from campaigns.polymarket.desk import Parts
from campaigns.witness import Deed, Witness, tell_when
from network.outcomes import Outcome, Unknown

type NameOf = Callable[[str], str]

_UNIT: Final = Decimal(1).scaleb(-6)  # of amounts in a signed order
_IS_THERE: Final = (refusals.DELAYED,)


def watched_parts(witness: Witness, parts: Parts, names: dict[str, str]) -> Parts:
    """Return parts that do what the given ones do, and tell the witness; `names` learns the client id of each hash."""
    made = parts.clients

    def name_of(order_id: str) -> str:
        ticket = made[-1]._desk.tickets.find(None, order_id) if made else None
        if ticket is not None:
            names[order_id] = ticket.client_order_id.value
        return names.get(order_id, order_id)

    return Parts(
        _watched_findings(_watched_client(parts.client, witness), witness),
        _watched_reads(_watched_writes(parts.http, witness, name_of), witness, name_of),
        _watched_socket(parts.socket, witness, name_of),
        made,
    )


def _watched_writes(kind: type[PolymarketHttp], witness: Witness, name_of: NameOf) -> type[PolymarketHttp]:
    class Http(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        @override
        async def post_order(self, order: PostOrder, order_id: str) -> Outcome[OrderAnswer]:
            name = name_of(order_id)
            witness.leaves(name, order.order.token_id, _signed(order))
            outcome = await super().post_order(order, order_id)
            _note(witness, "order", [name], [outcome])
            return outcome

        @override
        async def post_orders(
            self, batch: Sequence[PostOrder], order_ids: Sequence[str]
        ) -> tuple[Outcome[OrderAnswer], ...]:
            names = [name_of(order_id) for order_id in order_ids]
            for name, order in zip(names, batch, strict=True):
                witness.leaves(name, order.order.token_id, _signed(order))
            outcomes = await super().post_orders(batch, order_ids)
            _note(witness, "order", names, outcomes)
            return outcomes

        @override
        async def cancel_order(self, order_id: str) -> Outcome[str]:
            outcome = await super().cancel_order(order_id)
            _note(witness, "cancel", [name_of(order_id)], [outcome])
            return outcome

        @override
        async def cancel_orders(self, order_ids: Sequence[str]) -> tuple[Outcome[str], ...]:
            outcomes = await super().cancel_orders(order_ids)
            _note(witness, "cancel", [name_of(order_id) for order_id in order_ids], outcomes)
            return outcomes

    return Http


def _watched_reads(kind: type[PolymarketHttp], witness: Witness, name_of: NameOf) -> type[PolymarketHttp]:
    class Http(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        @override
        async def get_order(self, order_id: str) -> OrderRow | None:
            row = await super().get_order(order_id)
            if row is not None:
                _note_delayed(witness, name_of, row)
            return row

        @override
        async def get_orders(self, *asked: Any, **more: Any) -> tuple[OrderRow, ...]:
            rows: tuple[OrderRow, ...] = await super().get_orders(*asked, **more)
            for row in rows:
                _note_delayed(witness, name_of, row)
            return rows

    return Http


def _note_delayed(witness: Witness, name_of: NameOf, row: OrderRow | OrderMessage) -> None:
    """Note that the venue has an order that waits: it is not unknown, although the engine is told of it later."""
    if bare_status(row.status) == "DELAYED":
        witness.tells(name_of(row.id))


def _signed(order: PostOrder) -> Decimal:
    body = order.order
    return Decimal(body.taker_amount) * _UNIT if body.side == "BUY" else -Decimal(body.maker_amount) * _UNIT


def _note(witness: Witness, deed: Deed, names: Sequence[str], outcomes: Sequence[Outcome[Any]]) -> None:
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, Unknown) and outcome.code not in _IS_THERE:
            witness.doubts(name, deed, outcome.reason)


def _watched_client(
    kind: type[PolymarketExecutionClient], witness: Witness
) -> type[PolymarketExecutionClient]:
    class Client(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        def generate_order_accepted(self, order: Any, *facts: Any) -> None:
            witness.tells(order.client_order_id.value)
            super().generate_order_accepted(order, *facts)

        def generate_order_updated(self, order: Any, venue_order_id: Any, quantity: Any, *more: Any) -> None:
            terms = order.price.as_decimal(), quantity.as_decimal()
            witness.tells_terms(order.client_order_id.value, terms)
            super().generate_order_updated(order, venue_order_id, quantity, *more)

        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            signed = _side(order.side, facts[3])
            witness.fills(order.client_order_id.value, _token(order.instrument_id), signed)
            super().generate_order_filled(order, *facts)

    for ending in ("rejected", "canceled", "expired"):
        tell_when(Client, f"generate_order_{ending}", witness, is_over=True)
    tell_when(Client, "generate_order_cancel_rejected", witness, "cancel")
    return Client


def _watched_findings(
    kind: type[PolymarketExecutionClient], witness: Witness
) -> type[PolymarketExecutionClient]:
    """What is told of fills besides: those that were taken back, those of orders that nobody here had sent."""

    class Client(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        def _handle_event(self, event: Any) -> None:
            if isinstance(event, OrderFillVoided):
                signed = _side(event.order_side, event.voided_qty)
                witness.takes_back(_token(event.instrument_id), signed)
            super()._handle_event(event)

        def _handle_report(self, report: Any, fills: Any) -> None:
            for fill in fills:
                witness.fills("", _token(report.instrument_id), _side(report.order_side, fill.last_qty))
            super()._handle_report(report, fills)

    return Client


def _side(side: Any, quantity: Any) -> Decimal:
    contracts: Decimal = quantity.as_decimal()
    return contracts if side.name == "BUY" else -contracts


def _token(instrument_id: InstrumentId) -> str:
    return instrument_id.symbol.value.rpartition("-")[2]


def _watched_socket(kind: type[UserSocket], witness: Witness, name_of: NameOf) -> type[UserSocket]:
    witness.sees(is_whole=False)

    class Socket(kind):  # type: ignore[valid-type,misc]  # which one it is is chosen when a run is made
        def __init__(self, config: Any, credentials: Any, listener: UserListener, **more: Any) -> None:
            def hear(message: UserMessage) -> None:
                if isinstance(message, OrderMessage):
                    _note_delayed(witness, name_of, message)
                listener.on_message(message)

            super().__init__(config, credentials, replace(listener, on_message=hear), **more)

        @override
        def _stand(self) -> None:
            super()._stand()
            witness.sees(is_whole=True)

        @override
        def _end(self, epoch: int, reason: str) -> None:
            witness.sees(is_whole=False)
            super()._end(epoch, reason)

    return Socket
