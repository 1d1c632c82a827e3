"""One subscription of one connection, and the words of the socket's commands (kalshi.md section 8)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

BOOK: Final = "orderbook_delta"
TICKER: Final = "ticker"
TRADE: Final = "trade"
FILL: Final = "fill"
USER_ORDERS: Final = "user_orders"
POSITIONS: Final = "market_positions"
LIFE: Final = "market_lifecycle_v2"
GROUPS: Final = "order_group_updates"
INDEX: Final = "cfbenchmarks_value"

CHANNELS: Final = (BOOK, TICKER, TRADE, FILL, USER_ORDERS, POSITIONS, LIFE, GROUPS, INDEX)
NUMBERED: Final = frozenset({BOOK, TRADE, GROUPS, LIFE, INDEX})
"""Channels whose messages carry `seq`; the others lose silently."""

ERRORS: Final = {
    1: "Unable to process message", 2: "Params required", 3: "Channels required",
    4: "Subscription IDs required", 5: "Unknown command", 7: "Unknown subscription ID",
    8: "Unknown channel name", 9: "Authentication required", 10: "Channel error", 11: "Invalid parameter",
    12: "Exactly one subscription ID is required", 13: "Unsupported action", 14: "Market Ticker required",
    15: "Action required", 24: "Index IDs required", 25: "Subscription buffer overflow",
    26: "Market limit exceeded", 27: "Too many commands",
}  # fmt: skip


class CommandError(Exception):
    """A command that the socket refuses; the code is the venue's."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


@dataclass(slots=True, eq=False)
class Subscription:
    """A channel on a connection. `tickers` None means all markets; `shown` are the books sent so far."""

    sid: int
    channel: str
    user: str
    tickers: set[str] | None
    use_yes_price: bool
    send: Callable[["Subscription", bytes], None]
    skip_ack: bool = False
    seq: int = 0
    shown: set[str] = field(default_factory=set)
    indices: set[str] = field(default_factory=set)

    def wants(self, ticker: str) -> bool:
        """Whether a market belongs to it."""
        return self.tickers is None or ticker in self.tickers

    def next_seq(self) -> int | None:
        """The next number of this sid, None on a channel without numbers."""
        if self.channel not in NUMBERED:
            return None
        self.seq += 1
        return self.seq


def named_tickers(params: dict[str, Any], ids: dict[str, str]) -> set[str]:
    """The markets that a command names, by ticker or by id; CommandError 11 for other types."""
    tickers = params.get("market_tickers") or []
    market_ids = params.get("market_ids") or []
    if not isinstance(tickers, list) or not isinstance(market_ids, list):
        raise CommandError(11)
    named = {str(ticker) for ticker in tickers}
    if params.get("market_ticker"):
        named.add(str(params["market_ticker"]))
    if params.get("market_id"):
        market_ids = [*market_ids, params["market_id"]]
    return named | {ids[market_id] for market_id in market_ids if market_id in ids}
