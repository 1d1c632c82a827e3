"""The look at the venue that makes up for a stream without sequence: orders, trades, balances by REST.

The stream is believed again after a look that began while it stood and ended while it still stood. A match that is neither
final nor reversed in time is asked for by its trade.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.polymarket.execution import statements
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.resolution import READ_ERRORS
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.http.portfolio import units
from adapters.polymarket.providers.life import payout_of_market
from adapters.polymarket.websocket.user import UserSocket
from orders.rounds import Rounds, Wanted

_LOG: Final = logging.getLogger(__name__)
STREAM: Final = "stream"
POSITIONS: Final = "positions"
_SECOND_NS: Final = 1_000_000_000
_OVERLAP_SECS: Final = 300
_BEHIND_NS: Final = 5 * _SECOND_NS  # balances are read from the chain, which follows a match by seconds


@dataclass(frozen=True, slots=True)
class Findings:
    """Who hears what a look finds; orders and fills also of strangers."""

    on_order: Callable[[OrderStatement], None]
    on_fill: Callable[[FillStatement], None]
    on_cash: Callable[[], None]
    on_difference: Callable[[str], None]


class Reconciliation:
    """Looks at everything of ours, now and then and whenever `ask` is called.

    Shares that differ twice alike are a doubt, and told; while a match of a token is on its way its shares are not judged.
    Those of a market that has paid are what the venue says: redeemed or not, they trade no more.
    """

    def __init__(self, desk: Desk, findings: Findings) -> None:
        self._desk = desk
        self._findings = findings
        self._rounds = Rounds(
            self._look,
            self._must_repeat,
            desk.doubts,
            every_secs=desk.settings.reconcile_secs,
            read_errors=READ_ERRORS,
        )
        self._cash = Wanted(self.read_cash, READ_ERRORS)
        self._stream: UserSocket | None = None
        self._since_ns = 0
        self._differing: dict[str, Decimal] = {}
        self._told: dict[str, Decimal] = {}
        self.passes = 0

    async def begin(self) -> None:
        """Read the money for the first time; network errors pass through."""
        self._since_ns = self._desk.now_ns
        await self._desk.http.update_collateral(int(self._desk.wallet.kind))
        await self.read_cash()

    def ask(self) -> None:
        """Want a look soon."""
        self._rounds.ask()

    def ask_cash(self) -> None:
        """Want the balance soon."""
        self._cash.ask()

    async def run(self, stream: UserSocket) -> None:
        """Look for ever."""
        self._stream = stream
        await self._rounds.run()

    async def follow_cash(self) -> None:
        """Read the balance whenever it is wanted."""
        await self._cash.run()

    async def read_cash(self) -> None:
        """Read the balance and what each exchange may take of it."""
        settled = self._desk.cash.settled_spending
        answer = await self._desk.http.get_collateral(int(self._desk.wallet.kind))
        self._desk.cash.take(answer, settled)
        self._findings.on_cash()

    def _must_repeat(self) -> bool:
        doubts, stream = self._desk.doubts, self._stream
        is_waiting = stream is not None and stream.is_whole and doubts.has(STREAM)
        return is_waiting or bool(self._differing) or doubts.has(POSITIONS)

    async def _look(self) -> None:
        desk, stream = self._desk, self._stream
        if stream is None:
            return
        epoch, was_whole = stream.epoch, stream.is_whole
        await self._read_trades()
        await self._read_orders()
        await self._read_late()
        await self._read_shares()
        self.ask_cash()
        desk.tickets.forget(desk.now_ns)
        self.passes += 1
        if was_whole and stream.is_whole and epoch == stream.epoch:
            desk.doubts.clear(STREAM)

    async def _read_trades(self) -> None:
        began_ns = self._desk.now_ns
        since_secs = max(0, self._since_ns // _SECOND_NS - _OVERLAP_SECS)
        rows = await self._desk.http.get_own_trades(after_secs=since_secs)
        fills = [fill for row in rows for fill in self._desk.fills_of(row)]
        for fill in sorted(fills, key=lambda one: one.at_ns):
            self._findings.on_fill(fill)
        self._since_ns = began_ns

    async def _read_orders(self) -> None:
        desk = self._desk
        awaited = [ticket for ticket in desk.tickets.open() if ticket.order_id is not None]
        rows = await desk.http.get_orders()
        for row in rows:
            self._findings.on_order(statements.of_order(row))
        seen = {row.id for row in rows}
        for ticket in awaited:
            if ticket.hash not in seen and not ticket.is_closed and not ticket.is_immediate:
                await self._end(ticket.hash)

    async def _end(self, order_id: str) -> None:
        """Tell the end of an order that is not listed any more; the stream may have been quicker."""
        desk = self._desk
        ticket = desk.tickets.find(None, order_id)
        if ticket is None:
            return
        seen = await desk.resolver.look(ticket)
        if not seen.is_read or ticket.is_closed:
            return
        desk.resolver.tell(ticket, seen)
        if seen.order is None and not ticket.is_closed:
            desk.teller.end_unlisted(ticket)

    async def _read_late(self) -> None:
        """Ask for matches that should be settled by now."""
        desk = self._desk
        late_ns = desk.now_ns - round(desk.settings.settles_within_secs * _SECOND_NS)
        for fill in [one for one in desk.holdings.pending.values() if one.at_ns < late_ns]:
            for row in await desk.http.get_own_trades(trade_id=fill.trade_id):
                for found in desk.fills_of(row):
                    self._findings.on_fill(found)

    async def _read_shares(self) -> None:
        desk, kind = self._desk, int(self._desk.wallet.kind)
        late_ns = desk.now_ns - _BEHIND_NS
        differing: dict[str, Decimal] = {}
        for token in sorted(desk.holdings.tokens):
            if desk.holdings.has_moved(token, late_ns):
                continue
            stated = units((await desk.http.get_shares(token, kind)).balance)
            if stated == desk.holdings.of(token) or desk.holdings.has_moved(token, late_ns):
                continue
            if await self._has_paid(token):
                desk.holdings.correct(token, stated)
            else:
                differing[token] = stated
        self._judge(differing)

    async def _has_paid(self, token: str) -> bool:
        condition = self._desk.holdings.conditions[token]
        return payout_of_market(await self._desk.http.get_market(condition)) is not None

    def _judge(self, differing: dict[str, Decimal]) -> None:
        desk = self._desk
        desk.doubts.clear(POSITIONS)
        for token, stated in differing.items():
            if self._differing.get(token) != stated:
                continue
            reason = f"the venue holds {stated} of token {token}, we hold {desk.holdings.of(token)}"
            desk.doubts.raise_(POSITIONS, reason)
            if self._told.get(token) != stated:
                self._told[token] = stated
                self._findings.on_difference(reason)
        self._differing = differing
