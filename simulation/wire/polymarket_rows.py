"""Books, orders, trades and markets as the venue writes them (polymarket.md sections 6 to 9)."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_orders import MakerFill, Market, Order, Trade
from simulation.wire.polymarket_units import ONE, ONE_PRICE, amount_text, last_price_text, price_text

Row = dict[str, Any]

SECOND_NS = 1_000_000_000
MILLI_NS = 1_000_000


def book_row(exchange: Exchange, market: Market, token: str) -> Row:
    """One token's book with its hash (section 9.3): the answer of GET /book."""
    book, is_yes = exchange.books[market.condition_id], market.is_yes(token)
    row: Row = {
        "market": market.condition_id,
        "asset_id": token,
        "timestamp": str(book.changed_ns // MILLI_NS),
        "hash": "",
        "bids": _levels(book.levels(is_yes=is_yes, is_bid=True)),
        "asks": _levels(book.levels(is_yes=is_yes, is_bid=False)),
        "min_order_size": amount_text(market.minimum_size),
        "tick_size": price_text(market.tick),
        "neg_risk": market.neg_risk,
        "last_trade_price": "" if market.last_price is None else last_price_text(market.last_price),
    }
    row["hash"] = hashlib.sha1(msgspec.json.encode(row), usedforsecurity=False).hexdigest()
    return row


def order_row(order: Order) -> Row:
    """An order as /data/orders shows it."""
    ask, market = order.ask, order.market
    return {
        "id": ask.order_id,
        "status": order.status,
        "owner": ask.owner,
        "maker_address": ask.wallet,
        "market": market.condition_id,
        "asset_id": ask.token,
        "side": side_text(order),
        "original_size": amount_text(ask.size),
        "size_matched": amount_text(order.matched),
        "price": price_text(ask.price),
        "outcome": outcome(order),
        "order_type": ask.order_type,
        "expiration": str((ask.expires_at_ns or 0) // SECOND_NS),
        "created_at": order.created_ns // SECOND_NS,
        "associate_trades": list(order.trade_ids),
    }


def trade_row(trade: Trade, owner: str) -> Row:
    """A trade as one of its two sides sees it; the fields outside `maker_orders` are the taker's (section 7)."""
    taker = trade.taker
    is_taker = taker.ask.owner == owner
    mine = taker if is_taker else next(fill.order for fill in trade.fills if fill.order.ask.owner == owner)
    return {
        "id": trade.trade_id,
        "taker_order_id": taker.ask.order_id,
        "market": taker.market.condition_id,
        "asset_id": taker.ask.token,
        "side": side_text(taker),
        "size": amount_text(trade.shares),
        "price": price_text(trade.price),
        "fee_rate_bps": "0",
        "status": trade.status,
        "match_time": str(trade.matched_ns // SECOND_NS),
        "last_update": str(trade.updated_ns // SECOND_NS),
        "outcome": outcome(taker),
        "bucket_index": trade.bucket,
        "owner": mine.ask.owner,
        "maker_address": mine.ask.wallet,
        "transaction_hash": trade.transaction,
        "trader_side": "TAKER" if is_taker else "MAKER",
        "maker_orders": [_maker_row(fill) for fill in trade.fills],
    }


def compact_row(market: Market) -> Row:
    """The trading parameters of GET /clob-markets/{condition_id}; no `fd` means no fee."""
    row: Row = {
        "c": market.condition_id,
        "t": [{"t": token, "o": name} for token, name in zip(market.tokens, market.outcomes, strict=True)],
        "mts": market.tick / ONE_PRICE,
        "mos": shares_number(market.minimum_size),
        "nr": market.neg_risk,
        "mbf": 1000,
        "tbf": 1000,
        "ao": market.accepting,
        "sd": market.delay_secs,
        "itode": market.is_delayed,
        "cbos": market.clears_at_ns is not None,
        "gst": iso_text(market.clears_at_ns or 0),
    }
    if market.fee_rate:
        row["fd"] = {"r": float(market.fee_rate), "e": market.fee_exponent, "to": True}
    return row


def market_row(market: Market) -> Row:
    """GET /markets/{condition_id} of the CLOB."""
    about = market.about
    tokens = [
        {
            "token_id": token,
            "outcome": name,
            "price": display_price(market, token),
            "winner": token == market.winner,
        }
        for token, name in zip(market.tokens, market.outcomes, strict=True)
    ]
    return {
        "condition_id": market.condition_id,
        "question_id": question_id(market),
        "question": about.question,
        "description": about.question,
        "market_slug": about.slug,
        "tokens": tokens,
        "minimum_order_size": shares_number(market.minimum_size),
        "minimum_tick_size": market.tick / ONE_PRICE,
        "accepting_orders": market.accepting,
        "accepting_order_timestamp": iso_text(about.start_ns),
        "active": True,
        "closed": market.is_resolved,
        "archived": False,
        "enable_order_book": True,
        "end_date_iso": iso_text(about.end_ns),
        "game_start_time": iso_text(market.clears_at_ns or 0),
        "seconds_delay": market.delay_secs,
        "neg_risk": market.neg_risk,
        "neg_risk_market_id": market.neg_risk_id,
        "neg_risk_request_id": question_id(market) if market.neg_risk else "",
        "is_50_50_outcome": market.is_resolved and market.winner is None,
        "maker_base_fee": 1000,
        "taker_base_fee": 1000,
        "rewards": {"rates": None, "min_size": 0, "max_spread": 0},
        "tags": list(about.tags),
        "icon": "",
        "image": "",
        "fpmm": "",
        "notifications_enabled": False,
    }


def shares_number(amount: int) -> float:
    """Base units as a JSON number, whole ones without a point ("5")."""
    return amount // ONE if amount % ONE == 0 else amount / ONE


def question_id(market: Market) -> str:
    """An id made of the condition; inside a neg-risk event, the event's id with the outcome's number (section 3)."""
    if market.neg_risk_id:
        return f"{market.neg_risk_id[:-2]}{market.about.number % 256:02x}"
    return f"0x{hashlib.sha256(market.condition_id.encode()).hexdigest()}"


def iso_text(at_ns: int) -> str | None:
    """A time as the catalogue writes it ("2026-08-16T05:05:00Z"); None for no time."""
    if not at_ns:
        return None
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).isoformat().replace("+00:00", "Z")


def side_text(order: Order) -> str:
    """BUY or SELL."""
    return "BUY" if order.ask.is_buy else "SELL"


def outcome(order: Order) -> str:
    """The label of an order's token."""
    return order.market.outcomes[0 if order.market.is_yes(order.ask.token) else 1]


def _levels(rows: list[tuple[int, int]]) -> list[Row]:
    return [{"price": price_text(price), "size": amount_text(size)} for price, size in rows]


def _maker_row(fill: MakerFill) -> Row:
    order = fill.order
    return {
        "order_id": order.ask.order_id,
        "owner": order.ask.owner,
        "maker_address": order.ask.wallet,
        "matched_amount": amount_text(fill.shares),
        "price": price_text(fill.own_price(order)),
        "fee_rate_bps": "0",
        "asset_id": order.ask.token,
        "outcome": outcome(order),
        "outcome_index": 0 if order.market.is_yes(order.ask.token) else 1,
        "side": side_text(order),
    }


def display_price(market: Market, token: str) -> float:
    """What the catalogue shows as a token's price: its payout, the last trade, or one half."""
    if market.is_resolved:
        return market.payout(token) / ONE_PRICE
    last = ONE_PRICE // 2 if market.yes_price is None else market.yes_price
    return (last if market.is_yes(token) else ONE_PRICE - last) / ONE_PRICE
