"""Kalshi's execution client: the engine's hooks, each of which starts one named task and returns."""

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Self, override

from nautilus_trader.common import Clock
from nautilus_trader.config import ExecutionClientConfig
from nautilus_trader.live import (
    ClientCache,
    ModifyOrder,
    QueryAccount,
)
from nautilus_trader.model import (
    AccountId,
    AccountType,
    OmsType,
    TraderId,
    Venue,
)

from adapters.kalshi import constants as venue
from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution.cash import Cash, Holdings
from adapters.kalshi.execution.commands import Cancellation, Change, Submission
from adapters.kalshi.execution.contracts import Contracts
from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.groups import OrderGroups
from adapters.kalshi.execution.modes import Modes
from adapters.kalshi.execution.private_stream import Hearing, PrivateStream, SocketFactory
from adapters.kalshi.execution.reconciliation import STREAM, Findings, Reconciliation
from adapters.kalshi.execution.reporting import Reporting
from adapters.kalshi.execution.resolution import Resolver
from adapters.kalshi.execution.settlements import Settlements
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.strangers import Strangers
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.market_data import MarketLifecycle
from adapters.kalshi.messages.portfolio import OrderGroupUpdate
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from markets.currencies import USD
from network.outcomes import Outcome
from network.tasks import Tasks
from orders.client import TradingClient
from orders.doubts import Doubts
from orders.guard import Memory, OnCondition, SecondGuard
from orders.telling import Ears
from orders.tickets import Tickets

_LOG: Final = logging.getLogger(__name__)
_FILLS_FOLLOW_SECS: Final = 0.5


class KalshiClientConfig(ExecutionClientConfig):
    """The engine's settings of this client with ours in `settings`."""

    def __new__(cls, settings: KalshiExecutionConfig, **engine: Any) -> Self:
        return super().__new__(cls, **engine)

    def __init__(self, settings: KalshiExecutionConfig, **_engine: Any) -> None:
        self.settings = settings


class KalshiExecutionClient(TradingClient[Ticket, Desk]):
    """Trades at Kalshi. An unknown outcome stays unknown until the venue tells; nothing is guessed.

    `second_guard(order, quantity, price)` is asked before a byte leaves and returns why not, or None; it may
    be awaitable, such as one that first writes the order down.
    `on_difference` hears what the venue and we see differently (positions, payouts), that it refuses us, and
    when it ends an order for an unusual reason. `on_condition` hears how the venue works (`Modes`).
    `memory` says of an order of an earlier run what the venue does not. Until stream and REST
    agree, and while an order is unresolved, orders that open risk are denied with VENUE_UNCERTAIN.
    """

    _stream: PrivateStream | None = None

    def __init__(  # noqa: PLR0913  the engine names five, the factory makes the rest
        self,
        *,
        name: str,
        config: KalshiClientConfig,
        cache: ClientCache,
        clock: Clock,
        trader_id: TraderId,
        http: KalshiHttp,
        socket_factory: SocketFactory,
        second_guard: SecondGuard | None = None,
        on_difference: Callable[[str], None] | None = None,
        on_condition: OnCondition | None = None,
        memory: Memory | None = None,
    ) -> None:
        settings = config.settings
        super().__init__(
            name=name,
            config=config,
            cache=cache,
            clock=clock,
            trader_id=trader_id,
            venue=Venue(venue.VENUE),
            account_id=AccountId(f"{venue.VENUE}-{settings.subaccount or 0:03d}"),
            account_type=AccountType.CASH,
            oms_type=OmsType.NETTING,
            base_currency=USD,
        )
        self._tell_difference, self._socket_factory = on_difference, socket_factory
        self._tasks = Tasks(self._failed)
        self._doubts = Doubts([(STREAM, "the private stream and the venue's books were not compared yet")])
        self._holdings = Holdings()
        tickets = Tickets[Ticket]()
        find_paused = KalshiCatalogue(http, clock.timestamp_ns).find_paused_shards
        teller = Teller(self, tickets, Ears(self._fetch_fills, self._take_back), self._count_fill)
        self._desk = Desk(
            client=self,
            settings=settings,
            http=http,
            contracts=Contracts(cache),
            tickets=tickets,
            teller=teller,
            resolver=Resolver(http, tickets, teller),
            doubts=self._doubts,
            cash=Cash(self._holdings, tickets.open),
            holdings=self._holdings,
            groups=OrderGroups(http, settings.funded_shards, settings.order_group_limit_contracts),
            modes=Modes(find_paused, self._doubts, self._differ, settings.reconcile_secs, on_condition),
            tasks=self._tasks,
            second_guard=second_guard,
            memory=memory,
        )
        self._submission = Submission(self._desk)
        self._cancellation, self._change = Cancellation(self._desk), Change(self._desk)
        self._settlements = Settlements(http, self._holdings, self._differ)
        findings = Findings(self._hear_order, self._hear_fill, self._report_cash, self._differ)
        self._reconciliation = Reconciliation(self._desk, self._settlements, findings)
        self._strangers = Strangers(self._desk)
        self._reporting = Reporting(self._desk, self._strangers)
        self._differing: set[str] = set()

    @property
    def shard_cash_usd(self) -> dict[int, Decimal]:
        """What a new order could spend on each shard now, in dollars."""
        return {shard: self._desk.cash.free_usd(shard) for shard in self._desk.cash.balances_usd}

    async def reset_order_group(self, shard: int) -> Outcome[None]:
        """Let the triggered order group of a shard take orders again: a human's decision."""
        return await self._desk.groups.reset(shard)

    @override
    async def _connect(self) -> None:
        desk = self._desk
        await desk.http.get_account_limits()
        await self._reconciliation.begin()
        await desk.groups.open()
        desk.http.sign_ahead()
        hearing = Hearing(
            on_fill=self._hear_fill,
            on_order=self._hear_order,
            on_position=self._hear_position,
            on_group=self._hear_group,
            on_lifecycle=self._hear_lifecycle,
            on_trouble=self._hear_trouble,
            on_whole=self._reconciliation.note_whole,
        )
        self._stream = PrivateStream(self._socket_factory, hearing)
        self._tasks.start("private stream", self._stream.socket.run())
        self._tasks.start("reconciliation", self._reconciliation.run(self._stream))
        self._tasks.start("cash", self._reconciliation.follow_cash())
        self._tasks.start("modes", self._desk.modes.run())

    @override
    async def _disconnect(self) -> None:
        self._doubts.raise_(STREAM, "the client is disconnected")
        if self._stream is not None:
            self._stream.socket.stop()
        await self._tasks.stop()
        await self._desk.http.close()

    @override
    async def _modify_order(self, command: ModifyOrder) -> None:
        ticket = self._desk.ticket(self.cache.order(command.client_order_id))
        self._start(f"modify {ticket}", self._change.change(ticket, command.quantity, command.price))

    @override
    async def _query_account(self, command: QueryAccount) -> None:
        self._reconciliation.ask_cash()

    @override
    def ticket_of(self, order: Any) -> Ticket:
        return self._desk.ticket(order)

    @override
    async def look_at(self, ticket: Ticket) -> None:
        seen = await self._desk.resolver.look(ticket)
        if seen.order is not None:
            self._desk.teller.take_order(ticket, seen.order)

    @override
    async def fetch_fills(self, ticket: Ticket) -> None:
        await self._desk.resolver.fetch_fills(ticket)

    def _hear_fill(self, fill: FillStatement) -> None:
        ticket = self._desk.recall(fill.client_order_id, fill.order_id)
        if ticket is None:
            self._strangers.hear(fill.order_id)
            return
        if ticket.is_refuted:
            self._strangers.rise(ticket, fill.order_id)
            return
        self._desk.teller.take_fill(ticket, fill)
        self._holdings.note(fill)  # also one that the engine knew before we did

    def _hear_order(self, stated: OrderStatement) -> None:
        ticket = self._desk.recall(stated.client_order_id, stated.order_id)
        if ticket is None:
            self._strangers.hear(stated.order_id)
            return
        if ticket.is_refuted:
            if stated.end is None or stated.filled:
                self._strangers.rise(ticket, stated.order_id)
            return
        if stated.is_unusual:
            self._differ(f"the venue ended order {ticket}: {stated.reason}")
        self._desk.teller.take_order(ticket, stated)

    def _hear_position(self, ticker: str, contracts: Decimal) -> None:
        if contracts != self._holdings.of(ticker) and ticker not in self._differing:
            self._differing.add(ticker)
            self._tasks.start(f"compare {ticker}", self._compare(ticker, contracts))

    async def _compare(self, ticker: str, contracts: Decimal) -> None:
        await asyncio.sleep(_FILLS_FOLLOW_SECS)  # the channels do not wait for each other
        self._differing.discard(ticker)
        if contracts != self._holdings.of(ticker) and ticker not in self._settlements.ending:
            self._reconciliation.ask()

    def _hear_group(self, update: OrderGroupUpdate) -> None:
        self._desk.groups.take(update)

    def _hear_lifecycle(self, life: MarketLifecycle) -> None:
        ticker = life.market_ticker
        if ticker not in self._holdings.tickers:
            return
        if life.event_type == "determined":
            self._settlements.ending.add(ticker)
        if life.event_type == "settled":
            self._settlements.ending.add(ticker)
            self._tasks.start(f"confirm the settlement of {ticker}", self._confirm(ticker))

    async def _confirm(self, ticker: str) -> None:
        await self._settlements.confirm(ticker)
        self._reconciliation.ask_cash()

    def _hear_trouble(self, reason: str) -> None:
        _LOG.warning("no new risk until the venue was asked: %s", reason)
        self._doubts.raise_(STREAM, reason)
        self._reconciliation.ask()

    def _count_fill(self, fill: FillStatement) -> None:
        opened = self._holdings.note(fill)
        ticket = self._desk.tickets.find(None, fill.order_id)
        if ticket is not None and opened > 0:
            each = fill.yes_price if fill.side == "bid" else 1 - fill.yes_price
            self._desk.cash.spend(ticket.contract.shard, opened * each + fill.fee_usd)
        self._reconciliation.ask_cash()

    def _report_cash(self) -> None:
        self.generate_account_state([self._desk.cash.state()], [], True, self.clock.timestamp_ns())
