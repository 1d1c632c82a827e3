"""Minute candles and last prices, kept while the market trades."""

from simulation.wire.kalshi_markets import Candle, Market
from simulation.wire.kalshi_orders import Trade
from simulation.wire.kalshi_units import ONE_PRICE, SECOND_NS


def _stretch(quad: list[int], value: int) -> None:
    quad[1], quad[2], quad[3] = max(quad[1], value), min(quad[2], value), value


def _candle(market: Market, at_ns: int) -> Candle:
    minute = at_ns // (60 * SECOND_NS)
    found = market.candles.get(minute)
    if found is None:
        last = market.candles[max(market.candles)] if market.candles else None
        bid = last.bid[3] if last else 0
        ask = last.ask[3] if last else ONE_PRICE
        found = Candle(minute, [bid] * 4, [ask] * 4, previous=market.last_price)
        found.open_interest = market.open_interest
        market.candles[minute] = found
    return found


def note_quote(market: Market, at_ns: int) -> None:
    """Book a change of the top of the book."""
    candle = _candle(market, at_ns)
    bid, _, ask, _ = market.best()
    _stretch(candle.bid, bid)
    _stretch(candle.ask, ask)


def note_trade(market: Market, trade: Trade) -> None:
    """Book a print; open interest is the market's, already updated."""
    candle = _candle(market, trade.at_ns)
    if candle.price is None:
        candle.price = [trade.price] * 4
    _stretch(candle.price, trade.price)
    candle.volume += trade.count
    candle.value += trade.count * trade.price
    candle.open_interest = market.open_interest
    market.last_price, market.last_size = trade.price, trade.count
    market.volume += trade.count
    market.dollar_volume += trade.count * trade.price
    market.trades.append(trade)


def merged(market: Market, start_secs: int, end_secs: int, period_minutes: int) -> list[Candle]:
    """Candles of 1, 60 or 1440 minutes whose end lies in [start, end]; `minute` is then the period's last."""
    out: dict[int, Candle] = {}
    for minute, candle in sorted(market.candles.items()):
        end = (minute // period_minutes + 1) * period_minutes
        if start_secs <= end * 60 <= end_secs:
            _merge(out, end, candle)
    return list(out.values())


def _merge(out: dict[int, Candle], end: int, candle: Candle) -> None:
    into = out.get(end)
    if into is None:
        into = out[end] = Candle(end, list(candle.bid), list(candle.ask), previous=candle.previous)
    for mine, new in ((into.bid, candle.bid), (into.ask, candle.ask)):
        mine[1], mine[2], mine[3] = max(mine[1], new[1]), min(mine[2], new[2]), new[3]
    if candle.price is not None:
        into.price = into.price or list(candle.price)
        high, low, close = candle.price[1:]
        into.price[1:] = [max(into.price[1], high), min(into.price[2], low), close]
    into.volume += candle.volume
    into.value += candle.value
    into.open_interest = candle.open_interest
