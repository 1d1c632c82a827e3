"""What a market cost lately: the mids of the quotes that the guardian has seen."""

from decimal import Decimal
from typing import TypeGuard

from nautilus_trader.model import QuoteTick

from risk.errors import UnknownFigure
from risk.sums import ZERO

_KEPT = 256


class Recent:
    """Mids of quotes, one for each quote on which an order was judged, of each instrument.

    The desk shows only the last quote, so what came between two orders goes unseen. Nothing survives a
    restart: the first order on a market after it has nothing to be compared with.
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[int, Decimal]]] = {}

    def see(self, quote: QuoteTick) -> None:
        """Keep the mid of a quote; an empty side has none."""
        if (mid := known_mid(quote)) is None:
            return
        seen = self._seen.setdefault(str(quote.instrument_id), [])
        if not seen or seen[-1][0] < quote.ts_init:
            seen.append((quote.ts_init, mid))
            del seen[:-_KEPT]

    def mean(self, quote: QuoteTick, window_ns: int) -> Decimal:
        """Return the mean mid of the `window_ns` before `quote`; UnknownFigure when none was seen."""
        seen = self._seen.get(str(quote.instrument_id), [])
        mids = [mid for at_ns, mid in seen if quote.ts_init - window_ns <= at_ns < quote.ts_init]
        if not mids:
            raise UnknownFigure(
                f"expected an earlier quote of {quote.instrument_id} to compare with, found none"
            )
        return sum(mids, ZERO) / len(mids)


def known_mid(quote: QuoteTick | None) -> Decimal | None:
    """Return the mid of a quote that shows both sides, else None."""
    return mid_of(quote) if _shows_both(quote) else None


def known_raw_mid(quote: QuoteTick | None) -> int | None:
    """Return twice the mid as a whole number in the engine's unit of prices, of a quote that shows both sides."""
    if not _shows_both(quote):
        return None
    return int(quote.bid_price.raw + quote.ask_price.raw)


def mid_of(quote: QuoteTick) -> Decimal:
    """Return the middle between bid and ask."""
    return (quote.bid_price.as_decimal() + quote.ask_price.as_decimal()) / 2


def _shows_both(quote: QuoteTick | None) -> TypeGuard[QuoteTick]:
    return quote is not None and bool(quote.bid_size.raw and quote.ask_size.raw)
