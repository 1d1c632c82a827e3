"""Flat deltas put back into the venue's messages, and the books that they leave behind."""

from collections.abc import Iterable, Sequence

from nautilus_trader.model import (
    BookAction,
    BookOrder,
    InstrumentId,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
)

from markets.instruments import PRICE_DIGITS

_LAST = RecordFlag.F_LAST.value
_SNAPSHOT = RecordFlag.F_SNAPSHOT.value
_HUNDREDTHS = 2
_FREE, _CERTAIN = Price(0, PRICE_DIGITS), Price(1, PRICE_DIGITS)

type Levels = dict[tuple[OrderSide | None, Price], Quantity]


def grouped(deltas: Iterable[OrderBookDelta]) -> list[OrderBookDeltas]:
    """Return the deltas of one instrument as the messages they came in, each closed by F_LAST.

    The engine delivers flat deltas one by one, so a strategy and the simulated exchange would see
    half-built books (run on rc7). Deltas after the last F_LAST are an error: half a message.
    """
    messages: list[OrderBookDeltas] = []
    group: list[OrderBookDelta] = []
    for delta in deltas:
        group.append(delta)
        if delta.flags & _LAST:
            messages.append(OrderBookDeltas(delta.instrument_id, group))
            group = []
    if group:
        raise ValueError(
            f"expected the deltas of {group[0].instrument_id} to end with a complete message, "
            f"found {len(group)} after the last one, the first at {group[0].ts_init}"
        )
    return messages


def levels_after(deltas: Iterable[OrderBookDelta], levels: Levels | None = None) -> Levels:
    """Return the book that `deltas` make of `levels` (of an empty book by default), changed in place."""
    levels = {} if levels is None else levels
    for delta in deltas:
        if delta.action == BookAction.CLEAR:
            levels.clear()
            continue
        order = delta.order
        if delta.action == BookAction.DELETE:
            levels.pop((order.side, order.price), None)
        else:
            levels[order.side, order.price] = order.size
    return levels


def cleared(instrument_id: InstrumentId, at_ns: int, size_digits: int = _HUNDREDTHS) -> list[OrderBookDelta]:
    """Return the message that empties a book."""
    nothing = BookOrder(None, _FREE, Quantity(0, size_digits), 0)
    return [OrderBookDelta(instrument_id, BookAction.CLEAR, nothing, _SNAPSHOT | _LAST, 0, at_ns, at_ns)]


def no_quote(instrument_id: InstrumentId, at_ns: int, size_digits: int = _HUNDREDTHS) -> QuoteTick:
    """Return the quote of an empty book: nobody bids, nobody offers."""
    nothing = Quantity(0, size_digits)
    return QuoteTick(instrument_id, _FREE, _CERTAIN, nothing, nothing, at_ns, at_ns)


def snapshot(
    instrument_id: InstrumentId, levels: Levels, at_ns: int, size_digits: int = _HUNDREDTHS
) -> list[OrderBookDelta]:
    """Return one message that replaces a book by `levels`."""
    nothing = BookOrder(None, _FREE, Quantity(0, size_digits), 0)
    orders: Sequence[tuple[BookAction, BookOrder]] = [
        (BookAction.CLEAR, nothing),
        *((BookAction.ADD, BookOrder(side, price, size, 0)) for (side, price), size in levels.items()),
    ]
    return [
        OrderBookDelta(
            instrument_id,
            action,
            order,
            _SNAPSHOT | (_LAST if place == len(orders) else 0),
            0,
            at_ns,
            at_ns,
        )
        for place, (action, order) in enumerate(orders, 1)
    ]
