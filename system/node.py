"""A book in real time: the Nautilus node of a sandbox, a rehearsal or live trading, with the crew of a replay."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any, Final

from nautilus_trader.adapters.sandbox import SandboxExecutionClientConfig, SandboxExecutionClientFactory
from nautilus_trader.common import CacheConfig, Environment, LoggerConfig
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeBuilder,
    LiveNodeConfig,
    SubmissionRecoveryPolicy,
)
from nautilus_trader.model import ClientOrderId, InstrumentId, TraderId

from engine.echo import EchoEar
from engine.observer import Ears, Observer
from markets.names import Series, is_series, outcome_of
from research.record import Record
from risk.guardian import Guardian
from simulation.spelling import Spelling
from storage.journal.commands import Command
from storage.journal.records import RunPhase
from system.attending import Attending
from system.catching_up import catch_up, open_before, settle_ended
from system.crew import TICKS_KEPT, Crew, RunFailed, Story
from system.desk_words import desk_wish
from system.event_log import EventLog
from system.external_streams import with_streams
from system.flow import Flow
from system.health import Health
from system.heartbeat import Beat
from system.intents import pass_last_second, unanswered
from system.node_plan import NodePlan, row_of
from system.obeying import obey
from system.other_hands import OtherHands
from system.overtaken import settle_overtaken
from system.restoring import StrategyMemory
from system.till import Till
from system.venue_audit import audit_venues
from system.venues import FeedWish

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_LOOK_SECS: Final = 0.25
_EQUITY_NS: Final = 10 * _SECOND_NS
_NEVER: Final = 4_000_000_000  # retries: an order without an answer stays unknown until the venue tells
_CANCEL_SECS: Final = 5.0
_CANCEL_LOOK_SECS: Final = 0.01
_AFTER_STOP_SECS: Final = 0.5  # for the answers to what strategies send in `on_stop`


class Unresolved(RuntimeError):
    """The node has stopped, and what became of some orders is not known; the message names them."""


class BookNode:
    """One run of a book; `run` may be called once, on the loop that owns the node."""

    def __init__(self, plan: NodePlan, log: EventLog) -> None:
        self._plan = plan
        self._made_ns = now_ns()
        self.phase = "starting"
        self._stop_wanted = asyncio.Event()
        self._reduces_because: str | None = None
        self._are_intents_settled = plan.journal is None
        self._others: OtherHands | None = None
        self._is_simulated = plan.mode == "sandbox"
        money = plan.starting_usd if self._is_simulated else {}
        self.crew = Crew(plan.book, money, log, evidence=self._evidence(), journal=plan.journal)
        self._health = Health(plan.journal, now_ns)
        self._flows: list[Flow] = []
        self._attending = Attending(self.crew, self._health)
        self._strategies = list(self.crew.strategies())
        self._till = Till(self.crew, plan.live.venues, now_ns, is_simulated=self._is_simulated)
        self._kept = StrategyMemory(plan.journal) if plan.journal else None
        self._overtaken = unanswered(plan.journal) if plan.journal else []
        self._open_before = open_before(plan.journal) if plan.journal else frozenset[str]()
        self._node = self._build()
        self._cache = self._node.cache

    @property
    def events(self) -> int:
        """How much has been heard so far."""
        return self._attending.events

    @property
    def guardian(self) -> Guardian:
        """The judge of this run."""
        return self.crew.guardian

    @property
    def has_counted_cash(self) -> bool:
        """Whether the money at the venues is in the ledger."""
        return self.phase == "running"

    def book_cash(self, command: Command) -> str:
        """Book a deposit or a withdrawal, and say what came of it."""
        return self._till.book(command)

    def pulse(self) -> Beat:
        """Return how the node is."""
        return Beat(
            at_ns=now_ns(),
            phase=self.phase,
            events=self.events,
            open_orders=len(self._cache.orders_open()),
            unknown_orders=len(self._cache.orders_inflight()),
        )

    def reduce_until_clean(self, cause: str) -> None:
        """Let only sales out until it is known what became of every order of the run before."""
        self._reduces_because = cause
        self.crew.door.shut(cause)

    def stop(self) -> None:
        """End the run: strategies stop, what rests is cancelled, then the node ends. May be called again."""
        self._stop_wanted.set()

    async def run(self) -> Record:
        """Run until `stop`, and return what a report needs.

        RunFailed when a handler raised, a fee is unknown or the books do not add up; Unresolved when it ended
        with orders of which nobody knows what became.
        """
        began, began_ns = time.perf_counter(), now_ns()
        self._enter("starting")
        if self._plan.journal:
            await pass_last_second(self._plan.journal, self._made_ns)
        running = asyncio.ensure_future(self._node.run_async())
        obeying = asyncio.ensure_future(self._obey())
        try:
            failure = await self._watch(running, obeying)
            await self._wind_down(running)
            if failure is not None:
                raise failure
            self.crew.must_be_sound()
            if self._is_simulated:
                self.crew.audit(now_ns())
            self.crew.ledger.audit()
            return self.crew.record(self._story(began_ns, time.perf_counter() - began))
        finally:
            obeying.cancel()
            self._node.dispose()
            # A thread may hold one node only, and this one holds us: a ring that nobody collects.
            del self._node

    def _build(self) -> LiveNode:
        plan = self._plan
        data_clients, data_factories = {}, {}
        exec_clients, exec_factories = {}, {}
        for venue in plan.live.venues:
            row = row_of(venue)
            feed = row.make_feed(self._feed_wish(venue))
            data_clients[venue], data_factories[venue] = feed.config, feed.factory
            if not self._is_simulated:
                desk = row.make_desk(desk_wish(venue, plan, self.crew, now_ns))
                exec_clients[venue], exec_factories[venue] = desk.config, desk.factory
        builder = LiveNodeBuilder.from_config(
            plan.trader_id,
            self._config(data_clients, exec_clients),
            data_factories=data_factories,
            exec_factories=exec_factories,
        )
        for where, arguments in self.crew.simulated_venues("$.live.starting_usd", now_ns()):
            simulated = SandboxExecutionClientConfig(venue=where, **arguments)
            builder = builder.add_simulated_exec_client(
                where.value, SandboxExecutionClientFactory(), simulated
            )
        if plan.live.redis is not None:
            builder = with_streams(builder, plan.live.redis)
        node = builder.build()
        node.add_exec_algorithm(self.crew.door)
        node.add_actor(EchoEar(self._flows))
        node.add_actor(self.crew.herald)
        node.add_actor(self._observer())
        for strategy in self._strategies:
            node.add_strategy(strategy)
        if self._kept:
            self._kept.load(self._strategies)
        return node

    def _evidence(self) -> str | None:
        """Return the class of every fill where the mode decides it; nothing that a double fills is real."""
        if self._plan.is_against_double and not (self._is_simulated and self._plan.is_recorded):
            return "S"
        return None if self._is_simulated else "A"

    def _config(self, data_clients: dict[str, Any], exec_clients: dict[str, Any]) -> LiveNodeConfig:
        return LiveNodeConfig(
            environment=Environment.SANDBOX if self._is_simulated else Environment.LIVE,
            trader_id=TraderId(self._plan.trader_id),
            cache=CacheConfig(tick_capacity=TICKS_KEPT),
            logging=LoggerConfig(stdout_level=self._plan.log_level, is_colored=False),
            exec_engine=LiveExecutionEngineConfig(reconciliation=False)
            if self._is_simulated
            else LiveExecutionEngineConfig(
                reconciliation=True,
                open_check_interval_secs=5.0,
                open_check_open_only=False,
                submission_recovery_policy=SubmissionRecoveryPolicy.RETAIN_UNRESOLVED,
                inflight_check_retries=_NEVER,
            ),
            data_clients=data_clients,
            exec_clients=exec_clients,
            timeout_disconnection_secs=5,
            delay_post_stop_secs=_AFTER_STOP_SECS,
        )

    def _feed_wish(self, venue: str) -> FeedWish:
        ours = [one for one in self._followed() if one.venue == venue]
        recording = self._plan.recording
        flow = Flow(venue, Spelling() if self._is_simulated else None)
        self._flows.append(flow)
        held = [InstrumentId.from_str(one.outcome.instrument) for one in self.crew.ledger.positions()]
        return FeedWish(
            settings=dict(self._plan.settings_of(venue)),
            series=tuple(one.ticker for one in ours),
            sides=tuple(one for one in [*self._sides(), *held] if one.venue.value == venue),
            tap=recording.tap(venue) if recording else None,
            note=recording.note(venue) if recording else None,
            respell=flow,
            has_room=flow.has_room,
            trades=not self._is_simulated,
        )

    def _observer(self) -> Observer:
        ears = Ears(
            on_start=self._begin,
            on_market=self._attending.meet,
            on_quote=self._attending.sample,
            on_fact=self._attending.note,
            on_event=self._attending.count,
        )
        return Observer(self._followed(), self._sides(), ears)

    def _followed(self) -> list[Series]:
        return [Series(name) for name in self._plan.book.instruments if is_series(name)]

    def _sides(self) -> list[InstrumentId]:
        return [outcome_of(name) for name in self._plan.book.instruments if not is_series(name)]

    # what the observer hears

    def _begin(self) -> None:
        """Count the money at the venues, the first time, and book what happened while no node lived.

        The engine has reconciled by now, and strategies start next.
        """
        self._till.count()
        if not self._is_simulated:
            catch_up(self.crew, self._cache.orders(), self._open_before)
            self._others = OtherHands(self.crew, self._cache)
        self._enter("running", self._reduces_because or "")

    # running

    async def _watch(self, running: asyncio.Future[Any], obeying: asyncio.Future[None]) -> RunFailed | None:
        """Return when somebody wants a stop, or with what broke."""
        wanted = asyncio.ensure_future(self._stop_wanted.wait())
        try:
            due_ns = 0
            while not (wanted.done() or running.done()):
                await asyncio.wait((wanted, running), timeout=_LOOK_SECS, return_when=asyncio.FIRST_COMPLETED)
                if self._plan.recording:
                    self._plan.recording.check()
                if self.phase == "running":
                    self._must_be_sound(obeying)
                    self._health.look()
                    self._reopen_when_clean()
                    self._save_states()
                    due_ns = self._note_equity(due_ns)
        except RunFailed as failure:
            return failure
        finally:
            wanted.cancel()
        return None

    def _reopen_when_clean(self) -> None:
        """Trade again once the engine has reconciled, every intent is settled, and no order is unknown."""
        if self._reduces_because and self._are_intents_settled and not self._cache.orders_inflight():
            self._reduces_because = None
            self.crew.door.reopen()
            self._enter("running", "reconciled: orders may open positions again")

    def _note_equity(self, due_ns: int) -> int:
        at_ns = now_ns()
        if at_ns < due_ns:
            return due_ns
        self.crew.note_equity(at_ns)
        return at_ns + _EQUITY_NS

    async def _wind_down(self, running: asyncio.Future[Any]) -> None:
        was_running = self.phase == "running"
        self._enter("stopping")
        if was_running and not running.done():
            # A strategy's own stop must be left to the engine: commands within `stop()` are refused (run on rc7).
            self.crew.door.shut("the node stops", lets_sales_out=False)
            await self.cancel_all(_CANCEL_SECS)
            self._save_states()
            self.crew.note_equity(now_ns())
        self._node.handle().stop()
        try:
            await running
        except RuntimeError as error:
            if not was_running:
                raise RunFailed(f"the node could not start: {error}") from error
            raise Unresolved(str(error)) from error

    async def cancel_all(self, within_secs: float) -> int:
        """Cancel whatever rests, and wait for the venue's word; return how many orders are still open or unknown."""
        latency_secs = self._plan.book.simulation.latency_ns / _SECOND_NS if self._is_simulated else 0.0
        asked: set[ClientOrderId] = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_secs + latency_secs):
                while left := self._unfinished():
                    for order in left:
                        if order.client_order_id not in asked and not order.is_pending_cancel:
                            asked.add(order.client_order_id)
                            self._cancel(order)
                    await asyncio.sleep(_CANCEL_LOOK_SECS)
        return len(self._unfinished())

    def _unfinished(self) -> list[Any]:
        # Also what was let out and is on its way to the client: to the engine it is no order in flight yet.
        leaving = [self._cache.order(one) for one in self.guardian.exposure.live_orders()]
        found = [*self._cache.orders_open(), *self._cache.orders_inflight()]
        found += [order for order in leaving if order is not None and not order.is_closed]
        return [*{order.client_order_id: order for order in found}.values()]

    def _cancel(self, order: Any) -> None:
        for strategy in self._strategies:
            if strategy.strategy_id == order.strategy_id:
                strategy.cancel_order(order.client_order_id)

    def _must_be_sound(self, obeying: asyncio.Future[None]) -> None:
        self.crew.must_be_sound()
        if self._plan.journal and obeying.done():
            error = obeying.exception()
            raise RunFailed(f"nobody looks for commands, or after orders, any more: {error!r}") from error

    def _save_states(self) -> None:
        if self._kept:
            self._kept.save(self._strategies)

    def _enter(self, phase: str, detail: str = "") -> None:
        self.phase = phase
        if journal := self._plan.journal:
            journal.note(
                RunPhase(run=journal.run, at_ns=now_ns(), phase=phase, process="node", detail=detail)
            )

    async def _obey(self) -> None:
        """Do what operators want, as long as there is a journal in which they can say it."""
        if self._plan.journal is not None:
            async with asyncio.TaskGroup() as group:
                group.create_task(obey(self._plan.journal, self), name="commands")
                group.create_task(self._follow_orders(), name="orders of the run before, and of others")
                if not self._is_simulated:
                    group.create_task(self._audit(), name="books of the venues")

    async def _audit(self) -> None:
        await audit_venues(self._plan, self.crew, self._cache, lambda: self.phase == "running", now_ns)

    async def _follow_orders(self) -> None:
        """Settle what the run before has left open, then follow what other hands do."""
        if not self._is_simulated:
            await settle_overtaken(self._plan, self._overtaken)
            while self.phase == "starting":
                await asyncio.sleep(_LOOK_SECS)
            await settle_ended(self._plan, self.crew, self._cache, now_ns)
        self._are_intents_settled = True
        if self._others is not None:
            await self._others.follow(self._plan, now_ns)

    def _story(self, began_ns: int, wall_secs: float) -> Story:
        where = "a double" if self._plan.is_against_double else "venues"
        return Story(
            mode=self._plan.mode,
            source=f"{where}: {', '.join(self._plan.live.venues)}",
            start_ns=began_ns,
            end_ns=now_ns(),
            events=self.events,
            wall_secs=wall_secs,
            markets=list(self._attending.markets.values()),
            identity=self._plan.identity,
        )


def now_ns() -> int:
    """Return the wall clock, for whoever stands outside the engine."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)
