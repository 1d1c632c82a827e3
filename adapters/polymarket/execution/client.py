"""Polymarket's execution client: what it is made of, and what it does with what it hears."""

import logging
from collections.abc import Callable
from typing import Any, Final, Self, override

from nautilus_trader.common import Clock
from nautilus_trader.config import ExecutionClientConfig
from nautilus_trader.live import ClientCache, ModifyOrder, QueryAccount
from nautilus_trader.model import AccountId, AccountType, OmsType, TraderId, Venue, VenueOrderId

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution import statements
from adapters.polymarket.execution.cash import Cash, Holdings
from adapters.polymarket.execution.commands import Cancellation, Submission
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.heartbeat import Heartbeat
from adapters.polymarket.execution.modes import Hearing as ModeHearing
from adapters.polymarket.execution.modes import Modes
from adapters.polymarket.execution.reconciliation import STREAM, Findings, Reconciliation
from adapters.polymarket.execution.reporting import Reporting
from adapters.polymarket.execution.resolution import Resolver
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.strangers import Strangers
from adapters.polymarket.execution.telling import Ledgers, Teller, trade_of
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import contract_of
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.region import Region
from adapters.polymarket.messages.user_stream import OrderMessage, UserMessage
from adapters.polymarket.signing.keys import Wallet
from adapters.polymarket.websocket.user import UserListener, UserSocket
from markets.currencies import PUSD
from network.tasks import Tasks
from orders.client import TradingClient
from orders.contracts import Contracts
from orders.doubts import Doubts
from orders.guard import Memory, OnCondition, SecondGuard
from orders.telling import Ears
from orders.tickets import Tickets

type SocketFactory = Callable[[UserListener], UserSocket]

_LOG: Final = logging.getLogger(__name__)


class PolymarketClientConfig(ExecutionClientConfig):
    """The engine's settings of this client with ours in `settings`."""

    def __new__(cls, settings: PolymarketExecutionConfig, **engine: Any) -> Self:
        return super().__new__(cls, **engine)

    def __init__(self, settings: PolymarketExecutionConfig, **_engine: Any) -> None:
        self.settings = settings


class PolymarketExecutionClient(TradingClient[Ticket, Desk]):
    """Trades at Polymarket. An unknown outcome stays unknown until the venue tells; nothing is guessed.

    A match is told as a fill at once and taken back when its settlement fails. `second_guard(order, quantity, price)` is
    asked before a byte leaves and returns why not, or None; it may be awaitable. `on_difference` hears what the venue and
    we see differently, that it refuses us, and matches that were taken back; `on_condition` hears how the venue works (`Modes`).
    `memory` says of an order of an earlier run what the venue does not. Until stream and REST agree, and while an order is unresolved, buys are denied with VENUE_UNCERTAIN.
    """

    _stream: UserSocket | None = None

    def __init__(  # noqa: PLR0913  the engine names five, the factory makes the rest
        self,
        *,
        name: str,
        config: PolymarketClientConfig,
        cache: ClientCache,
        clock: Clock,
        trader_id: TraderId,
        http: PolymarketHttp,
        region: Region,
        wallet: Wallet,
        socket_factory: SocketFactory,
        second_guard: SecondGuard | None = None,
        on_difference: Callable[[str], None] | None = None,
        on_condition: OnCondition | None = None,
        memory: Memory | None = None,
    ) -> None:
        super().__init__(
            name=name,
            config=config,
            cache=cache,
            clock=clock,
            trader_id=trader_id,
            venue=Venue(venue.VENUE),
            account_id=AccountId(f"{venue.VENUE}-{wallet.funder[2:10].lower()}"),
            account_type=AccountType.CASH,
            oms_type=OmsType.NETTING,
            base_currency=PUSD,
        )
        self._tell_difference = on_difference
        self._socket_factory = socket_factory
        self._region = region
        hearing = ModeHearing(
            on_refusal=self._differ, on_restart=self._hear_trouble, on_condition=on_condition
        )
        self._desk = self._sit(config.settings, http, wallet, second_guard, memory, hearing)
        self._submission = Submission(self._desk)
        self._cancellation = Cancellation(self._desk)
        findings = Findings(self._hear_order, self._hear_fill, self._report_cash, self._differ)
        self._reconciliation = Reconciliation(self._desk, findings)
        self._strangers = Strangers(self._desk)
        self._reporting = Reporting(self._desk, self._strangers)

    def _sit(
        self,
        settings: PolymarketExecutionConfig,
        http: PolymarketHttp,
        wallet: Wallet,
        second_guard: SecondGuard | None,
        memory: Memory | None,
        hearing: ModeHearing,
    ) -> Desk:
        tasks, tickets, holdings = Tasks(self._failed), Tickets[Ticket](), Holdings()
        doubts = Doubts([(STREAM, "the user stream and the venue's books were not compared yet")])
        ledgers = Ledgers(self._count_fill, self._count_final, self._count_reversed, self._differ)
        teller = Teller(self, tickets, Ears(self._fetch_fills, self._take_back), ledgers)
        return Desk(
            client=self,
            settings=settings,
            http=http,
            wallet=wallet,
            contracts=Contracts(self.cache, contract_of),
            tickets=tickets,
            teller=teller,
            resolver=Resolver(http, teller, lambda trade: self._desk.fills_of(trade)),
            doubts=doubts,
            cash=Cash(holdings, tickets.open),
            holdings=holdings,
            modes=Modes(
                self._region, http.is_closed_only, doubts, now_ns=self.clock.timestamp_ns, hearing=hearing
            ),
            tasks=tasks,
            second_guard=second_guard,
            memory=memory,
        )

    @override
    async def _connect(self) -> None:
        desk = self._desk
        await desk.http.log_in()
        found = await desk.http.get_version()
        if found != venue.PROTOCOL_VERSION:
            raise RuntimeError(f"expected a venue of order version {venue.PROTOCOL_VERSION}, found {found}")
        await desk.modes.look()
        await self._reconciliation.begin()
        listener = UserListener(
            on_message=self._hear, on_whole=self._reconciliation.ask, on_trouble=self._hear_trouble
        )
        self._stream = self._socket_factory(listener)
        desk.tasks.start("user stream", self._stream.run())
        desk.tasks.start("reconciliation", self._reconciliation.run(self._stream))
        desk.tasks.start("cash", self._reconciliation.follow_cash())
        desk.tasks.start("modes", desk.modes.run())
        if desk.settings.arms_heartbeat:
            beat = Heartbeat(desk.http, desk.settings.heartbeat_secs, desk.doubts, self._reconciliation.ask)
            desk.tasks.start("heartbeat", beat.run())

    @override
    async def _disconnect(self) -> None:
        self._desk.doubts.raise_(STREAM, "the client is disconnected")
        if self._stream is not None:
            self._stream.stop()
        await self._desk.tasks.stop()
        await self._desk.http.close()
        await self._region.close()

    @override
    async def _modify_order(self, command: ModifyOrder) -> None:
        ticket = self._desk.ticket(self.cache.order(command.client_order_id))
        reason = "UNSUPPORTED Polymarket changes no order: cancel it and send another"
        venue_id = VenueOrderId(ticket.order_id) if ticket.order_id else None
        order = self.cache.order(command.client_order_id)
        self.generate_order_modify_rejected(order, venue_id, reason, self.clock.timestamp_ns())

    @override
    async def _query_account(self, command: QueryAccount) -> None:
        self._reconciliation.ask_cash()

    @override
    def ticket_of(self, order: Any) -> Ticket:
        return self._desk.ticket(order)

    @override
    async def look_at(self, ticket: Ticket) -> None:
        self._desk.resolver.tell(ticket, await self._desk.resolver.look(ticket))

    @override
    async def fetch_fills(self, ticket: Ticket) -> None:
        await self._desk.resolver.fetch_fills(ticket)

    def _hear(self, message: UserMessage) -> None:
        try:
            if isinstance(message, OrderMessage):
                self._hear_order(statements.of_order(message))
            else:
                for fill in self._desk.fills_of(message):
                    self._hear_fill(fill)
        except (ValueError, LookupError) as error:  # what one message says cannot be: REST must tell
            _LOG.error("a message of the user stream cannot be true: %s", error)
            self._hear_trouble(f"a message of the user stream cannot be true: {error}")

    def _hear_fill(self, fill: FillStatement) -> None:
        ticket = self._desk.recall(None, fill.order_id)
        if ticket is None:
            if not fill.is_failed:
                self._strangers.hear(fill.order_id)
            return
        if ticket.is_refuted:
            self._strangers.rise(ticket, fill.order_id)
            return
        self._desk.teller.take_fill(ticket, fill)
        if self._desk.holdings.note(fill):  # one that the engine knew before we did
            self._reconciliation.ask_cash()

    def _hear_order(self, stated: OrderStatement) -> None:
        ticket = self._desk.recall(None, stated.order_id)
        if ticket is None:
            if stated.end is None or stated.filled:
                self._strangers.hear(stated.order_id)
            return
        if ticket.is_refuted:
            if stated.end is None or stated.filled:
                self._strangers.rise(ticket, stated.order_id)
            return
        if stated.is_unusual:
            self._differ(f"the venue ended order {ticket}: {stated.reason}")
        self._desk.teller.take_order(ticket, stated)

    def _hear_trouble(self, reason: str) -> None:
        _LOG.warning("no new risk until the venue was asked: %s", reason)
        self._desk.doubts.raise_(STREAM, reason)
        self._reconciliation.ask()

    def _count_fill(self, fill: FillStatement) -> None:
        desk = self._desk
        if desk.holdings.note(fill):
            ticket = desk.tickets.find(None, fill.order_id)
            if ticket is not None:
                desk.cash.spend(fill, trade_of(fill, ticket.contract).fee.as_decimal())
        self._reconciliation.ask_cash()

    def _count_final(self, fill: FillStatement) -> None:
        self._desk.holdings.finish(fill)
        self._reconciliation.ask_cash()

    def _count_reversed(self, fill: FillStatement) -> None:
        self._desk.holdings.reverse(fill)
        self._desk.cash.give_back(fill)
        self._differ(f"trade {fill.trade_id} of order {fill.order_id} was taken back: its settlement failed")
        self._reconciliation.ask()

    def _report_cash(self) -> None:
        self.generate_account_state([self._desk.cash.state()], [], True, self.clock.timestamp_ns())
