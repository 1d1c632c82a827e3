"""A process that trades at Polymarket and is to be killed."""

import re
from collections.abc import Sequence
from dataclasses import replace as replace_part
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, override
from uuid import UUID

from msgspec.structs import replace
from nautilus_trader.model import InstrumentId

from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.messages.orders import OrderAnswer, PostOrder
from campaigns import knowing, victim
from campaigns.knowing import known_order
from campaigns.polymarket.desk import Parts, in_place
from campaigns.polymarket.world import NAMES, SERIES, VENUE, make_markets
from campaigns.records import Known, KnownOrder
from campaigns.victim import Orders
from network.outcomes import Outcome
from system.node import BookNode

_SIGNS = {
    token: (market.condition_id, sign)
    for market in make_markets(0)
    for token, sign in zip(market.tokens, (1, -1), strict=True)
}

_TRADE = re.compile(r"[0-9a-f]{32}")


def write_book(folder: Path, seed: int, patience_secs: float = 4.0) -> Path:
    """Write the book that all lives of a chain run; return it."""
    names = [f"polymarket:{name}-*" for name in SERIES]
    rule = '{ rule = "risk.rules.exposure:MaxDeployed", config = { limit = 1000000 } }'
    file = folder / "book.toml"
    file.write_text(f"""name = "victim"
instruments = {names}
risk = [{rule}]
[[strategies]]
strategy = "campaigns.actor:Actor"
id = "actor-001"
config = {{ series = {names}, seed = {seed}, scale = 10 }}
[live]
venues = ["{VENUE}"]
[live.settings.{VENUE}]
request_timeout_secs = {patience_secs}
reconcile_secs = 1.0
settles_within_secs = 3.0
reconnect_first_secs = 0.05
reconnect_most_secs = 1.0
ping_secs = 0.5
silence_secs = 1.5
""")
    return file


def live(pipe: Connection, orders: Orders) -> None:
    """Run until killed."""
    parts = Parts()
    parts = replace_part(parts, http=_noting(parts, Path(orders.environ[NAMES])))

    def tell(node: BookNode) -> Known | None:
        return known_of(node, parts.clients[-1].doubts) if parts.clients else None

    with in_place(parts):
        victim.live(pipe, orders, tell)


def _noting(parts: Parts, file: Path) -> type[PolymarketHttp]:
    """Write down which wish leaves under which hash: the venue names orders by the hash alone."""

    def note(order_ids: Sequence[str]) -> None:
        with file.open("a", encoding="ascii") as lines:
            for order_id in order_ids:
                ticket = parts.clients[-1]._desk.tickets.find(None, order_id)
                lines.write(f"{order_id} {ticket.client_order_id if ticket else order_id}\n")

    class Http(PolymarketHttp):
        @override
        async def post_order(self, order: PostOrder, order_id: str) -> Outcome[OrderAnswer]:
            note([order_id])
            return await super().post_order(order, order_id)

        @override
        async def post_orders(
            self, batch: Sequence[PostOrder], order_ids: Sequence[str]
        ) -> tuple[Outcome[OrderAnswer], ...]:
            note(order_ids)
            return await super().post_orders(batch, order_ids)

    return Http


def known_of(node: BookNode, doubts: tuple[str, ...]) -> Known:
    """Return what engine, ledger and client say; in doubt is what the client doubts."""
    return knowing.known_of(node, VENUE, market_of, doubts, order_of=_known_order)


def _known_order(order: Any) -> KnownOrder:
    """Name its trades as the venue's books do: our trade ids begin with the venue's, without dashes."""
    known = known_order(order)
    trades = [trade for trade in known.trades if _TRADE.match(trade)]
    return replace(known, trades=tuple(f"{UUID(trade[:32])}|{known.order_id}" for trade in trades))


def market_of(instrument_id: InstrumentId) -> tuple[str, int]:
    """Return the condition of a token, and 1 for its first outcome, -1 for its second."""
    return _SIGNS[instrument_id.symbol.value.rpartition("-")[2]]
