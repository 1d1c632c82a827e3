"""The NO side of a market, derived from its YES side.

A bid for YES at p is an offer of NO at 1 - p: there is one book, seen from two sides. So only YES is stored
and followed, and the mirror is made when somebody looks: by a replay, and by a venue with one book a market.
"""

from collections.abc import Iterable
from decimal import Decimal

from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookOrder,
    InstrumentId,
    OrderBookDelta,
    OrderSide,
    Price,
    QuoteTick,
    TradeTick,
)

from markets.instruments import PRICE_DIGITS

_ONE = Decimal(1)
_OTHER_SIDE: dict[OrderSide | None, OrderSide] = {
    OrderSide.BUY: OrderSide.SELL,
    OrderSide.SELL: OrderSide.BUY,
}
_OTHER_AGGRESSOR = {AggressorSide.BUY: AggressorSide.SELL, AggressorSide.SELL: AggressorSide.BUY}


class Mirror:
    """Turns data of a YES instrument into those of its NO; prices p become 1 - p, sides swap."""

    def __init__(self) -> None:
        self._prices: dict[Price, Price] = {}

    def price(self, price: Price) -> Price:
        """Return one dollar minus `price`, exactly."""
        found = self._prices.get(price)
        if found is None:
            found = Price.from_decimal_dp(_ONE - price.as_decimal(), PRICE_DIGITS)
            self._prices[price] = found
        return found

    def delta(self, delta: OrderBookDelta, no: InstrumentId) -> OrderBookDelta:
        """Return the change of the NO book that `delta` of the YES book is."""
        order = delta.order
        if delta.action != BookAction.CLEAR:
            order = BookOrder(_OTHER_SIDE[order.side], self.price(order.price), order.size, 0)
        return OrderBookDelta(
            no, delta.action, order, delta.flags, delta.sequence, delta.ts_event, delta.ts_init
        )

    def deltas(self, deltas: Iterable[OrderBookDelta], no: InstrumentId) -> list[OrderBookDelta]:
        """Return the changes of the NO book, in the same order."""
        return [self.delta(delta, no) for delta in deltas]

    def quote(self, quote: QuoteTick, no: InstrumentId) -> QuoteTick:
        """Return the quote of NO: its bid is what YES is offered at, seen from the other side."""
        return QuoteTick(
            no,
            self.price(quote.ask_price),
            self.price(quote.bid_price),
            quote.ask_size,
            quote.bid_size,
            quote.ts_event,
            quote.ts_init,
        )

    def trade(self, trade: TradeTick, no: InstrumentId) -> TradeTick:
        """Return the same trade as seen on NO: who bought YES sold NO."""
        return TradeTick(
            no,
            self.price(trade.price),
            trade.size,
            _OTHER_AGGRESSOR.get(trade.aggressor_side, trade.aggressor_side),
            trade.trade_id,
            trade.ts_event,
            trade.ts_init,
        )
