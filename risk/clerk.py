"""Write an order down as what a rule can judge, and as what must be set aside for it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nautilus_trader.model import ClientOrderId, OrderSide, Price, Quantity, QuoteTick, TimeInForce

from engine.desk import Desk
from risk.contract import Contract
from risk.errors import ImpossiblePosting
from risk.exposure import ANY_PRICE, Ask, Exposure, Reservation, fee_usd
from risk.ledger import Ledger
from risk.proposal import Proposal
from risk.sums import ZERO

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal, and what to reserve when it passes; `sellable` is what a sale may offer, in contracts."""

    order_id: ClientOrderId
    ask: Ask
    reservation: Reservation
    is_change: bool
    sellable: Decimal
    proposal: Proposal

    @property
    def asks_nothing(self) -> bool:
        """Whether it is a change to no more than what the order has filled: it may not trade any more, as if cancelled."""
        return self.is_change and self.proposal.quantity == 0


class Clerk:
    """Writes drafts from orders, with what the ledger and the live orders say about them.

    `with_free_cash`: ask for the venue's account too, the dearest question to a desk on rc7.
    """

    def __init__(self, ledger: Ledger, exposure: Exposure, *, with_free_cash: bool) -> None:
        self._ledger = ledger
        self._exposure = exposure
        self._with_free_cash = with_free_cash

    def draft(self, order: Any, ask: Ask, contract: Contract, desk: Desk) -> Draft:
        """Return the draft of an order (or of its change) that may trade `ask` in all.

        ImpossiblePosting for a size in dollars: its contracts, and so its worst case, are not known; and for an
        order that says it has filled less than nothing.
        """
        if order.is_quote_quantity:
            found = f"found {ask.quantity} USD: buy with a limit and IOC, and where takers spend, that spends the money"
            raise ImpossiblePosting(f"expected a size in contracts, {found}")
        if not order.filled_qty.as_decimal() >= 0:
            raise ImpossiblePosting(f"expected a filled size of at least 0, found {order.filled_qty}")
        now_ns = desk.now_ns()
        live = self._exposure.of(order.client_order_id)
        reservation = live or self._reservation(order, ask, contract, now_ns)
        sellable = self._sellable(reservation)
        return Draft(
            order_id=order.client_order_id,
            ask=ask,
            reservation=reservation,
            is_change=live is not None,
            sellable=sellable,
            proposal=self._proposal(order, ask, contract, reservation, desk),
        )

    def _reservation(self, order: Any, ask: Ask, contract: Contract, now_ns: int) -> Reservation:
        terms = contract.fees.at(now_ns)
        is_buy = order.side == OrderSide.BUY
        may_take = not getattr(order, "is_post_only", False)
        must_fill = getattr(order, "time_in_force", None) in _AT_ONCE
        filled = order.filled_qty.as_decimal()
        spends = contract.takers_spend and is_buy and must_fill
        return Reservation(
            strategy=str(order.strategy_id),
            outcome=contract.outcome,
            is_buy=is_buy,
            is_taker=may_take and terms.taker_rate >= terms.maker_rate,
            terms=terms,
            asks=[ask],
            must_fill=must_fill,
            filled=filled,
            budget_usd=(ask.quantity - filled) * _limit(ask) if spends else None,
        )

    def _sellable(self, reservation: Reservation) -> Decimal:
        if reservation.is_buy:
            return ZERO
        strategy, instrument = reservation.strategy, reservation.outcome.instrument
        on_offer = self._exposure.offered(strategy, instrument) - reservation.offered
        return self._ledger.quantity(strategy, instrument) - on_offer

    def _proposal(
        self, order: Any, ask: Ask, contract: Contract, reservation: Reservation, desk: Desk
    ) -> Proposal:
        outcome = contract.outcome
        left = reservation.left(ask)
        fee = fee_usd(reservation.terms, left, _limit(ask), reservation.is_taker) if left else ZERO
        worst = reservation.worst_usd(ask)
        quote = desk.quote(order.instrument_id)
        return Proposal(
            strategy=reservation.strategy,
            instrument=outcome.instrument,
            market=outcome.market,
            event=outcome.event,
            venue=outcome.venue,
            side=order.side,
            quantity=left,
            price=ask.price,
            worst_case_usd=max(worst - reservation.usd, ZERO),
            expected_fee_usd=fee,
            is_reducing=not reservation.is_buy,
            belief=desk.belief(order.strategy_id, order.instrument_id),
            quote=quote,
            now_ns=desk.now_ns(),
            free_cash_usd=desk.free_cash(order.instrument_id.venue) if self._with_free_cash else None,
            grid=contract.grid,
            outcome=outcome,
            whole_usd=worst,
            is_change=self._exposure.of(order.client_order_id) is not None,
            is_marketable=_is_marketable(order, ask.price, quote),
            closes_ns=contract.closes_ns,
        )


def _limit(ask: Ask) -> Decimal:
    return ANY_PRICE if ask.price is None else ask.price


def _is_marketable(order: Any, price: Decimal | None, quote: QuoteTick | None) -> bool:
    if getattr(order, "is_post_only", False):
        return False
    if price is None or quote is None:
        return True
    if order.side == OrderSide.BUY:
        return bool(quote.ask_size.raw) and price >= quote.ask_price.as_decimal()
    return bool(quote.bid_size.raw) and price <= quote.bid_price.as_decimal()


def ask_of(quantity: Quantity, price: Price | None) -> Ask:
    """Return what an order may trade, off Nautilus' types."""
    return Ask(quantity.as_decimal(), None if price is None else price.as_decimal())
