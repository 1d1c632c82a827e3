"""Follow what becomes of orders: what traded goes to the ledger, what is done frees its reservation."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    Money,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderFillVoided,
    OrderModifyRejected,
    OrderRejected,
    OrderSide,
    OrderUpdated,
    PositionClosed,
)

from engine.desk import Desk
from risk.contract import Contracts
from risk.errors import ImpossiblePosting
from risk.exposure import Ask, Exposure, Reservation
from risk.ledger import Ledger
from risk.sums import ZERO
from risk.trades import Fill, Settlement

_SETTLEMENT = "EXPIRATION-"  # how Nautilus' simulated venues begin the id of the order that settles

MOVES_MONEY: Final = frozenset({OrderFilled, OrderFillVoided, PositionClosed})
"""The events after which profit may be another."""


class Follower:
    """Writes events into ledger and exposure; `handlers` has one for each class of event that matters."""

    def __init__(self, ledger: Ledger, exposure: Exposure, contracts: Contracts) -> None:
        self._ledger = ledger
        self._exposure = exposure
        self._contracts = contracts
        self.handlers: Final[dict[type, Callable[[Any, Desk], None]]] = {
            OrderFilled: self._on_filled,
            OrderFillVoided: self._on_fill_voided,
            OrderUpdated: self._on_updated,
            OrderModifyRejected: self._on_modify_rejected,
            OrderDenied: self._on_done,
            OrderRejected: self._on_done,
            OrderCanceled: self._on_done,
            OrderExpired: self._on_done,
            PositionClosed: self._on_position_closed,
        }

    def _on_filled(self, event: Any, desk: Desk) -> None:
        quantity, price = event.last_qty.as_decimal(), event.last_px.as_decimal()
        fee = _usd(event.commission)
        if is_settlement(event):
            self._settle(event, quantity, price, fee, desk)
        elif self._ledger.post_fill(self._fill(event, quantity, fee, desk)):
            self._exposure.fill(event.client_order_id, quantity, price)

    def _on_fill_voided(self, event: Any, desk: Desk) -> None:
        quantity = event.voided_qty.as_decimal()
        taken = self._fill(event, quantity, _usd(event.commission_voided), desk)
        if self._ledger.post_void(taken, event.correction_id) is None:
            return
        if not event.is_reopened:
            self._exposure.close(event.client_order_id)
        elif self._exposure.of(event.client_order_id):
            self._exposure.fill(event.client_order_id, -quantity, taken.price)
        else:
            self._reopen(event, quantity, desk)

    def _on_updated(self, event: Any, desk: Desk) -> None:
        price = event.price
        self._exposure.confirm_change(
            event.client_order_id,
            event.quantity.as_decimal(),
            None if price is None else price.as_decimal(),
        )

    def _on_modify_rejected(self, event: Any, desk: Desk) -> None:
        self._exposure.reject_change(event.client_order_id, event.reason)

    def _on_done(self, event: Any, desk: Desk) -> None:
        self._exposure.close(event.client_order_id)

    def _on_position_closed(self, event: Any, desk: Desk) -> None:
        """Settle what is still held: a live engine closes a settled position without an order or a fill."""
        held = self._ledger.quantity(str(event.strategy_id), str(event.instrument_id))
        if held:
            self._settle(event, held, event.last_px.as_decimal(), ZERO, desk)

    def _settle(self, event: Any, quantity: Decimal, payout: Decimal, fee: Decimal, desk: Desk) -> None:
        if fee:
            raise ImpossiblePosting(
                f"expected no fee on the settlement of {event.instrument_id}, found {fee} USD"
            )
        self._ledger.post_settlement(
            Settlement(
                strategy=str(event.strategy_id),
                outcome=self._contracts.outcome_of(event.instrument_id, desk),
                quantity=quantity,
                payout=payout,
                reference=str(event.position_id),
                now_ns=event.ts_event,
            )
        )

    def _reopen(self, event: Any, quantity: Decimal, desk: Desk) -> None:
        # The order was done and forgotten; the event does not say its limit, so any price counts.
        contract = self._contracts.of(event.instrument_id, desk)
        reservation = Reservation(
            strategy=str(event.strategy_id),
            outcome=contract.outcome,
            is_buy=event.order_side == OrderSide.BUY,
            is_taker=True,
            terms=contract.fees.at(desk.now_ns()),
            asks=[Ask(quantity, None)],
        )
        self._exposure.open(event.client_order_id, reservation)

    def _fill(self, event: Any, quantity: Decimal, fee: Decimal, desk: Desk) -> Fill:
        return Fill(
            strategy=str(event.strategy_id),
            outcome=self._contracts.outcome_of(event.instrument_id, desk),
            is_buy=event.order_side == OrderSide.BUY,
            quantity=quantity,
            price=event.last_px.as_decimal(),
            fee_usd=fee,
            order_id=str(event.venue_order_id),
            trade_id=str(event.trade_id),
            now_ns=event.ts_event,
        )


def is_settlement(event: Any) -> bool:
    """Return whether a fill is no trade but the venue's payout."""
    return str(event.client_order_id).startswith(_SETTLEMENT)


def _usd(commission: Money | None) -> Decimal:
    return ZERO if commission is None else commission.as_decimal()
