"""What happened at the venues while no node lived: trades are booked, orders that rest are reserved for again."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

from nautilus_trader.model import (
    BinaryOption,
    InstrumentId,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    StrategyId,
)

from markets.instruments import OutcomePair, complement_of, info_of
from network.errors import NetworkError
from risk.ledger import Ledger
from risk.trades import Settlement
from storage.journal.overview import orders as list_orders
from system.crew import Crew, RunFailed
from system.node_plan import NodePlan, row_of
from system.run_journal import RunJournal

_LOG: Final = logging.getLogger(__name__)
_PATIENCE_SECS: Final = 2.0
_ENDS: Final = (OrderCanceled, OrderExpired, OrderRejected)


def open_before(journal: RunJournal) -> frozenset[str]:
    """Return the orders that are open as far as the journal knows, by their ids."""
    found = journal.journal.find(lambda connection: list_orders(connection, journal.scope))
    return frozenset(order.order_id for order in found)


def catch_up(crew: Crew, orders: Iterable[Any], were_open: Collection[str] = ()) -> None:
    """Take over the orders that the engine has reconciled with the venue, before strategies start.

    Those of `were_open` that have ended since are told as such. The strategies themselves hear nothing of these trades (run on rc7); positions and orders are theirs in the
    engine's cache. RunFailed for a trade in a market that we do not know: nobody could say what it cost.
    """
    for order in sorted(orders, key=attrgetter("ts_init")):
        missed = list(_missed(order, crew.ledger))
        if missed and not is_known(crew, order.instrument_id):
            raise RunFailed(
                f"expected {order.instrument_id} among the book's markets, found {len(missed)} unbooked trades of "
                f"{order.client_order_id}"
            )
        if order.is_open:
            # Adopted with all that it has traded; what is heard below would count a second time.
            crew.guardian.adopt(order, crew.door)
            for trade in missed:
                crew.guardian.exposure.fill(order.client_order_id, -_size(trade), trade.last_px.as_decimal())
        for event in missed:
            crew.door.hear(event)
        if order.is_closed and str(order.client_order_id) in were_open:
            for end in [one for one in order.events() if isinstance(one, _ENDS)][-1:]:
                crew.door.hear(end)


async def settle_ended(
    plan: NodePlan, crew: Crew, cache: Any, now_ns: Callable[[], int], owner: str | None = None
) -> None:
    """Book the payouts of which no strategy hears: of markets that ended while no node lived, or that only `owner` held.

    What we hold and the engine does not is asked about once; a market that has not paid yet is left to whoever
    compares the books. A venue that does not answer is asked again.
    """
    for position in crew.ledger.positions():
        instrument, strategy = position.outcome.instrument, StrategyId(position.strategy)
        if owner not in (None, position.strategy):
            continue
        if cache.positions_open(instrument_id=InstrumentId.from_str(instrument), strategy_id=strategy):
            continue
        payout = await _payout_of(plan, position.outcome.venue, instrument)
        if payout is not None:
            crew.settle(
                Settlement(
                    strategy=position.strategy,
                    outcome=position.outcome,
                    quantity=position.quantity,
                    payout=payout,
                    reference=f"{instrument}-{position.strategy}",
                    now_ns=now_ns(),
                )
            )


def is_known(crew: Crew, instrument_id: InstrumentId) -> bool:
    """Return whether its market is one that the run has met; one that the engine alone knew is met now."""
    return crew.diary.knows(instrument_id) or _meet(crew, instrument_id)


async def _payout_of(plan: NodePlan, venue: str, instrument: str) -> Decimal | None:
    while True:
        try:
            return await row_of(venue).paid(dict(plan.settings_of(venue)), instrument)
        except NetworkError as error:
            _LOG.warning("expected the payout of %s, found: %s", instrument, error)
            await asyncio.sleep(_PATIENCE_SECS)


def _meet(crew: Crew, instrument_id: InstrumentId) -> bool:
    """Meet a market that has closed meanwhile, if the engine knows both of its sides."""
    one = crew.door.instrument(instrument_id)
    other = crew.door.instrument(complement_of(one)) if one else None
    if not (isinstance(one, BinaryOption) and isinstance(other, BinaryOption)):
        return False
    crew.meet(OutcomePair(one, other) if info_of(one)["outcome"] == "YES" else OutcomePair(other, one))
    return True


def _missed(order: Any, ledger: Ledger) -> Iterator[OrderFilled]:
    for event in order.events():
        if isinstance(event, OrderFilled) and not ledger.has_trade(
            str(event.venue_order_id), str(event.trade_id)
        ):
            yield event


def _size(trade: OrderFilled) -> Decimal:
    return trade.last_qty.as_decimal()
