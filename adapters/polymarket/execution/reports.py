"""The venue's statements as the engine's reports, for what the engine has no events of. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    AccountId,
    ClientOrderId,
    FillReport,
    LiquiditySide,
    OrderStatus,
    OrderStatusReport,
    OrderType,
    PositionSide,
    PositionStatusReport,
    TimeInForce,
    TradeId,
    VenueOrderId,
)

from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.telling import trade_of
from adapters.polymarket.execution.translation import Contract, order_side, to_price, to_quantity

_ENDS: Final = {
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "executed": OrderStatus.FILLED,
}
_TIMES: Final = {
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
    "FAK": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the reports of one account, known at `now_ns`."""

    account_id: AccountId
    now_ns: int

    def order(
        self, stated: OrderStatement, contract: Contract, client_id: str | None, known: Any | None = None
    ) -> OrderStatusReport:
        """Return the report of an order; `known` is the engine's own or our records' word about it."""
        at_ns = stated.at_ns or self.now_ns
        size = stated.filled if stated.end == "executed" else stated.size
        tif = known.time_in_force if known is not None else _TIMES.get(stated.order_type, TimeInForce.GTC)
        return OrderStatusReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            venue_order_id=VenueOrderId(stated.order_id),
            order_side=order_side(stated.side),
            order_type=OrderType.LIMIT,
            time_in_force=tif,
            order_status=_status(stated),
            quantity=to_quantity(size),
            filled_qty=to_quantity(stated.filled),
            ts_accepted=stated.created_ns or at_ns,
            ts_last=at_ns,
            ts_init=self.now_ns,
            client_order_id=ClientOrderId(client_id) if client_id else None,
            expire_time=stated.expires_ns if tif == TimeInForce.GTD else None,
            price=to_price(stated.price),
            post_only=known is not None and known.is_post_only,
            reduce_only=False,
        )

    def fill(self, fill: FillStatement, contract: Contract, client_id: str | None = None) -> FillReport:
        """Return the report of a fill, with the fee that the market's schedule asks of it."""
        trade = trade_of(fill, contract)
        return FillReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            venue_order_id=VenueOrderId(fill.order_id),
            trade_id=TradeId(fill.name),
            order_side=order_side(fill.side),
            last_qty=trade.contracts,
            last_px=trade.price,
            commission=trade.fee,
            liquidity_side=LiquiditySide.TAKER if fill.is_taker else LiquiditySide.MAKER,
            ts_event=fill.at_ns,
            ts_init=self.now_ns,
            client_order_id=ClientOrderId(client_id) if client_id else None,
        )

    def position(
        self, contract: Contract, shares: Decimal, average: Decimal | None = None
    ) -> PositionStatusReport:
        """Return the report of a token; nothing is ever short. `average` is told where fills do not tell it."""
        return PositionStatusReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            position_side=PositionSide.LONG if shares > 0 else PositionSide.FLAT,
            quantity=to_quantity(max(Decimal(0), shares)),
            ts_last=self.now_ns,
            ts_init=self.now_ns,
            avg_px_open=average,
        )


def of_fills(fills: Sequence[FillStatement]) -> OrderStatement:
    """Return what the fills of a closed order say of it: the venue lists no closed orders."""
    first, last = fills[0], fills[-1]
    shares = sum((fill.shares for fill in fills), Decimal(0))
    worst = max if first.side == "BUY" else min
    return OrderStatement(
        order_id=first.order_id,
        condition_id=first.condition_id,
        token_id=first.token_id,
        side=first.side,
        price=worst(fill.price for fill in fills),
        size=shares,
        filled=shares,
        end="executed",
        at_ns=last.at_ns,
        created_ns=first.at_ns,
    )


def _status(stated: OrderStatement) -> OrderStatus:
    if stated.end is not None:
        return _ENDS[stated.end]
    return OrderStatus.PARTIALLY_FILLED if stated.filled else OrderStatus.ACCEPTED
