"""What the two streams say about a command, as the venue spells it (polymarket.md sections 7 and 9.2)."""

from simulation.wire.polymarket_books import Book
from simulation.wire.polymarket_exchange import Exchange, Notice
from simulation.wire.polymarket_orders import Market, Order, Trade
from simulation.wire.polymarket_rows import (
    MILLI_NS,
    SECOND_NS,
    Row,
    book_row,
    order_row,
    side_text,
    trade_row,
)
from simulation.wire.polymarket_units import ONE_PRICE, amount_text, last_price_text, parse_price, price_text


def opening_frame(exchange: Exchange, market: Market, token: str) -> Row:
    """The `book` that answers a subscription."""
    row = book_row(exchange, market, token)
    return {key: row[key] for key in row if key not in ("min_order_size", "neg_risk")} | {
        "event_type": "book"
    }


def after_trade_frame(exchange: Exchange, market: Market, token: str) -> Row:
    """The `book` that follows a trade: neither tick nor last price."""
    row = opening_frame(exchange, market, token)
    return {key: row[key] for key in row if key not in ("tick_size", "last_trade_price")}


def change_frame(exchange: Exchange, notice: Notice) -> Row:
    """One `price_change` for all levels of a command, each as both tokens see it, with the final hashes."""
    market, book = notice.market, exchange.books[notice.market.condition_id]
    hashes = {token: book_row(exchange, market, token)["hash"] for token in market.tokens}
    entries = []
    for is_bid, price in dict.fromkeys(notice.levels):
        size = amount_text(book.side(is_bid=is_bid).size_at(price))
        for token in market.tokens:
            is_yes = market.is_yes(token)
            entry = {
                "asset_id": token,
                "price": price_text(price if is_yes else ONE_PRICE - price),
                "size": size,
                "side": "BUY" if is_bid == is_yes else "SELL",
                "hash": hashes[token],
            }
            entries.append(entry | _best(book, is_yes=is_yes))
    return {
        "market": market.condition_id,
        "price_changes": entries,
        "timestamp": _millis(notice.at_ns),
        "event_type": "price_change",
    }


def trade_frame(trade: Trade, at_ns: int) -> Row:
    """The `last_trade_price` of a match, as its taker sees it."""
    taker = trade.taker
    return {
        "asset_id": taker.ask.token,
        "market": taker.market.condition_id,
        "price": last_price_text(trade.price),
        "size": amount_text(trade.shares),
        "side": side_text(taker),
        "fee_rate_bps": "0",
        "timestamp": _millis(at_ns),
        "event_type": "last_trade_price",
    }


def tick_frame(market: Market, token: str, before: int, at_ns: int) -> Row:
    """A `tick_size_change` of one token."""
    return {
        "asset_id": token,
        "market": market.condition_id,
        "old_tick_size": price_text(before),
        "new_tick_size": price_text(market.tick),
        "timestamp": _millis(at_ns),
        "event_type": "tick_size_change",
    }


def best_frame(exchange: Exchange, market: Market, token: str, at_ns: int) -> Row:
    """A `best_bid_ask` of one token."""
    best = _best(exchange.books[market.condition_id], is_yes=market.is_yes(token))
    low, high = (parse_price(best[name]) for name in ("best_bid", "best_ask"))
    more = {"spread": price_text(high - low), "timestamp": _millis(at_ns), "event_type": "best_bid_ask"}
    return {"market": market.condition_id, "asset_id": token} | best | more


def new_market_frame(market: Market, at_ns: int) -> Row:
    """The `new_market` of those who asked for custom events."""
    return _about(market) | {
        "condition_id": market.condition_id,
        "clob_token_ids": list(market.tokens),
        "active": True,
        "order_price_min_tick_size": price_text(market.tick),
        "fees_enabled": bool(market.fee_rate),
        "game_start_time": "",
        "group_item_title": market.about.group_title,
        "timestamp": _millis(at_ns),
        "event_type": "new_market",
    }


def resolved_frame(market: Market, at_ns: int) -> Row:
    """The `market_resolved` of those who asked for custom events; no winner when both tokens pay one half."""
    winner = market.winner
    return _about(market) | {
        "winning_asset_id": winner or "",
        "winning_outcome": market.outcomes[market.tokens.index(winner)] if winner else "",
        "event_message": None,
        "timestamp": _millis(at_ns),
        "event_type": "market_resolved",
    }


def _about(market: Market) -> Row:
    about = market.about
    return {
        "id": str(about.number),
        "question": about.question,
        "market": market.condition_id,
        "slug": about.slug,
        "description": about.question,
        "assets_ids": list(market.tokens),
        "outcomes": list(market.outcomes),
        "event_message": {"id": "", "ticker": about.event, "slug": about.event, "title": about.question},
        "tags": list(about.tags),
    }


def order_event(order: Order, kind: str, at_ns: int) -> Row:
    """An `order` event: PLACEMENT, UPDATE or CANCELLATION."""
    row = order_row(order)
    event = row | {
        "event_type": "order",
        "type": kind,
        "order_owner": order.ask.owner,
        "created_at": str(order.created_ns // SECOND_NS),
        "associate_trades": row["associate_trades"] or None,
        "timestamp": _millis(at_ns),
    }
    is_killed = order.status.startswith("CANCELED_") and not order.status.isupper()
    unsaid = dict.fromkeys(("size_matched", "created_at", "outcome"), "")  # as in a recorded frame of 2026
    return event | unsaid if is_killed else event


def trade_event(trade: Trade, owner: str, at_ns: int) -> Row:
    """A `trade` event for one of its parties; the same id at every status."""
    row = trade_row(trade, owner)
    more = {"event_type": "trade", "type": "TRADE", "trade_owner": row["owner"], "timestamp": _millis(at_ns)}
    return row | more


def _best(book: Book, *, is_yes: bool) -> dict[str, str]:
    bid, ask = book.best(is_bid=True), book.best(is_bid=False)
    low, high = 0 if bid is None else bid, ONE_PRICE if ask is None else ask
    if not is_yes:
        low, high = ONE_PRICE - high, ONE_PRICE - low
    return {"best_bid": price_text(low), "best_ask": price_text(high)}


def _millis(at_ns: int) -> str:
    return str(at_ns // MILLI_NS)
