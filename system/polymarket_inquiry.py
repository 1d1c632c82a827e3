"""What became of an order that a crash overtook on its way to Polymarket; loaded in rehearsal and live only.

The venue knows no ids of ours. But an order's salt follows from our id, and its time is that of the moment just before the
intent was written: so its hash is one of a few thousand, and is found among what the venue lists.
"""

import os
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.constants import AMOUNT_DECIMALS
from adapters.polymarket.execution.translation import salt_of
from adapters.polymarket.factories.execution import make_http
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.signing.amounts import Side, limit_amounts
from adapters.polymarket.signing.keys import Wallet
from adapters.polymarket.signing.orders import NOTHING, Draft, Exchange, hash_of
from network.errors import Unreachable
from storage.journal.records import Intent
from system.book import Raw
from system.polymarket_settings import read_settings

_SECOND_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000
_LATE_NS: Final = 3 * _SECOND_NS  # a dead process' bytes may still be on their way
_SIGNED_BEFORE_MS: Final = 3_000
_WINDOW_SECS: Final = 120
_HALF: Final = Decimal("0.5")


async def ask(settings: Raw, intent: Intent) -> str | None:
    """Return the hash of the order, or None: it never arrived, and cannot any more. NetworkError until that is known.

    An order that rests or has filled is listed. What is not listed some seconds later has ended without a fill, or never
    came: for our books both are the same.
    """
    config = read_settings(settings, PolymarketExecutionConfig)
    http, wallet = make_http(config, os.environ, _now_ns)
    async with http:
        await http.log_in()
        asked_ns = _now_ns()
        listed = await _listed(http, intent)
        code = config.builder_code
        builder = NOTHING if code is None else bytes.fromhex(code[2:])
        hashes = _hashes(intent, wallet, builder) if listed else iter(())
        found = next((one for one in hashes if one in listed), None)
        if found is None and asked_ns < intent.at_ns + _LATE_NS:
            raise Unreachable(f"expected to read past {intent.at_ns + _LATE_NS}, found {asked_ns}")
        return found


async def payout(settings: Raw, instrument: str) -> Decimal | None:
    """Return what a share of an instrument paid in the end, or None while that is open; raises from `network.errors`."""
    condition, _, token = instrument.removesuffix(".POLYMARKET").partition("-")
    config = read_settings(settings, PolymarketExecutionConfig)
    async with MarketData(config, now_ns=_now_ns, monotonic=time.monotonic) as http:
        try:
            market = await http.get_market(condition)
        except MsgspecError as error:
            raise Unreachable(f"the market {condition} cannot be read: {error}") from error
    winners = [one.token_id for one in market.tokens if one.winner]
    if not market.closed:
        return None
    if market.is_50_50_outcome:
        return _HALF
    return Decimal(int(winners[0] == token)) if len(winners) == 1 else None


async def _listed(http: PolymarketHttp, intent: Intent) -> set[str]:
    condition = intent.instrument.partition("-")[0]
    since_secs = max(0, intent.at_ns // _SECOND_NS - _WINDOW_SECS)
    trades = await http.get_own_trades(market=condition, after_secs=since_secs)
    rows = await http.get_orders(market=condition)
    makers = {entry.order_id for trade in trades for entry in trade.maker_orders}
    return {row.id for row in rows} | {trade.taker_order_id for trade in trades} | makers


def _hashes(intent: Intent, wallet: Wallet, builder: bytes) -> Iterator[str]:
    """Yield the hashes that the order of an intent can have, by its time, its tick and its exchange."""
    if intent.price is None:
        return
    token = intent.instrument.removesuffix(".POLYMARKET").partition("-")[2]
    at_ms = intent.at_ns // _MILLISECOND_NS
    side: Side = "BUY" if intent.side == "BUY" else "SELL"
    amounts = set()
    for tick in AMOUNT_DECIMALS:
        try:
            amounts.add(limit_amounts(side, intent.price, intent.quantity, tick))
        except ValueError:
            continue
    for found in amounts:
        for exchange in (Exchange.STANDARD, Exchange.NEG_RISK):
            for signed_ms in range(at_ms, at_ms - _SIGNED_BEFORE_MS, -1):
                draft = Draft(
                    token_id=token,
                    side=side,
                    amounts=found,
                    exchange=exchange,
                    salt=salt_of(intent.order_id),
                    at_ms=signed_ms,
                    builder=builder,
                )
                yield hash_of(draft, wallet)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)
