"""The engine's facts as the rows of Kalshi's REST answers (kalshi.md sections 4 and 5)."""

from fractions import Fraction
from typing import Any

from simulation.wire.kalshi_accounts import Payout, Position
from simulation.wire.kalshi_books import Book
from simulation.wire.kalshi_markets import MADE_UP_RULES, Candle, Event, Market, Series
from simulation.wire.kalshi_orders import Fill, Order, OrderView, Trade, user_uuid
from simulation.wire.kalshi_units import (
    ONE_PRICE,
    average_text,
    cents,
    count_text,
    money_text,
    price_text,
    short_money_text,
    time_text,
)

Row = dict[str, Any]


def number(value: Fraction | None) -> float | int | None:
    """A multiplier as a JSON number."""
    if value is None:
        return None
    return int(value) if value.denominator == 1 else float(value)


def side_words(*, is_bid: bool) -> Row:
    """The two words for a direction: outcome and book side."""
    return {"outcome_side": "yes" if is_bid else "no", "book_side": "bid" if is_bid else "ask"}


def prices(price: int) -> Row:
    """A YES price and its complement."""
    return {"yes_price_dollars": price_text(price), "no_price_dollars": price_text(ONE_PRICE - price)}


def series_row(series: Series, now_ns: int) -> Row:
    """A series."""
    kind, multiplier = series.fee_at(now_ns)
    return {
        "ticker": series.ticker, "frequency": series.frequency, "title": series.title,
        "category": series.category, "categories": [series.category], "tags": list(series.tags),
        "settlement_sources": [{"name": "rehearsal", "url": "http://127.0.0.1/"}],
        "contract_url": "", "contract_terms_url": "", "fee_type": kind, "fee_multiplier": number(multiplier),
        "additional_prohibitions": [], "exchange_index": series.exchange_index,
    }  # fmt: skip


def event_row(event: Event, now_ns: int) -> Row:
    """An event without its markets."""
    kind, multiplier = event.fee_override_at(now_ns)
    return {
        "event_ticker": event.ticker, "series_ticker": event.series.ticker, "title": event.title,
        "sub_title": "", "collateral_return_type": event.collateral_return_type,
        "mutually_exclusive": event.mutually_exclusive, "category": event.series.category,
        "settlement_sources": [{"name": "rehearsal", "url": "http://127.0.0.1/"}],
        "last_updated_ts": time_text(event.updated_ns), "fee_type_override": kind,
        "fee_multiplier_override": number(multiplier), "exchange_index": event.series.exchange_index,
    }  # fmt: skip


def range_rows(market: Market) -> list[Row]:
    """The price grid."""
    return [
        {"start": price_text(start), "end": price_text(end), "step": price_text(step)}
        for start, end, step in market.ranges
    ]


def market_row(market: Market, now_ns: int) -> Row:
    """A market with its quotes; missing sides are the sentinels 0 and 1."""
    bid, bid_size, ask, ask_size = market.best()
    expiry = time_text(market.close_ns)
    row: Row = {
        "ticker": market.ticker, "event_ticker": market.event.ticker, "market_type": "binary",
        "title": market.event.title, "subtitle": "", "yes_sub_title": "Yes", "no_sub_title": "No",
        "created_time": time_text(market.created_ns), "updated_time": time_text(market.updated_ns),
        "open_time": time_text(market.open_ns), "close_time": expiry, "expected_expiration_time": expiry,
        "expiration_time": expiry, "latest_expiration_time": expiry,
        "settlement_timer_seconds": market.settlement_timer_secs, "status": market.status,
        "yes_bid_dollars": price_text(bid), "yes_bid_size_fp": count_text(bid_size),
        "yes_ask_dollars": price_text(ask), "yes_ask_size_fp": count_text(ask_size),
        "no_bid_dollars": price_text(ONE_PRICE - ask), "no_ask_dollars": price_text(ONE_PRICE - bid),
        "last_price_dollars": price_text(market.last_price), "previous_price_dollars": price_text(0),
        "previous_yes_bid_dollars": price_text(0), "previous_yes_ask_dollars": price_text(0),
        "volume_fp": count_text(market.volume + market.tape_volume), "volume_24h_fp": count_text(market.volume + market.tape_volume),
        "open_interest_fp": count_text(market.open_interest + market.tape_interest), "notional_value_dollars": "1.0000",
        "result": market.result, "settlement_bounds_type": "default", "expiration_value": "",
        "can_close_early": True, "rules_primary": MADE_UP_RULES, "rules_secondary": "",
        "price_level_structure": market.structure, "price_ranges": range_rows(market),
        "exchange_index": market.exchange_index,
    }  # fmt: skip
    if market.value is not None:
        row["settlement_value_dollars"] = price_text(market.value)
    if market.settled_ns is not None:
        row["settlement_ts"] = time_text(market.settled_ns)
    return row | market.facts


def book_row(book: Book, depth: int, *, null_empty: bool = False) -> Row:
    """Both sides as bids, ascending, best last; depth 0 shows all."""
    sides: list[Any] = []
    for levels in (book.yes_levels(), book.no_levels()):
        rows = [[price_text(price), count_text(size)] for price, size in levels[-depth:]]
        sides.append(None if null_empty and not rows else rows)
    return {"yes_dollars": sides[0], "no_dollars": sides[1]}


def trade_row(trade: Trade, *, legacy: bool) -> Row:
    """A public print."""
    words = side_words(is_bid=trade.taker_is_bid)
    row = {
        "trade_id": trade.trade_id, "ticker": trade.ticker, "count_fp": count_text(trade.count),
        **prices(trade.price), "taker_outcome_side": words["outcome_side"],
        "taker_book_side": words["book_side"], "created_time": time_text(trade.at_ns), "is_block_trade": False,
    }  # fmt: skip
    return row | {"taker_side": words["outcome_side"]} if legacy else row


def candle_row(candle: Candle, *, historical: bool = False) -> Row:
    """A candle whose `minute` is its last; price keys are absent when nothing traded."""
    names = ("open", "high", "low", "close")
    tail = "" if historical else "_dollars"

    def quad(values: list[int]) -> Row:
        return {f"{name}{tail}": price_text(value) for name, value in zip(names, values, strict=True)}

    price: Row = quad(candle.price) if candle.price else {}
    if candle.price:
        price[f"mean{tail}"] = price_text(round(candle.value / candle.volume))
    elif historical:
        price = dict.fromkeys((*names, "mean"))
    price[f"previous{tail}"] = price_text(candle.previous)
    mark = "" if historical else "_fp"
    return {
        "end_period_ts": candle.minute * 60, "yes_bid": quad(candle.bid), "yes_ask": quad(candle.ask),
        "price": price, f"volume{mark}": count_text(candle.volume),
        f"open_interest{mark}": count_text(candle.open_interest),
    }  # fmt: skip


def order_row(order: Order, view: OrderView, *, legacy: bool) -> Row:
    """An order as a reader saw it; time in force and post-only are not echoed."""
    row: Row = {
        "order_id": order.order_id, "user_id": user_uuid(order.user), "client_order_id": view.client_order_id,
        "ticker": order.ticker, **side_words(is_bid=order.is_bid), "type": "limit", "status": view.status,
        **prices(view.price), "initial_count_fp": count_text(view.initial),
        "fill_count_fp": count_text(view.filled), "remaining_count_fp": count_text(view.remaining),
        "taker_fill_cost_dollars": money_text(view.taker_cost), "maker_fill_cost_dollars": money_text(view.maker_cost),
        "taker_fees_dollars": money_text(view.taker_fees), "maker_fees_dollars": money_text(view.maker_fees),
        "expiration_time": None if view.expiration_ns is None else time_text(view.expiration_ns),
        "created_time": time_text(order.created_ns), "last_update_time": time_text(view.at_ns),
        "self_trade_prevention_type": order.ask.self_trade, "order_group_id": order.group_id,
        "cancel_order_on_pause": order.ask.cancel_on_pause, "subaccount_number": order.subaccount,
        "exchange_index": order.exchange_index,
    }  # fmt: skip
    if legacy:
        row |= {"side": row["outcome_side"], "action": "buy"}
    return row


def fill_row(fill: Fill, *, legacy: bool) -> Row:
    """A fill; the legacy `side` is the outcome bought into, also for a sale (kalshi.md section 0, fact 8)."""
    trade = fill.trade
    row: Row = {
        "fill_id": trade.trade_id, "trade_id": trade.trade_id, "order_id": fill.order_id,
        "exchange_index": fill.exchange_index, "ticker": trade.ticker, "market_ticker": trade.ticker,
        **side_words(is_bid=fill.is_bid), "count_fp": count_text(trade.count), **prices(trade.price),
        "is_taker": fill.is_taker, "created_time": time_text(trade.at_ns), "fee_cost": money_text(fill.fee),
        "subaccount_number": fill.subaccount, "ts": trade.at_ns // 1_000_000_000,
    }  # fmt: skip
    if legacy:
        row |= {"side": row["outcome_side"], "action": "sell" if fill.was_closing else "buy"}
    return row


def position_row(ticker: str, exchange_index: int, view: tuple[int, ...], at_ns: int) -> Row:
    """A market position, money with six decimals."""
    count, exposure, realized, fees, traded = view
    return {
        "ticker": ticker, "exchange_index": exchange_index, "position_fp": count_text(count),
        "market_exposure_dollars": money_text(exposure), "total_traded_dollars": money_text(traded),
        "realized_pnl_dollars": money_text(realized), "fees_paid_dollars": money_text(fees),
        "last_updated_ts": time_text(at_ns),
    }  # fmt: skip


def event_position_row(event_ticker: str, parts: list[Position]) -> Row:
    """An event's positions added up."""
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": money_text(sum(part.traded for part in parts)),
        "total_cost_shares_fp": count_text(sum(part.volume for part in parts)),
        "event_exposure_dollars": money_text(sum(part.exposure for part in parts)),
        "realized_pnl_dollars": money_text(sum(part.realized for part in parts)),
        "fees_paid_dollars": money_text(sum(part.fees for part in parts)),
    }


def settlement_row(payout: Payout) -> Row:
    """A settled position; revenue in cents, value in cents per contract."""
    return {
        "ticker": payout.ticker, "exchange_index": payout.pocket[1], "event_ticker": payout.event_ticker,
        "market_result": payout.result, "yes_count_fp": count_text(payout.yes_count),
        "yes_total_cost_dollars": money_text(payout.yes_cost), "no_count_fp": count_text(payout.no_count),
        "no_total_cost_dollars": money_text(payout.no_cost), "revenue": cents(payout.revenue),
        "value": payout.value // 100, "settled_time": time_text(payout.at_ns), "fee_cost": money_text(payout.fees),
    }  # fmt: skip


def written_row(order: Order, fills: list[Fill], now_ns: int) -> Row:
    """The answer to a create: what filled at once, averages per contract."""
    row: Row = {
        "order_id": order.order_id, "fill_count": count_text(order.filled),
        "remaining_count": count_text(order.remaining), "ts_ms": now_ns // 1_000_000,
    }  # fmt: skip
    if order.client_order_id:
        row["client_order_id"] = order.client_order_id
    return row | averages(fills)


def averages(fills: list[Fill]) -> Row:
    """Average YES price and fee per contract of some fills; empty without fills."""
    count = sum(fill.trade.count for fill in fills)
    if not count:
        return {}
    value = sum(fill.trade.count * fill.trade.price for fill in fills)
    return {
        "average_fill_price": average_text(value, count),
        "average_fee_paid": average_text(sum(fill.fee for fill in fills), count),
    }


def balance_text(micro: int) -> str:
    """Cash as balances show it."""
    return short_money_text(micro)
