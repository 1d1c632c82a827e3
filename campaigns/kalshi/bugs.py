"""Deliberate bugs, to see that a campaign finds them; each is laid by a call, in a process of its own."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, override

from msgspec.structs import replace
from nautilus_trader.model import Money, TradeId

from adapters.kalshi.execution import commands, opening
from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.execution.reporting import Reporting
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CreatedOrder, CreateOrder
from campaigns.kalshi.desk import Parts
from markets.currencies import USD
from network.outcomes import Outcome, Unknown


def _resend() -> Parts:
    class Resending(KalshiHttp):
        @override
        async def create_order(self, order: CreateOrder) -> Outcome[CreatedOrder]:
            outcome = await super().create_order(order)
            if isinstance(outcome, Unknown):
                again = replace(order, client_order_id=f"{order.client_order_id}-again")
                return await super().create_order(again)
            return outcome

    return Parts(http=Resending)


def _book_twice() -> Parts:
    class Doubling(KalshiExecutionClient):
        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            super().generate_order_filled(order, *facts)
            again = (*facts[:2], TradeId(f"{facts[2].value[:34]}-2"), *facts[3:])
            if order.leaves_qty.as_decimal() >= 2 * facts[3].as_decimal():
                super().generate_order_filled(order, *again)

    return Parts(client=Doubling)


def _lose_fills() -> Parts:
    class Deaf(KalshiExecutionClient):
        heard = 0

        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            self.heard += 1
            if self.heard % 3:
                super().generate_order_filled(order, *facts)

    Reporting._fill_report = lambda *_: None  # type: ignore[method-assign]  # it would heal what was lost
    return Parts(client=Deaf)


def _forget_fees() -> Parts:
    class Feeless(KalshiExecutionClient):
        def generate_order_filled(self, order: Any, *facts: Any) -> None:
            free = Money.from_decimal(Decimal(0), USD)
            super().generate_order_filled(order, *facts[:6], free, *facts[7:])

    return Parts(client=Feeless)


def _take_unknown_for_rejected() -> Parts:
    def guess(submission: Any, ticket: Ticket, unknown: Unknown) -> None:
        submission._desk.teller.reject(ticket, f"GUESSED {unknown.reason}")
        submission._desk.tickets._by_client_id.pop(ticket.client_order_id.value)

    commands.Submission._doubt = guess  # type: ignore[method-assign]  # a bug is to be laid
    return Parts()


def _risk_in_doubt() -> Parts:
    for module in (commands, opening):
        module.refusal_of_doubt = lambda *_: None  # type: ignore[attr-defined]  # a bug is to be laid
    return Parts()


BUGS: Final[dict[str, Callable[[], Parts]]] = {
    "resends an order with a new id": _resend,
    "books a fill twice": _book_twice,
    "loses fills": _lose_fills,
    "forgets fees": _forget_fees,
    "takes unknown for rejected": _take_unknown_for_rejected,
    "opens risk in doubt": _risk_in_doubt,
}
