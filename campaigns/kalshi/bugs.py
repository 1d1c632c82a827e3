"""Deliberate bugs, to see that a campaign finds them; each is laid by a call, in a process of its own."""

from collections.abc import Callable
from typing import Any, Final, override

from msgspec.structs import replace

from adapters.kalshi.execution import commands, opening
from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.execution.reporting import Reporting
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.factories.execution import SharedHttp
from adapters.kalshi.messages.orders import CreatedOrder, CreateOrder
from campaigns.kalshi.desk import Parts
from campaigns.laid import booking_twice, forgetting_fees, losing_fills
from markets.currencies import USD
from network.outcomes import Outcome, Unknown


def _resend() -> Parts:
    class Resending(SharedHttp):
        @override
        async def create_order(self, order: CreateOrder) -> Outcome[CreatedOrder]:
            outcome = await super().create_order(order)
            if isinstance(outcome, Unknown):
                again = replace(order, client_order_id=f"{order.client_order_id}-again")
                return await super().create_order(again)
            return outcome

    return Parts(http=Resending)


def _book_twice() -> Parts:
    return Parts(client=booking_twice(KalshiExecutionClient, lambda trade: f"{trade[:34]}-2"))


def _lose_fills() -> Parts:
    Reporting._fill_report = lambda *_: None  # type: ignore[method-assign]  # it would heal what was lost
    return Parts(client=losing_fills(KalshiExecutionClient))


def _forget_fees() -> Parts:
    return Parts(client=forgetting_fees(KalshiExecutionClient, USD))


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
