"""Deliberate bugs, to see that a campaign finds them; each is laid by a call, in a process of its own."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from adapters.polymarket.execution import commands
from adapters.polymarket.execution.client import PolymarketExecutionClient
from adapters.polymarket.execution.reporting import Reporting
from adapters.polymarket.execution.telling import Teller
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.messages.orders import OrderAnswer, PostOrder
from adapters.polymarket.signing.amounts import Amounts
from adapters.polymarket.signing.orders import Draft, sign_order
from campaigns.laid import booking_twice, forgetting_fees, losing_fills
from campaigns.polymarket.desk import Parts
from markets.currencies import PUSD
from network.outcomes import Outcome, Unknown
from orders.desk import Desk


def _resend() -> Parts:
    send = commands.Submission.send

    async def resend(self: commands.Submission, ticket: Ticket, request: PostOrder) -> Outcome[OrderAnswer]:
        outcome = await send(self, ticket, request)
        if isinstance(outcome, Unknown):
            again, order_id = _signed_anew(self, ticket, request)
            return await self._desk.http.post_order(again, order_id)
        return outcome

    commands.Submission.send = resend  # type: ignore[method-assign]  # a bug is to be laid
    return Parts()


def _signed_anew(
    submission: commands.Submission, ticket: Ticket, request: PostOrder
) -> tuple[PostOrder, str]:
    body = request.order
    draft = Draft(
        token_id=body.token_id,
        side=body.side,
        amounts=Amounts(int(body.maker_amount), int(body.taker_amount)),
        exchange=ticket.contract.exchange,
        salt=body.salt ^ 1,
        at_ms=int(body.timestamp),
    )
    signed = sign_order(draft, submission._desk.wallet)
    return replace(request, order=replace(body, salt=draft.salt, signature=signed.signature)), signed.order_id


def _book_twice() -> Parts:
    return Parts(client=booking_twice(PolymarketExecutionClient, lambda trade: f"{trade[:32]}same"))


def _lose_fills() -> Parts:
    Reporting._fill_report = lambda *_: None  # type: ignore[method-assign]  # it would heal what was lost
    return Parts(client=losing_fills(PolymarketExecutionClient))


def _forget_fees() -> Parts:
    return Parts(client=forgetting_fees(PolymarketExecutionClient, PUSD))


def _take_unknown_for_rejected() -> Parts:
    def guess(submission: Any, ticket: Ticket, unknown: Unknown) -> None:
        submission._desk.teller.reject(ticket, f"GUESSED {unknown.reason}")

    commands.Submission._doubt = guess  # type: ignore[method-assign]  # a bug is to be laid
    return Parts()


def _risk_in_doubt() -> Parts:
    Desk.uncertainty = property(lambda _: None)  # type: ignore[assignment,method-assign]  # a bug is to be laid
    return Parts()


def _keep_reversed() -> Parts:
    Teller._take_back = lambda *_: None  # type: ignore[method-assign]  # a bug is to be laid
    return Parts()


BUGS: Final[dict[str, Callable[[], Parts]]] = {
    "resends an order with a new id": _resend,
    "books a fill twice": _book_twice,
    "loses fills": _lose_fills,
    "forgets fees": _forget_fees,
    "takes unknown for rejected": _take_unknown_for_rejected,
    "opens risk in doubt": _risk_in_doubt,
    "keeps a match that was reversed": _keep_reversed,
}
