"""The instruments that we trade: two outcomes a market, and what their venue says about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from msgspec import Struct, structs, to_builtins
from nautilus_trader.model import (
    AssetClass,
    BinaryOption,
    CryptoPerpetual,
    CurrencyPair,
    InstrumentId,
    Price,
    Quantity,
    Symbol,
)

from markets.currencies import CURRENCIES

type Instrument = BinaryOption | CryptoPerpetual | CurrencyPair

PRICE_DIGITS = 4
"""Digits of every contract price: a venue may refine its tick during a market's life, an instrument
cannot refine its precision (rc7 refuses mixed precisions), so all start at the finest one known."""

_LOT = Decimal("0.01")
_MICRO = Decimal("0.000001")
_STRIKES = {
    "greater": ("floor_strike",),
    "greater_or_equal": ("floor_strike",),
    "less": ("cap_strike",),
    "less_or_equal": ("cap_strike",),
    "between": ("floor_strike", "cap_strike"),
}


class PriceRange(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the price scale and its tick, in dollars per contract; both ends belong to it."""

    start: Decimal
    end: Decimal
    step: Decimal


class MarketTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a venue states about one binary market; everything an instrument's `info` carries.

    Times are nanoseconds since the epoch. `fees` is a dated schedule in the form that
    `pricing.fees.FeeSchedule` reads. `recorded_as` says what the prices rest on: "live", "recording",
    "trades" (no book) or "synthetic"; it decides the evidence class of every fill (design, section 8).

    `tokens` end the ids of the two sides, `labels` are what the venue calls them, `name` is what people type instead
    of `market`. Fills have up to `size_digits`, orders are multiples of `order_step`, one that rests holds at least
    `min_size`. An order that takes waits `taker_delay_ms` at the venue. `takers_spend`: a buy that takes at once spends all
    its money, and gets more contracts than it asked for at a better price. What a whole position pays in the end is
    rounded down to `payout_unit` USD.
    """

    market: str
    venue: str
    series: str
    event: str
    title: str
    opens_ns: int
    closes_ns: int
    known_ns: int
    price_ranges: tuple[PriceRange, ...]
    fees: tuple[dict[str, Any], ...]
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    underlying: str | None = None
    averaging_secs: int = 0
    settlement_timer_secs: int = 0
    settlement_source: str | None = None
    mutually_exclusive: bool = False
    shard: int = 0
    payout_unit: Decimal = _MICRO
    has_trades: bool = False
    recorded_as: str = "recording"
    venue_says: dict[str, Any] = {}
    tokens: tuple[str, str] = ("YES", "NO")
    labels: tuple[str, str] | None = None
    name: str | None = None
    currency: str = "USD"
    size_digits: int = 2
    order_step: Decimal = _LOT
    min_size: Decimal = _LOT
    taker_delay_ms: int = 0
    takers_spend: bool = False
    neg_risk: bool = False


@dataclass(frozen=True)
class OutcomePair:
    """The two sides of one market; exactly one contract of each pays out one dollar together."""

    yes: BinaryOption
    no: BinaryOption

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the venue says about YES; kept, since the engine parses it anew each time (0.2 ms)."""
        return info_of(self.yes)

    @cached_property
    def market(self) -> str:
        """The market's name with its venue, such as `KXFED-27JAN-C.KALSHI`."""
        return f"{self.info['market']}.{self.yes.id.venue}"

    @cached_property
    def event(self) -> str:
        """The real-world event that decides it; markets of one event are not independent."""
        return f"{self.info['event']}.{self.yes.id.venue}"


def make_pair(terms: MarketTerms) -> OutcomePair:
    """Return the YES and NO instruments of a market.

    Both carry the same facts in `info`, in plain JSON with money as text, plus their own `outcome`
    and the instrument id of their `complement`. ValueError for ticks, steps or a currency that an instrument
    cannot have.
    """
    _check_ticks(terms)
    _check_sizes(terms)
    return OutcomePair(_outcome(terms, "YES"), _outcome(terms, "NO"))


def outcome_id(market: str, venue: str, outcome: str) -> InstrumentId:
    """Return the id of one side of a market, such as `KXFED-27JAN-C-YES.KALSHI`."""
    return InstrumentId.from_str(f"{market}-{outcome}.{venue}")


def info_of(instrument: Instrument) -> Mapping[str, Any]:
    """Return what the venue says about `instrument`; ValueError when it carries nothing.

    Each call parses JSON anew (0.2 ms on rc7): keep the answer, or an `OutcomePair`.
    """
    if not instrument.info:
        raise ValueError(f"expected {instrument.id} to carry its venue's facts, found no info")
    return instrument.info


def market_of(instrument: Instrument) -> str:
    """Return the market that `instrument` is one side of, such as `KXFED-27JAN-C.KALSHI`."""
    return f"{info_of(instrument)['market']}.{instrument.id.venue}"


def series_of(instrument: Instrument) -> str:
    """Return the series that `instrument` belongs to, such as `KXBTC15M.KALSHI`."""
    return f"{info_of(instrument)['series']}.{instrument.id.venue}"


def event_of(instrument: Instrument) -> str:
    """Return the real-world event that decides `instrument`: its markets are not independent."""
    return f"{info_of(instrument)['event']}.{instrument.id.venue}"


def complement_of(instrument: Instrument) -> InstrumentId:
    """Return the id of the other side of the market."""
    return InstrumentId.from_str(info_of(instrument)["complement"])


def awaits_strike(instrument: Instrument) -> bool:
    """Return whether the venue has not yet named the number that decides a live market.

    Kalshi lists its short markets before their strike is known (reference page, section 14, 2026-11-20). A
    recording without strikes awaits nothing: nobody will name them any more.
    """
    info = info_of(instrument)
    needed = _STRIKES.get(info["strike_type"] or "", ())
    return info["recorded_as"] == "live" and any(info[name] is None for name in needed)


def pairs_among(instruments: Iterable[Instrument]) -> list[OutcomePair]:
    """Return the markets of which both sides are among `instruments`, in order of their opening."""
    known = {instrument.id: instrument for instrument in instruments if isinstance(instrument, BinaryOption)}
    pairs = [
        OutcomePair(yes, known[complement_of(yes)])
        for yes in known.values()
        if info_of(yes)["outcome"] == "YES" and complement_of(yes) in known
    ]
    return sorted(pairs, key=lambda pair: (pair.yes.activation_ns, str(pair.yes.id)))


def differs(terms: MarketTerms, other: MarketTerms) -> bool:
    """Return whether a trader would see another contract: anything but when and in which words it was told."""
    return structs.replace(terms, known_ns=0, venue_says={}) != structs.replace(
        other, known_ns=0, venue_says={}
    )


def _check_ticks(terms: MarketTerms) -> None:
    if not terms.price_ranges:
        raise ValueError(f"expected price ranges for {terms.market}, found none")
    for part in terms.price_ranges:
        if part.step <= 0:
            raise ValueError(f"expected ticks above 0 for {terms.market}, found {part.step}")
        if part.step.scaleb(PRICE_DIGITS) % 1:
            raise ValueError(
                f"expected ticks of at most {PRICE_DIGITS} digits for {terms.market}, found {part.step}"
            )


def _check_sizes(terms: MarketTerms) -> None:
    if terms.currency not in CURRENCIES:
        known = ", ".join(CURRENCIES)
        raise ValueError(f"expected {terms.market} to be paid in {known}, found {terms.currency!r}")
    if terms.order_step <= 0 or terms.order_step.scaleb(terms.size_digits) % 1:
        raise ValueError(
            f"expected an order_step of at most {terms.size_digits} digits for {terms.market}, found {terms.order_step}"
        )


def _outcome(terms: MarketTerms, outcome: str) -> BinaryOption:
    at = 0 if outcome == "YES" else 1
    instrument_id = outcome_id(terms.market, terms.venue, terms.tokens[at])
    label = outcome.title() if terms.labels is None else terms.labels[at]
    info = to_builtins(terms)
    info["outcome"] = outcome
    info["complement"] = str(outcome_id(terms.market, terms.venue, terms.tokens[1 - at]))
    if outcome == "NO":
        info["price_ranges"] = [
            {"start": str(1 - part.end), "end": str(1 - part.start), "step": str(part.step)}
            for part in reversed(terms.price_ranges)
        ]
    finest = min(part.step for part in terms.price_ranges)
    step = Quantity.from_decimal_dp(terms.order_step, terms.size_digits)
    return BinaryOption(
        instrument_id=instrument_id,
        raw_symbol=Symbol(instrument_id.symbol.value),
        asset_class=AssetClass.ALTERNATIVE,
        currency=CURRENCIES[terms.currency],
        activation_ns=terms.opens_ns,
        expiration_ns=terms.closes_ns,
        price_precision=PRICE_DIGITS,
        size_precision=terms.size_digits,
        price_increment=Price.from_decimal_dp(finest, PRICE_DIGITS),
        size_increment=step,
        min_quantity=step,
        ts_event=terms.known_ns,
        ts_init=terms.known_ns,
        outcome=label,
        description=terms.title,
        event_id=terms.event,
        info=info,
    )
