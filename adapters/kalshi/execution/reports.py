"""The venue's rows as the engine's reports, for what the engine has no events of. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    AccountId,
    ClientOrderId,
    FillReport,
    LiquiditySide,
    Money,
    OrderStatus,
    OrderStatusReport,
    OrderType,
    PositionSide,
    PositionStatusReport,
    TimeInForce,
    TradeId,
    VenueOrderId,
)

from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.translation import (
    Contract,
    Leg,
    leg_of_stranger,
    order_side,
    other_scale,
    signed_contracts,
    to_price,
    to_quantity,
)
from adapters.kalshi.messages.portfolio import MarketPosition
from markets.currencies import USD

_ENDS: Final = {
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
    "executed": OrderStatus.FILLED,
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the reports of one account, known at `now_ns`."""

    account_id: AccountId
    now_ns: int

    def order(
        self, stated: OrderStatement, contract: Contract, known: Any | None = None
    ) -> OrderStatusReport:
        """Return the report of an order; `known` is the engine's own, which knows what the venue never echoes."""
        leg = contract.leg
        size = stated.filled if stated.end == "executed" else stated.size
        at_ns = stated.at_ns or self.now_ns
        return OrderStatusReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            venue_order_id=VenueOrderId(stated.order_id),
            order_side=order_side(leg, stated.side),
            order_type=OrderType.LIMIT,
            time_in_force=_time_in_force(stated, known),
            order_status=_status(stated),
            quantity=to_quantity(size),
            filled_qty=to_quantity(stated.filled),
            ts_accepted=stated.created_ns or at_ns,
            ts_last=at_ns,
            ts_init=self.now_ns,
            client_order_id=ClientOrderId(stated.client_order_id) if stated.client_order_id else None,
            expire_time=stated.expires_ns,
            price=to_price(other_scale(leg, stated.yes_price)),
            post_only=known is not None and known.is_post_only,
            reduce_only=known is not None and known.is_reduce_only,
        )

    def fill(
        self, fill: FillStatement, contract: Contract, client_order_id: ClientOrderId | None = None
    ) -> FillReport:
        """Return the report of a fill, with the fee as charged."""
        return FillReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            venue_order_id=VenueOrderId(fill.order_id),
            trade_id=TradeId(fill.trade_id),
            order_side=order_side(contract.leg, fill.side),
            last_qty=to_quantity(fill.contracts),
            last_px=to_price(other_scale(contract.leg, fill.yes_price)),
            commission=Money.from_decimal(fill.fee_usd, USD),
            liquidity_side=LiquiditySide.TAKER if fill.is_taker else LiquiditySide.MAKER,
            ts_event=fill.at_ns,
            ts_init=self.now_ns,
            client_order_id=client_order_id,
        )

    def position(
        self, contract: Contract, row: MarketPosition | None, leg: Decimal | None = None
    ) -> PositionStatusReport:
        """Return the report of one leg: `leg` contracts by its fills, else long when the market's number is on its side.

        The venue's average price is of the net, so it is told only of that: the engine insists on what it is told.
        """
        signed = Decimal(0) if row is None else row.position_fp
        net = max(Decimal(0), signed if contract.leg == "YES" else -signed)
        held = net if leg is None else leg
        average = row.market_exposure_dollars / net if leg is None and row is not None and net else None
        side = PositionSide.FLAT if not held else PositionSide.LONG if held > 0 else PositionSide.SHORT
        return PositionStatusReport(
            account_id=self.account_id,
            instrument_id=contract.instrument_id,
            position_side=side,
            quantity=to_quantity(abs(held)),
            ts_last=self.now_ns,
            ts_init=self.now_ns,
            avg_px_open=average,
        )


def legs_of_strangers(
    positions: Mapping[str, Decimal], orders: Sequence[OrderStatement], fills: Sequence[FillStatement]
) -> dict[str, Leg]:
    """Return the leg of each order (by its id) that nobody remembers, from what its fills met.

    `positions` are the signed contracts now, `fills` the newest ones without a hole. Going back in time
    gives the position that each fill met; an order is of the leg of its first fill, one without fills of
    the leg that it would meet now.
    """
    legs = {
        stated.order_id: leg_of_stranger(stated.side, positions.get(stated.ticker, Decimal(0)))
        for stated in orders
    }
    held = dict(positions)
    for fill in sorted(fills, key=lambda one: one.at_ns, reverse=True):
        after = held.get(fill.ticker, Decimal(0))
        held[fill.ticker] = after - signed_contracts(fill.side, fill.contracts)
        legs[fill.order_id] = leg_of_stranger(fill.side, held[fill.ticker])
    return legs


def _status(stated: OrderStatement) -> OrderStatus:
    if stated.end is not None:
        return _ENDS[stated.end]
    return OrderStatus.PARTIALLY_FILLED if stated.filled else OrderStatus.ACCEPTED


def _time_in_force(stated: OrderStatement, known: Any | None) -> TimeInForce:
    if known is not None:
        tif: TimeInForce = known.time_in_force
        return tif
    return TimeInForce.GTC if stated.expires_ns is None else TimeInForce.GTD
