"""The one way out of the house: an order leaves through here, or it does not leave."""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any, Self, final, override

from nautilus_trader import trading  # noqa: TID251 - engine is the room that may
from nautilus_trader.common import TimeEvent
from nautilus_trader.model import (
    ExecAlgorithmId,
    InstrumentId,
    OrderCancelRejected,
    OrderSide,
    OrderStatus,
    Price,
    Quantity,
    QuoteTick,
    StrategyId,
    Venue,
)

from engine.desk import Belief
from engine.guard import Clearing, Guard
from engine.switchboard import Switchboard
from markets.currencies import USD
from markets.facts import Fact
from markets.instruments import Instrument

GUARD = ExecAlgorithmId("GUARD")
_AGAIN_NS = 1_000_000_000  # a venue that will not cancel is asked again, but not in a tight loop

type OnBelief = Callable[[StrategyId, InstrumentId, Belief, QuoteTick | None], None]


@final
class Door(trading.ExecutionAlgorithm):
    """Ask the guard about every order, and turn a refusal into a denied order; cancel what it no longer wants.

    The door is also the guard's desk (`engine.desk.Desk`). In a replay `wake_after_ns` is the latency
    from us to the venue: commands in flight are settled only when the simulated clock moves, so in a
    quiet market they would wait for the next tick (run on rc7); an alert at their arrival moves it.
    """

    def __new__(
        cls,
        guard: Guard,
        algorithms: Collection[ExecAlgorithmId] = (),
        wake_after_ns: int = 0,
        on_belief: OnBelief | None = None,
    ) -> Self:
        config = trading.ExecutionAlgorithmConfig(exec_algorithm_id=GUARD)
        return super().__new__(cls, config)  # type: ignore[call-arg]  # the stub has no __new__

    def __init__(
        self,
        guard: Guard,
        algorithms: Collection[ExecAlgorithmId] = (),
        wake_after_ns: int = 0,
        on_belief: OnBelief | None = None,
    ) -> None:
        super().__init__()
        self._guard = guard
        self._ways_here = frozenset({GUARD, *algorithms})
        self._wake_after_ns = wake_after_ns
        self._wakes_at_ns = -1
        self._on_belief = on_belief
        self._beliefs: dict[tuple[StrategyId, InstrumentId], Belief] = {}
        self._broken: Exception | None = None
        self._shut_for: str | None = None
        self._lets_sales_out = True
        self._is_sending = False
        self._must_look = False
        self._learned: Fact | None = None
        self._alerts = 0
        self._is_sweep_due = False
        self._is_beat_due = False
        self.board = Switchboard()
        self.faults: dict[StrategyId | ExecAlgorithmId | None, Exception] = {}
        guard.watch(self.look)

    @property
    def broken(self) -> Exception | None:
        """What broke the guard while it listened, or None; a broken guard lets nothing out."""
        return self._broken

    def close_for(self, component: StrategyId | ExecAlgorithmId, fault: Exception) -> None:
        """Let nothing more out for a strategy or an algorithm whose handler raised."""
        self.faults.setdefault(component, fault)

    def shut(self, reason: str, *, lets_sales_out: bool = True) -> None:
        """Let only sales out from now on, or nothing new at all, such as when the node stops; cancels pass."""
        self._shut_for, self._lets_sales_out = reason, lets_sales_out

    def reopen(self) -> None:
        """Let out again what the guard allows."""
        self._shut_for = None

    def must_see(self, order: Any) -> None:
        """Raise unless `order` is routed here, or to an algorithm that asks here."""
        if not self.is_registered():
            raise RuntimeError("expected the door to be part of the node, found it added to none")
        if order.exec_algorithm_id not in self._ways_here:
            raise ValueError(
                f"expected {order.client_order_id} to be routed to one of "
                f"{', '.join(sorted(map(str, self._ways_here)))}, found {order.exec_algorithm_id}"
            )

    def refusal(self, order: Any, quantity: Quantity | None = None, price: Price | None = None) -> str | None:
        """Return why an order, or a change of it, may not leave; a guard that breaks refuses."""
        if self.faults:
            for component in (order.strategy_id, order.exec_algorithm_id):
                if fault := self.faults.get(component):
                    return f"FAULTED {component} {fault!r}"
        if self._broken:
            return f"GUARD_BROKEN {self._broken!r}"
        if self._shut_for and not (self._lets_sales_out and order.side == OrderSide.SELL):
            return f"GUARD_SHUT {self._shut_for}"
        try:
            reason = self._guard.refuse(
                order,
                order.quantity if quantity is None else quantity,
                getattr(order, "price", None) if price is None else price,
                self,
            )
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse
            return f"GUARD_BROKEN {error!r}"
        if reason is None:
            return None
        self.look()
        return reason or "GUARD_GAVE_NO_REASON"

    def hear(self, event: Any) -> None:
        """Tell the guard what happened; a guard that breaks while listening lets nothing out."""
        try:
            self._guard.hear(event, self)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse
            self._broken = self._broken or error
        self.look(after_ns=_AGAIN_NS if isinstance(event, OrderCancelRejected) else 0)

    def learn(self, fact: Fact) -> None:
        """Tell the guard a fact of a market or a venue, once; a guard that breaks over it lets nothing out."""
        if fact == self._learned:  # every subscriber gets the same one before the next comes
            return
        self._learned = fact
        try:
            self._guard.learn(fact)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse
            self._broken = self._broken or error
        self.look()

    def look(self, after_ns: int = 0) -> None:
        """Ask the guard whether something that rests must go, and see to it as soon as nothing else runs."""
        if self._is_sending:  # the engine holds us, and our clock cannot be touched (run on rc7)
            self._must_look = True
            return
        if self._is_sweep_due or self.clock is None or self._unwanted() == Clearing.NOTHING:
            return
        # An alert, since this may be called while the engine delivers an event and nothing can be sent.
        self._is_sweep_due = True
        self._call_after("sweep", after_ns)

    def wake(self) -> None:
        """Make sure that the simulated clock stops when a command sent now arrives."""
        if not self._wake_after_ns or self.clock is None:
            return
        at_ns = self.clock.timestamp_ns() + self._wake_after_ns
        if at_ns > self._wakes_at_ns:
            self._wakes_at_ns = at_ns
            self.clock.set_time_alert_ns(f"arrival-{at_ns}", at_ns)

    def believe(self, strategy_id: StrategyId, probabilities: dict[InstrumentId, float]) -> None:
        """Remember what a strategy thinks of outcomes; the guard weighs orders against it."""
        for instrument_id, probability in probabilities.items():
            if not 0 < probability < 1:
                raise ValueError(f"expected a belief in (0, 1) for {instrument_id}, found {probability}")
        for instrument_id, probability in probabilities.items():
            belief = Belief(probability, self.now_ns())
            self._beliefs[strategy_id, instrument_id] = belief
            if self._on_belief:
                self._on_belief(strategy_id, instrument_id, belief, self.quote(instrument_id))

    def now_ns(self) -> int:
        if self.clock is None:
            raise RuntimeError("expected the door to be part of the node, found it added to none")
        return self.clock.timestamp_ns()

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        return self.cache.instrument(instrument_id) if self.cache else None

    def quote(self, instrument_id: InstrumentId) -> QuoteTick | None:
        return self.cache.quote(instrument_id) if self.cache else None

    def mark(self, instrument_id: InstrumentId) -> Decimal | None:
        last = self.quote(instrument_id)
        if last is None or self.cache is None:
            return None
        for quote in [last, *(self.cache.quotes(instrument_id) or ())] if _is_empty(last) else [last]:
            if not _is_empty(quote):
                return quote.bid_price.as_decimal()
        return None

    def belief(self, strategy_id: StrategyId, instrument_id: InstrumentId) -> Belief | None:
        return self._beliefs.get((strategy_id, instrument_id))

    def free_cash(self, venue: Venue) -> Decimal | None:
        account = self._account(venue)
        free = account.balance_free(account.base_currency or USD) if account else None
        return free.as_decimal() if free else None

    def total_cash(self, venue: Venue) -> Decimal | None:
        """Return the account's balance, locked money included, or None without an account."""
        account = self._account(venue)
        total = account.balance_total(account.base_currency or USD) if account else None
        return total.as_decimal() if total else None

    def _account(self, venue: Venue) -> Any | None:
        if self.cache is None or self.clock is None:
            return None
        # The cache hands out a copy with all of the account's history: 0.3 ms after 2,000 orders.
        self.cache.purge_account_events(self.clock.timestamp_ns())
        return self.cache.account_for_venue(venue)

    @override
    def on_order(self, order: Any) -> None:
        self._let_out([order])

    @override
    def on_order_list(self, order_list: Any, orders: Sequence[Any]) -> None:
        self._let_out(orders)

    @override
    def on_start(self) -> None:
        self.look()  # a guard may have been halted before a restart

    @override
    def on_time_event(self, event: TimeEvent) -> None:
        """Sweep, or have the guard look; of an arrival nothing is wanted but that the clock has moved."""
        kind = event.name.partition("-")[0]
        if kind == "sweep":
            self._is_sweep_due = False
            self._sweep()
        elif kind == "beat":
            self._is_beat_due = False
            self._beat()

    @override
    def on_reset(self) -> None:
        self._shut_for = None
        self._beliefs.clear()
        self._wakes_at_ns = -1
        self._is_sweep_due = self._is_beat_due = False
        self._learned = None

    def _let_out(self, orders: Sequence[Any]) -> None:
        """Submit all of them, or deny all of them with the first reason found."""
        reason = next((why for order in orders if (why := self.refusal(order))), None)
        for order in orders:
            if reason is None:
                self._send(self.submit_order, order)
            else:
                self._send(self.deny_order, order, reason)
        self.wake()
        self._beat_later()

    def _send(self, command: Callable[..., None], *arguments: Any) -> None:
        """Give the engine a command; what it delivers meanwhile is looked at when it lets go of us."""
        self._is_sending = True
        try:
            command(*arguments)
        finally:
            self._is_sending = False
        if self._must_look:
            self._must_look = False
            self.look()

    def _unwanted(self) -> Clearing:
        if self._broken:
            return Clearing.ALL
        try:
            return self._guard.unwanted(self)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse
            self._broken = error
            return Clearing.ALL

    def _beat(self) -> None:
        try:
            must_go_on = self._guard.recheck(self)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse
            self._broken, must_go_on = error, False
        self.look()
        if must_go_on:
            self._beat_later()

    def _beat_later(self) -> None:
        if self._guard.beat_ns and not self._is_beat_due:
            self._is_beat_due = True
            self._call_after("beat", self._guard.beat_ns)

    def _call_after(self, what: str, after_ns: int) -> None:
        if self.clock is None:
            return
        self._alerts += 1
        self.clock.set_time_alert_ns(f"{what}-{self._alerts}", self.clock.timestamp_ns() + after_ns)

    def _sweep(self) -> None:
        """Cancel what rests and is not wanted; what is still under way is met when its venue accepts it."""
        which = self._unwanted()
        if which == Clearing.NOTHING or self.cache is None:
            return
        for order in self.cache.orders_open():
            opens = order.side == OrderSide.BUY  # we are long only: NO is an instrument of its own
            if order.status != OrderStatus.PENDING_CANCEL and (opens or which == Clearing.ALL):
                self._send(self.cancel_order, order)
        self.wake()


def _is_empty(quote: QuoteTick) -> bool:
    return not (quote.bid_size.raw or quote.ask_size.raw)
