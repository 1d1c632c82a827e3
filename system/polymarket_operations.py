"""`argonaut polymarket split|merge|redeem`: what a dry run shows, and what is sent when every lock is open."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.markup import escape
from rich.table import Table

from adapters.polymarket.config import PolymarketConfig, PolymarketExecutionConfig
from adapters.polymarket.http.chain import Chain, money_moved
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.signing.conversions import Call, Kind, call_of, condition_bytes, units_of
from adapters.polymarket.signing.keys import Owner
from adapters.polymarket.signing.transactions import sign_transaction
from network.errors import NetworkError
from network.outcomes import Refused, Unknown
from system.book import BadBook, outline, read_book_file
from system.modes import check_locks
from system.polymarket_receipts import Receipt, write_down
from system.polymarket_settings import read_settings

RPC_NAME: Final = "POLYMARKET_RPC_URL"
_SIDES: Final = 2
_LOOKS: Final = 60
_DONE: Final = "0x1"
_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed. Without `book` the venue is reached by `rest_url`, or by its own address."""

    kind: Kind
    condition: str
    amount: Decimal | None
    book: Path | None = None
    rest_url: str | None = None
    sends: bool = False
    out: Path = Path("runs")
    look_secs: float = 2.0


def operate(wish: Wish, environ: Mapping[str, str], now_ns: Callable[[], int]) -> Receipt:
    """Return the receipt of an operation: a dry run, or, with every lock open, of what was sent.

    ValueError (BadBook, BadCredentials) says what is missing or wrong, before anything is sent; raises from `network.errors`
    when the venue or the chain cannot be asked.
    """
    condition_bytes(wish.condition)
    units = None if wish.amount is None else units_of(wish.amount)
    settings = _settings(wish, environ)
    return asyncio.run(_operate(wish, units, settings, environ, now_ns))


def receipt_table(receipt: Receipt) -> Table:
    """Return a receipt as a person reads it."""
    table = Table(title=f"{receipt.operation}: {receipt.state}", show_header=False)
    amount = "all that is held" if receipt.amount is None else f"{receipt.amount} pUSD and shares"
    rows = {
        "condition": receipt.condition,
        "amount": amount,
        "contract": f"{receipt.contract} ({'neg-risk' if receipt.is_neg_risk else 'standard'})",
        "call": receipt.call,
        "wallet": receipt.wallet,
        "transaction": receipt.transaction,
        "the wallet got": "" if receipt.moved_usd is None else f"{receipt.moved_usd} pUSD",
        "reason": receipt.reason,
    }
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, escape(value))
    return table


def _settings(wish: Wish, environ: Mapping[str, str]) -> PolymarketConfig:
    if wish.book is None:
        if wish.sends:
            raise BadBook("expected --book with --send: a book in mode live is one of the locks, found none")
        url = wish.rest_url
        return PolymarketConfig(rest_url=url, gamma_url=url, data_url=url, socket_url=url)
    book = outline(read_book_file(wish.book))
    if book.live is None or "POLYMARKET" not in book.live.venues:
        raise BadBook(f"{wish.book}: expected POLYMARKET among the venues of [live], found none")
    settings = read_settings(book.live.settings.get("POLYMARKET", {}), PolymarketExecutionConfig)
    if wish.sends:
        check_locks("live", book.name, book.live, environ)
        if settings.wallet != "eoa":
            raise BadBook(
                f"expected wallet eoa to send by ourselves, found {settings.wallet}: the relayer is not built in"
            )
        if not environ.get(RPC_NAME):
            raise BadBook(f"expected {RPC_NAME} in the environment, a node of Polygon, found none")
    return settings


async def _operate(
    wish: Wish,
    units: int | None,
    settings: PolymarketConfig,
    environ: Mapping[str, str],
    now_ns: Callable[[], int],
) -> Receipt:
    async with MarketData(settings, now_ns=now_ns, monotonic=time.monotonic) as http:
        market = await http.get_clob_market(wish.condition)
    tokens = tuple(one.token for one in market.tokens)
    if len(tokens) != _SIDES or market.condition_id.lower() != wish.condition.lower():
        raise ValueError(
            f"expected the two outcomes of {wish.condition}, found {tokens} of {market.condition_id}"
        )
    call = call_of(wish.kind, wish.condition, units, is_neg_risk=market.is_neg_risk)
    receipt = Receipt(
        operation=wish.kind,
        condition=wish.condition,
        tokens=(tokens[0], tokens[1]),
        is_neg_risk=market.is_neg_risk,
        amount=wish.amount,
        contract=call.to,
        call="0x" + call.data.hex(),
        state="dry run",
        at_ns=now_ns(),
    )
    if not wish.sends:
        return receipt
    owner = Owner.from_environment(environ)
    chain = Chain(environ[RPC_NAME], now_ns=now_ns, monotonic=time.monotonic)
    try:
        return await _send(wish, receipt, call, owner, chain)
    finally:
        await chain.close()


async def _send(wish: Wish, receipt: Receipt, call: Call, owner: Owner, chain: Chain) -> Receipt:
    file = wish.out / "polymarket_operations.jsonl"
    await chain.must_be_polygon()
    signed = sign_transaction(await chain.prepare(call, owner.address), owner)
    leaving = replace(
        receipt,
        state="unknown",
        wallet=owner.address,
        transaction=signed.hash,
        reason="it was about to be sent",
    )
    write_down(leaving, file)
    outcome = await chain.send(signed)
    if isinstance(outcome, Refused):
        found = replace(leaving, state="refused", reason=f"the node did not take it: {outcome.reason}")
    else:
        reason = outcome.reason if isinstance(outcome, Unknown) else "it is in no block yet"
        found = await _follow(wish, replace(leaving, reason=reason), chain)
    write_down(found, file)
    return found


async def _follow(wish: Wish, leaving: Receipt, chain: Chain) -> Receipt:
    """Return how a transaction that has left ended; still unknown when no block holds it after all looks."""
    for _ in range(_LOOKS):
        try:
            mined = await chain.find(leaving.transaction)
        except NetworkError as error:
            leaving = replace(leaving, reason=f"the node cannot be asked: {error}")
            mined = None
        if mined is not None:
            if mined.status != _DONE:
                return replace(leaving, state="refused", reason="the chain undid it")
            moved = Decimal(money_moved(mined, leaving.wallet)) * _MICRO
            return replace(leaving, state="done", moved_usd=moved, reason="")
        await asyncio.sleep(wish.look_secs)
    return leaving
