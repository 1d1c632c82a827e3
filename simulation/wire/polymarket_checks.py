"""What the venue refuses, in its words: market, grid, size, expiry, type, money and allowance (sections 4.4 and 5)."""

from collections import Counter
from typing import Final

from simulation.wire.polymarket_allowances import Allowances
from simulation.wire.polymarket_books import is_filled_by
from simulation.wire.polymarket_errors import VenueError, invalid_order
from simulation.wire.polymarket_ledger import Ledger
from simulation.wire.polymarket_orders import MakerFill, Market, Order, OrderAsk
from simulation.wire.polymarket_signatures import exchange_of
from simulation.wire.polymarket_units import CENT_SHARE, ONE, amount_text, price_text, reserve, taker_fee

FOK_KILLED: Final = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED: Final = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)
EXPIRY_LEAD_NS: Final = 60_000_000_000
"""A GTD order ends so much before the second it states (section 5.4)."""


def check_terms(market: Market, ask: OrderAsk, now_ns: int) -> None:
    """Refuse what the market's rules exclude, whatever the book holds."""
    if not market.accepting:
        raise VenueError(400, "the market is not yet ready to process new orders")
    if not market.is_on_grid(ask.price):
        reason = f"Price ({price_text(ask.price)}) breaks minimum tick size rule: {price_text(market.tick)}"
        raise invalid_order(ask.order_id, reason)
    if ask.order_type in ("GTC", "GTD"):
        if ask.size < market.minimum_size:
            least = amount_text(market.minimum_size)
            raise invalid_order(
                ask.order_id, f"Size ({amount_text(ask.size)}) lower than the minimum: {least}"
            )
        if ask.size % CENT_SHARE:
            raise VenueError(400, "Invalid order payload")
    _check_expiry(ask, now_ns)


def _check_expiry(ask: OrderAsk, now_ns: int) -> None:
    if (ask.order_type == "GTD") != (ask.expires_at_ns is not None):
        raise VenueError(400, "invalid expiration")
    if ask.expires_at_ns is not None and ask.expires_at_ns - EXPIRY_LEAD_NS <= now_ns:
        raise VenueError(400, "invalid expiration")


def check_type(order: Order, fills: list[MakerFill]) -> None:
    """Refuse what its type forbids against the book as it is."""
    kind = order.ask.order_type
    if order.ask.post_only and kind not in ("GTC", "GTD"):
        raise VenueError(400, "Invalid order payload")
    if order.ask.post_only and fills:
        raise VenueError(400, "invalid post-only order: order crosses book")
    asked = order.ask.budget or reserve(order.ask.price, order.ask.size)
    if fills and asked < ONE:
        side = "BUY" if order.ask.is_buy else "SELL"
        raise VenueError(
            400, f"invalid amount for a marketable {side} order (${amount_text(asked)}), min size: $1"
        )


def killed(order: Order, fills: list[MakerFill]) -> str:
    """Why a FOK or FAK order dies against the book as it is; empty when it does not."""
    if order.ask.order_type == "FOK" and not is_filled_by(order, fills):
        return FOK_KILLED
    return FAK_KILLED if order.ask.order_type == "FAK" and not fills else ""


def check_funds(
    ledger: Ledger, allowances: Allowances, order: Order, fills: list[MakerFill], reserved: int
) -> None:
    """Refuse what the wallet cannot pay, or may not: `reserved` is what its other orders hold of the same."""
    ask, wallet = order.ask, ledger.wallet(order.ask.wallet)
    needed, balance = ask.size, wallet.holds(ask.token)
    if ask.is_buy:
        needed, balance = _cost(order, fills), wallet.cash
    spender = exchange_of(neg_risk=order.market.neg_risk)
    allowed = allowances.seen(ask.wallet, spender, is_money=ask.is_buy)
    what = f"order amount: {needed}"
    if needed + reserved > balance:
        raise _unfunded(f"the balance is not enough -> balance: {balance}, {what}")
    if allowed is not None and needed + reserved > allowed:
        raise _unfunded(f"the allowance is not enough -> spender: {spender}, allowance: {allowed}, {what}")


def fee_of(market: Market, fills: list[MakerFill]) -> int:
    """The taker's fee on fills: those at one price are one trade, whose fee is rounded once (reference, 7 and 13.1)."""
    shares = Counter[int]()
    for fill in fills:
        shares[fill.price] += fill.shares
    return sum(taker_fee(market.fee_rate, market.fee_exponent, *trade) for trade in shares.items())


def _cost(order: Order, fills: list[MakerFill]) -> int:
    rests = 0
    if order.ask.order_type in ("GTC", "GTD"):
        rests = order.ask.size - sum(fill.shares for fill in fills)
    spent = sum(fill.own_money(order) for fill in fills)
    return spent + fee_of(order.market, fills) + reserve(order.ask.price, rests)


def _unfunded(reason: str) -> VenueError:
    return VenueError(400, f"not enough balance / allowance: {reason}")
