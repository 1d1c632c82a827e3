"""The look at the venue that makes up for streams without sequence: cash, orders, fills, positions by REST."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.private_stream import PrivateStream
from adapters.kalshi.execution.resolution import READ_ERRORS
from adapters.kalshi.execution.settlements import Settlements
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery, PositionsQuery
from orders.rounds import Rounds, Wanted

STREAM: Final = "stream"
POSITIONS: Final = "positions"
_SECOND_NS: Final = 1_000_000_000
_OVERLAP_SECS: Final = 120


@dataclass(frozen=True, slots=True)
class Findings:
    """Who hears what a pass finds; orders and fills also of strangers."""

    on_order: Callable[[OrderStatement], None]
    on_fill: Callable[[FillStatement], None]
    on_cash: Callable[[], None]
    on_difference: Callable[[str], None]


class Reconciliation:
    """Passes over everything of ours, now and then and whenever `ask` is called.

    A pass that began while the stream was whole, and read what is newer than that, clears the doubt about
    the stream. What differs in positions is doubted at once, and told when it differs alike a second time.
    """

    def __init__(
        self,
        desk: Desk,
        settlements: Settlements,
        findings: Findings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._desk = desk
        self._settlements = settlements
        self._findings = findings
        self._rounds = Rounds(
            self._pass,
            self._must_repeat,
            desk.doubts,
            every_secs=desk.settings.reconcile_secs,
            read_errors=READ_ERRORS,
            sleep=sleep,
        )
        self._cash = Wanted(self.read_cash, READ_ERRORS, sleep)
        self._stream: PrivateStream | None = None
        self._since_ns = 0
        self._whole_ns = 0
        self._differing: dict[str, Decimal] = {}
        self._told: dict[str, Decimal] = {}
        self.passes = 0

    async def begin(self) -> None:
        """Read cash and positions for the first time; network errors pass through."""
        self._since_ns = self._desk.now_ns
        await self.read_cash()
        fills = await self._recent_fills()
        rows = await self._desk.http.get_positions(PositionsQuery())
        positions = {row.ticker: row.position_fp for row in rows if row.position_fp}
        self._desk.holdings.begin(positions, [fill.trade_id for fill in fills])

    def note_whole(self) -> None:
        """Note that the stream is whole from now on, and want a pass."""
        self._whole_ns = self._desk.now_ns
        self.ask()

    def ask(self) -> None:
        """Want a pass soon."""
        self._rounds.ask()

    def ask_cash(self) -> None:
        """Want the balance soon."""
        self._cash.ask()

    async def run(self, stream: PrivateStream) -> None:
        """Pass for ever."""
        self._stream = stream
        await self._rounds.run()

    async def follow_cash(self) -> None:
        """Read the balance whenever it is wanted; its budget is about one a second."""
        await self._cash.run()

    async def read_cash(self) -> None:
        """Read the balance of all shards."""
        spent = self._desk.cash.spent
        self._desk.cash.take(await self._desk.http.get_balance(), spent)
        self._findings.on_cash()

    def _must_repeat(self) -> bool:
        doubts, stream = self._desk.doubts, self._stream
        return doubts.has(POSITIONS) or (doubts.has(STREAM) and stream is not None and stream.is_whole)

    async def _pass(self) -> None:
        desk, stream = self._desk, self._stream
        if stream is None:
            return
        epoch, was_whole = stream.epoch, stream.is_whole
        complete_ns = await desk.http.complete_until_ns()
        await self._read_orders()
        await self._read_fills()
        await self._read_positions(complete_ns)
        self.ask_cash()
        desk.tickets.forget(desk.now_ns)
        self.passes += 1
        if was_whole and stream.is_whole and epoch == stream.epoch and complete_ns >= self._whole_ns:
            desk.doubts.clear(STREAM)

    async def _read_orders(self) -> None:
        desk = self._desk
        awaited = [ticket for ticket in desk.tickets.open() if ticket.order_id is not None]
        resting = await desk.http.get_orders(OrdersQuery(status="resting"))
        for row in resting:
            self._findings.on_order(statements.of_order(row))
        seen = {row.order_id for row in resting}
        for ticket in awaited:
            if ticket.order_id not in seen and not ticket.is_closed:
                look = await desk.resolver.look(ticket)
                if look.order is not None:
                    desk.teller.take_order(ticket, look.order)

    async def _read_fills(self) -> None:
        began_ns = self._desk.now_ns
        for fill in await self._recent_fills():
            self._findings.on_fill(fill)
        self._since_ns = began_ns

    async def _recent_fills(self) -> list[FillStatement]:
        since_ts = max(0, self._since_ns // _SECOND_NS - _OVERLAP_SECS)
        rows = await self._desk.http.get_fills(FillsQuery(min_ts=since_ts))
        return sorted(map(statements.of_fill, rows), key=lambda fill: fill.at_ns)

    async def _read_positions(self, complete_ns: int) -> None:
        holdings = self._desk.holdings
        rows = await self._desk.http.get_positions(PositionsQuery())
        theirs = {row.ticker: row.position_fp for row in rows if row.position_fp}
        differing: dict[str, Decimal] = {}
        for ticker in theirs.keys() | holdings.tickers:
            stated = theirs.get(ticker, Decimal(0))
            is_late = holdings.last_fill_ns.get(ticker, 0) > complete_ns
            if stated == holdings.of(ticker) or is_late or ticker in self._settlements.ending:
                continue
            if stated or not await self._is_settled(ticker):
                differing[ticker] = stated
        self._judge(differing)

    async def _is_settled(self, ticker: str) -> bool:
        row = await self._settlements.find(ticker)
        if row is not None:
            self._settlements.close(row)
        return row is not None

    def _judge(self, differing: dict[str, Decimal]) -> None:
        desk = self._desk
        desk.doubts.clear(POSITIONS)
        for ticker, stated in differing.items():
            is_lasting = self._differing.get(ticker) == stated
            if (
                is_lasting and desk.net_in_cache(ticker) == stated
            ):  # we miscounted at the start, not the engine
                desk.holdings.correct(ticker, stated)
                continue
            reason = f"the venue holds {stated} of {ticker}, we hold {desk.holdings.of(ticker)}"
            desk.doubts.raise_(POSITIONS, reason)
            if is_lasting and self._told.get(ticker) != stated:
                self._told[ticker] = stated
                self._findings.on_difference(reason)
        self._differing = differing
