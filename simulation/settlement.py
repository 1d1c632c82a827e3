"""What a market pays, turned into the closes that the engine settles positions by."""

from decimal import Decimal

from nautilus_trader.model import InstrumentClose, InstrumentCloseType, Price

from markets.facts import MarketResolution
from markets.instruments import PRICE_DIGITS, OutcomePair


class Settlement:
    """Closes both sides of a market once, when its payout is final.

    The engine acts on the first close that it sees (run on rc7), so disputed or preliminary results
    close nothing. YES gets the payout, NO the rest of one dollar; a void market pays both a part.
    """

    def __init__(self) -> None:
        self._settled: set[str] = set()

    def closes(self, market: OutcomePair, resolution: MarketResolution) -> list[InstrumentClose]:
        """Return the closes of YES and NO; none for a market that is settled or not final yet.

        Raises ValueError for a payout that the instrument's price digits cannot hold.
        """
        if not resolution.is_final or resolution.is_disputed or market.market in self._settled:
            return []
        closes = [
            InstrumentClose(
                side.id,
                _payout(payout, market),
                InstrumentCloseType.CONTRACT_EXPIRED,
                resolution.ts_event,
                resolution.ts_init,
            )
            for side, payout in ((market.yes, resolution.payout), (market.no, 1 - resolution.payout))
        ]
        self._settled.add(market.market)
        return closes


def _payout(payout: Decimal, market: OutcomePair) -> Price:
    price = Price.from_decimal_dp(payout, PRICE_DIGITS)
    if price.as_decimal() != payout:
        raise ValueError(
            f"expected a payout of at most {PRICE_DIGITS} digits for {market.market}, found {payout}"
        )
    return price
