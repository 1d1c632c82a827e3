"""The engine's facts as socket messages (kalshi.md section 8). Envelope and numbering are the hub's."""

from typing import Any

from simulation.wire.kalshi_accounts import Position
from simulation.wire.kalshi_events import Action, IndexValue, LevelChange
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_orders import Fill, Order, Trade, user_uuid
from simulation.wire.kalshi_rows import side_words
from simulation.wire.kalshi_units import (
    MILLI_NS,
    ONE_PRICE,
    SECOND_NS,
    count_text,
    money_text,
    price_text,
    time_text,
)

Body = dict[str, Any]


def snapshot_body(market: Market, clock: int, *, use_yes_price: bool) -> Body:
    """A whole book; a side without orders is missing, not empty."""
    body: Body = {"market_ticker": market.ticker, "market_id": market.market_id, "clock": clock}
    sides = {
        "yes_dollars_fp": market.book.yes_levels(),
        "no_dollars_fp": market.book.no_levels(as_yes=use_yes_price),
    }
    for name, levels in sides.items():
        if levels:
            body[name] = [[price_text(price), count_text(size)] for price, size in levels]
    return body


def delta_body(action: Action, change: LevelChange, *, use_yes_price: bool, user: str) -> Body:
    """One change of one level; the client id only for whoever caused it."""
    price = change.price if change.is_bid or use_yes_price else ONE_PRICE - change.price
    body: Body = {
        "market_ticker": action.market.ticker, "market_id": action.market.market_id, "clock": action.clock,
        "price_dollars": price_text(price), "delta_fp": count_text(change.count),
        "side": "yes" if change.is_bid else "no", "ts_ms": action.at_ns // MILLI_NS, "ts": time_text(action.at_ns),
    }  # fmt: skip
    order = change.order
    if order is not None and order.user == user:
        body |= {"client_order_id": order.client_order_id, "subaccount": order.subaccount}
    return body


def ticker_body(market: Market, at_ns: int) -> Body:
    """Top of book, last print and totals."""
    bid, bid_size, ask, ask_size = market.best()
    return {
        "market_ticker": market.ticker, "market_id": market.market_id, "price_dollars": price_text(market.last_price),
        "yes_bid_dollars": price_text(bid), "yes_ask_dollars": price_text(ask),
        "yes_bid_size_fp": count_text(bid_size), "yes_ask_size_fp": count_text(ask_size),
        "last_trade_size_fp": count_text(market.last_size), "volume_fp": count_text(market.volume + market.tape_volume),
        "open_interest_fp": count_text(market.open_interest + market.tape_interest), "dollar_volume": market.dollar_volume // 1_000_000,
        "dollar_open_interest": market.open_interest // 100, "ts_ms": at_ns // MILLI_NS,
        "ts": at_ns // SECOND_NS, "time": time_text(at_ns),
    }  # fmt: skip


def trade_body(trade: Trade) -> Body:
    """A public print."""
    words = side_words(is_bid=trade.taker_is_bid)
    return {
        "trade_id": trade.trade_id, "market_ticker": trade.ticker, "yes_price_dollars": price_text(trade.price),
        "no_price_dollars": price_text(ONE_PRICE - trade.price), "count_fp": count_text(trade.count),
        "taker_side": words["outcome_side"], "taker_outcome_side": words["outcome_side"],
        "taker_book_side": words["book_side"], "is_block_trade": False, "ts": trade.at_ns // SECOND_NS,
        "ts_ms": trade.at_ns // MILLI_NS,
    }  # fmt: skip


def fill_body(fill: Fill) -> Body:
    """One of your fills."""
    words, trade = side_words(is_bid=fill.is_bid), fill.trade
    body: Body = {
        "trade_id": trade.trade_id, "order_id": fill.order_id, "market_ticker": trade.ticker,
        "exchange_index": fill.exchange_index, "is_taker": fill.is_taker, **words,
        "side": words["outcome_side"], "purchased_side": words["outcome_side"],
        "action": "sell" if fill.was_closing else "buy", "yes_price_dollars": price_text(trade.price),
        "count_fp": count_text(trade.count), "fee_cost": money_text(fill.fee),
        "post_position_fp": count_text(fill.position_after), "ts": trade.at_ns // SECOND_NS,
        "ts_ms": trade.at_ns // MILLI_NS, "subaccount": fill.subaccount,
    }  # fmt: skip
    return body | {"client_order_id": fill.client_order_id} if fill.client_order_id else body


def order_body(order: Order, reason: str | None) -> Body:
    """One of your orders, after a change."""
    words = side_words(is_bid=order.is_bid)
    body: Body = {
        "order_id": order.order_id, "user_id": user_uuid(order.user), "ticker": order.ticker,
        "exchange_index": order.exchange_index, "status": order.status, "side": words["outcome_side"],
        "is_yes": order.is_bid, **words, "yes_price_dollars": price_text(order.price),
        "initial_count_fp": count_text(order.initial), "fill_count_fp": count_text(order.filled),
        "remaining_count_fp": count_text(order.remaining),
        "taker_fill_cost_dollars": money_text(order.taker_cost),
        "maker_fill_cost_dollars": money_text(order.maker_cost),
        "taker_fees_dollars": money_text(order.taker_fees), "maker_fees_dollars": money_text(order.maker_fees),
        "client_order_id": order.client_order_id, "self_trade_prevention_type": order.ask.self_trade,
        "created_time": time_text(order.created_ns), "created_ts_ms": order.created_ns // MILLI_NS,
        "last_updated_ts_ms": order.updated_ns // MILLI_NS, "subaccount_number": order.subaccount,
    }  # fmt: skip
    if order.group_id:
        body["order_group_id"] = order.group_id
    if order.expiration_ns is not None:
        body["expiration_ts_ms"] = order.expiration_ns // MILLI_NS
    if reason is not None:
        body["last_update_reason"] = reason
    return body


def position_body(user: str, subaccount: int, ticker: str, position: Position) -> Body:
    """One of your positions, after a change."""
    return {
        "user_id": user_uuid(user), "market_ticker": ticker, "position_fp": count_text(position.count),
        "position_cost_dollars": money_text(position.exposure), "realized_pnl_dollars": money_text(position.realized),
        "fees_paid_dollars": money_text(position.fees), "position_fee_cost_dollars": money_text(position.fees),
        "volume_fp": count_text(position.volume), "subaccount": subaccount,
    }  # fmt: skip


def index_body(value: IndexValue) -> Body:
    """One value of a CF Benchmarks index."""
    millis = value.at_ns // MILLI_NS
    data = f'{{"type":"value","id":"{value.index_id}","time":{millis},"value":"{value.value}"}}'
    body: Body = {
        "index_id": value.index_id, "received_at": millis, "data": data, "avg_60s_data": value.average,
    }  # fmt: skip
    return body | {"last_60s_windowed_average_15min": value.window} if value.window else body
