"""What resting and in-flight orders could still cost, and what they have on offer."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from nautilus_trader.model import ClientOrderId

from markets.instruments import PRICE_DIGITS
from pricing.fees import FeeTerms, expected_fee, most_fee_of_spending
from risk.contract import Outcome
from risk.sums import ZERO, Sums

_DOOR_SAYS = ("FAULTED ", "GUARD_")  # how engine.door begins a refusal for which it never asked us

ANY_PRICE = Decimal(1)
"""What an order without a limit could pay: no contract costs more."""

LEAST_PRICE = Decimal(1).scaleb(-PRICE_DIGITS)
"""No contract costs less."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What an order may trade in all, filled or not: contracts, and the limit (None: at any price)."""

    quantity: Decimal
    price: Decimal | None


@dataclass(slots=True)
class Reservation:
    """What is set aside for one order.

    `asks` holds what the venue has confirmed (or, at first, what was sent), then every change in
    flight, oldest first: until a change is confirmed, the worst of them counts. `must_fill`: it trades
    at once or ends, so an end without a fill is a failure.

    `budget_usd` belongs to an order that spends its money whatever number of contracts that brings (`Contract.takers_spend`):
    it may spend so much, without the fee, and its contracts may become more than it asked for. None for any other order.
    """

    strategy: str
    outcome: Outcome
    is_buy: bool
    is_taker: bool
    terms: FeeTerms
    asks: list[Ask]
    must_fill: bool = False
    filled: Decimal = ZERO
    budget_usd: Decimal | None = None
    spent_usd: Decimal = ZERO
    usd: Decimal = ZERO
    offered: Decimal = ZERO
    own_refusals: list[str] = field(default_factory=list)

    def left(self, ask: Ask) -> Decimal:
        """Return what `ask` has not traded yet, in contracts."""
        return max(ask.quantity - self.filled, ZERO)

    def worst_usd(self, ask: Ask) -> Decimal:
        """Return what the rest of `ask` could cost, fee included; a sale of what is held costs nothing."""
        left = self.left(ask)
        if not self.is_buy or not left:
            return ZERO
        if self.budget_usd is None:
            return worst_case_usd(self.terms, left, ask.price, self.is_taker)
        # More contracts for the same money are no new risk, unless the money could not buy them at any price.
        usd = max(self.budget_usd - self.spent_usd, left * LEAST_PRICE)
        return usd + most_fee_of_spending(self.terms, usd, self.is_taker)

    def exceeds(self, set_aside: Decimal) -> bool:
        """Return whether more is set aside than `set_aside`, or more was spent than it may spend."""
        if self.usd + self.offered > set_aside:
            return True
        # Prices that are averages come rounded to the last digit of an instrument.
        return self.budget_usd is not None and self.spent_usd > self.budget_usd + self.filled * LEAST_PRICE


class Exposure:
    """The reservations of all live orders, and their sums in USD."""

    def __init__(self) -> None:
        self.reserved = Sums()
        self._live: dict[ClientOrderId, Reservation] = {}
        self._offered: dict[tuple[str, str], Decimal] = {}
        self._owners: dict[str, dict[str, int]] = {}

    def of(self, order_id: ClientOrderId) -> Reservation | None:
        """Return what is set aside for an order, or None when it is not live."""
        return self._live.get(order_id)

    def live(self) -> tuple[Reservation, ...]:
        """Return the reservations of all live orders."""
        return tuple(self._live.values())

    def live_orders(self) -> tuple[ClientOrderId, ...]:
        """Return the live orders, from the moment that one was let out: the engine may not know it sent yet."""
        return tuple(self._live)

    def live_count(self) -> int:
        return len(self._live)

    def offered(self, strategy: str, instrument: str) -> Decimal:
        """Return the contracts of an outcome that a strategy's live orders offer."""
        return self._offered.get((strategy, instrument), ZERO)

    def owners(self, instrument: str) -> tuple[str, ...]:
        """Return the strategies that have a live order on the outcome."""
        return tuple(self._owners.get(instrument, ()))

    def open(self, order_id: ClientOrderId, reservation: Reservation) -> None:
        """Set aside what a new order could cost."""
        self._live[order_id] = reservation
        owners = self._owners.setdefault(reservation.outcome.instrument, {})
        owners[reservation.strategy] = owners.get(reservation.strategy, 0) + 1
        self._weigh(reservation)

    def ask_change(self, order_id: ClientOrderId, ask: Ask) -> None:
        """Count a change that is about to leave; the same change again (a second check) counts once."""
        reservation = self._live[order_id]
        if reservation.asks[-1] != ask:
            reservation.asks.append(ask)
            self._weigh(reservation)

    def confirm_change(self, order_id: ClientOrderId, quantity: Decimal, price: Decimal | None) -> None:
        """Take what the venue says an order is now; changes sent after that one stay in flight."""
        reservation = self._live.get(order_id)
        if reservation is None:
            return
        now = Ask(quantity, reservation.asks[0].price if price is None else price)
        changes = reservation.asks[1:]
        in_flight = changes[changes.index(now) + 1 :] if now in changes else changes
        reservation.asks = [now, *in_flight]
        self._weigh_or_close(order_id, reservation)

    def refuse_change(self, order_id: ClientOrderId, reason: str) -> None:
        """Remember that we refused a change: the rejection that follows is not the venue's."""
        if reservation := self._live.get(order_id):
            reservation.own_refusals.append(reason)

    def reject_change(self, order_id: ClientOrderId, reason: str) -> None:
        """Forget the oldest change in flight, unless `reason` is our own refusal of one that never left."""
        reservation = self._live.get(order_id)
        if reservation is None or reason.startswith(_DOOR_SAYS):
            return
        if reason in reservation.own_refusals:
            reservation.own_refusals.remove(reason)
        elif len(reservation.asks) > 1:
            del reservation.asks[1]
            self._weigh(reservation)

    def fill(self, order_id: ClientOrderId, quantity: Decimal, price: Decimal) -> None:
        """Free what `quantity` contracts traded at `price` had reserved; negative takes a voided fill back."""
        reservation = self._live.get(order_id)
        if reservation is None:
            return
        reservation.filled += quantity
        reservation.spent_usd += quantity * price
        self._weigh_or_close(order_id, reservation)

    def close(self, order_id: ClientOrderId) -> None:
        """Free all that an order had reserved: it is done."""
        reservation = self._live.pop(order_id, None)
        if reservation is None:
            return
        self._set(reservation, ZERO, ZERO)
        owners = self._owners[reservation.outcome.instrument]
        owners[reservation.strategy] -= 1
        if not owners[reservation.strategy]:
            del owners[reservation.strategy]
        if not owners:
            del self._owners[reservation.outcome.instrument]

    def _weigh_or_close(self, order_id: ClientOrderId, reservation: Reservation) -> None:
        if any(reservation.left(ask) for ask in reservation.asks):
            self._weigh(reservation)
        else:
            self.close(order_id)

    def _weigh(self, reservation: Reservation) -> None:
        if reservation.is_buy:
            self._set(reservation, max(map(reservation.worst_usd, reservation.asks)), ZERO)
        else:
            self._set(reservation, ZERO, max(map(reservation.left, reservation.asks)))

    def _set(self, reservation: Reservation, usd: Decimal, offered: Decimal) -> None:
        if usd != reservation.usd:
            self.reserved.add(reservation.outcome, usd - reservation.usd)
            reservation.usd = usd
        if offered != reservation.offered:
            key = (reservation.strategy, reservation.outcome.instrument)
            on_offer = self._offered.get(key, ZERO) + offered - reservation.offered
            self._offered[key] = on_offer
            if not on_offer:
                del self._offered[key]
            reservation.offered = offered


def worst_case_usd(terms: FeeTerms, quantity: Decimal, price: Decimal | None, is_taker: bool) -> Decimal:
    """Return the most that buying `quantity` contracts at no more than `price` can cost, fee included.

    Price plus fee grows with the price as long as the fee rate is below 1, so the limit is the worst
    price, although the fee alone may be higher nearer 0.5. An order that fills in many parts can cost
    one fee_unit and one cash_unit more per further part (see `pricing.fees.expected_fee`).
    """
    if not quantity:
        return ZERO
    limit = ANY_PRICE if price is None else price
    return quantity * limit + fee_usd(terms, quantity, limit, is_taker)


@lru_cache(maxsize=8192)
def fee_usd(terms: FeeTerms, quantity: Decimal, price: Decimal, is_taker: bool) -> Decimal:
    """Return `pricing.fees.expected_fee`; orders repeat their figures, and it is half a judgement's time."""
    return expected_fee(terms, quantity, price, is_taker)
