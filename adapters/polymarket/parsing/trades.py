"""Prints as facts. A print has no id, so it gets one of everything that it says. Pure."""

from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha1
from typing import Final

from nautilus_trader.model import AggressorSide, Price, Quantity, TradeId, TradeTick

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.market_stream import Side, TradeMessage
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.messages.past_trades import TradeRow
from markets.facts import Provenance, TradeProvenance
from markets.instruments import PRICE_DIGITS, OutcomePair

_ID_DIGITS: Final = 32  # a Nautilus id holds 36 characters
_SECOND_NS: Final = 1_000_000_000
_AGGRESSORS: Final = {"BUY": AggressorSide.BUY, "SELL": AggressorSide.SELL}
_OTHERS: Final = {"BUY": AggressorSide.SELL, "SELL": AggressorSide.BUY}


class BadTrade(ValueError):
    """A print that cannot be one of this market."""


def trade_key(trade: TradeMessage) -> str:
    """Return what tells a print apart: the venue may repeat one, and gives no id.

    Two equal prints of one millisecond and transaction are one to us.
    """
    parts = (
        trade.asset_id,
        trade.side,
        trade.price,
        trade.size,
        trade.timestamp,
        trade.transaction_hash or "",
    )
    return _digest(parts)


def parse_trade(trade: TradeMessage, pair: OutcomePair, recv_ns: int) -> tuple[TradeTick, TradeProvenance]:
    """Return a print of either token as one of YES, and the venue's word for its aggressor; BadTrade if it cannot be."""
    found = _Print(
        trade.asset_id,
        trade.side,
        decimal_of(trade.price),
        decimal_of(trade.size),
        time_ns(trade.timestamp),
        trade_key(trade),
    )
    return found.tick(pair, recv_ns), found.provenance(pair, recv_ns, Provenance.VENUE)


def parse_past_trade(
    row: TradeRow, pair: OutcomePair, known_ns: int | None = None
) -> tuple[TradeTick, TradeProvenance]:
    """Return a row of the Data API likewise; the chain says who was the aggressor.

    It is known at the time of its block unless `known_ns` says later. Its price is a mean that a float may have blurred: it is rounded to the instrument's last digit.
    """
    parts = (row.asset, row.side, f"{row.price}", f"{row.size}", str(row.timestamp), row.transaction_hash)
    at_ns = row.timestamp * _SECOND_NS
    price = row.price.quantize(Decimal(1).scaleb(-PRICE_DIGITS), rounding=ROUND_HALF_EVEN)
    size = row.size.quantize(Decimal(1).scaleb(-venue.FILL_DECIMALS), rounding=ROUND_HALF_EVEN)
    found = _Print(row.asset, row.side, price, size, at_ns, _digest(parts))
    recv_ns = at_ns if known_ns is None else known_ns
    return found.tick(pair, recv_ns), found.provenance(pair, recv_ns, Provenance.CHAIN)


class _Print:
    def __init__(
        self, token: str, side: Side, price: Decimal, size: Decimal, happened_ns: int, name: str
    ) -> None:
        self._token, self._side = token, side
        self._price, self._size = price, size
        self._happened_ns, self._name = happened_ns, name

    def tick(self, pair: OutcomePair, recv_ns: int) -> TradeTick:
        if not 0 < self._price < 1 or self._price.scaleb(PRICE_DIGITS) % 1:
            raise BadTrade(
                f"expected a price in (0, 1) of at most {PRICE_DIGITS} digits, found {self._price}"
            )
        if self._size <= 0 or self._size.scaleb(venue.FILL_DECIMALS) % 1:
            found = f"found {self._size}"
            raise BadTrade(f"expected a size above 0 of at most {venue.FILL_DECIMALS} digits, {found}")
        yes, no = pair.info["tokens"]
        if self._token not in (yes, no):
            raise BadTrade(f"expected a token of {pair.market}, found {self._token}")
        is_yes = self._token == yes
        return TradeTick(
            pair.yes.id,
            Price.from_decimal_dp(self._price if is_yes else 1 - self._price, PRICE_DIGITS),
            Quantity.from_decimal_dp(self._size, venue.FILL_DECIMALS),
            (_AGGRESSORS if is_yes else _OTHERS)[self._side],
            TradeId(self._name),
            self._happened_ns,
            recv_ns,
        )

    def provenance(self, pair: OutcomePair, recv_ns: int, says: Provenance) -> TradeProvenance:
        return TradeProvenance(
            ts_event=self._happened_ns,
            ts_init=recv_ns,
            venue=venue.VENUE,
            instrument=pair.yes.id.symbol.value,
            trade_id=self._name,
            provenance=says,
        )


def _digest(parts: tuple[str, ...]) -> str:
    return sha1("|".join(parts).encode(), usedforsecurity=False).hexdigest()[:_ID_DIGITS]
