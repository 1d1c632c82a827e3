"""State one made-up 15-minute market as its venue would: its terms, its phases, its settlement.

The shape is KXBTC15M's (Kalshi, Oct 2026): YES if the mean of the last 60 one-second prices before the
close reaches the same mean at the opening, a tie included.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import CustomData

from markets.facts import MarketPhase, MarketResolution, Method, OraclePrice, Phase
from markets.instruments import MarketTerms, PriceRange
from simulation.fair_value import MarketWindow
from simulation.spot_path import FIXING_SECS, SECOND_NS, SpotStretch

VENUE: Final = "KALSHI"
SERIES: Final = "SYNBTC15M"
SYMBOL: Final = "BTC-USD"
ORACLE_SOURCE: Final = "SYNTH"
RESOLUTION_SOURCE: Final = "synthetic"
MARKET_NS: Final = 900 * SECOND_NS

_SETTLES_NS = 10 * SECOND_NS
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CENT, _DECI_CENT = Decimal("0.01"), Decimal("0.001")

TAPERED: Final = (
    PriceRange(Decimal(0), Decimal("0.1"), _DECI_CENT),
    PriceRange(Decimal("0.1"), Decimal("0.9"), _CENT),
    PriceRange(Decimal("0.9"), Decimal(1), _DECI_CENT),
)
"""Ticks of Kalshi's crypto 15-minute series (`tapered_deci_cent`, read in Sept 2026)."""

QUADRATIC_FEES: Final[tuple[dict[str, Any], ...]] = (
    {
        "since_ns": 0,
        "taker_rate": "0.07",
        "maker_rate": "0",
        "exponent": 1,
        "fee_unit": "0.000001",
        "cash_unit": "0.0001",
    },
)
"""Fees of Kalshi's crypto 15-minute series: takers only (venue docs, Sept 2026)."""


def market_ticker(closes_ns: int) -> str:
    """Return the market that closes then, such as `SYNBTC15M-26SEP010015`.

    The time is in UTC, unlike Kalshi's own tickers, which say New York time.
    """
    at = _utc(closes_ns)
    return f"{SERIES}-{at:%y}{_MONTHS[at.month - 1]}{at:%d%H%M}"


def market_terms(window: MarketWindow) -> MarketTerms:
    """Return what the venue states about the market; all of it is known when it opens, not earlier."""
    ticker = market_ticker(window.closes_ns)
    strike = _usd(window.strike_cents)
    return MarketTerms(
        market=ticker,
        venue=VENUE,
        series=SERIES,
        event=ticker,
        title=f"Synthetic {SYMBOL} at or above {strike} at {_utc(window.closes_ns):%Y-%m-%d %H:%M} UTC",
        opens_ns=window.opens_ns,
        closes_ns=window.closes_ns,
        known_ns=window.opens_ns,
        price_ranges=TAPERED,
        fees=QUADRATIC_FEES,
        strike_type="greater_or_equal",
        floor_strike=strike,
        underlying=SYMBOL,
        averaging_secs=FIXING_SECS,
        settlement_timer_secs=1,
        settlement_source=RESOLUTION_SOURCE,
        has_trades=True,
        recorded_as="synthetic",
    )


@dataclass(frozen=True, slots=True)
class OracleName:
    """Under which symbol and source the made-up spot prices are told."""

    symbol: str = SYMBOL
    source: str = ORACLE_SOURCE


def oracle_prices(prints: SpotStretch, late_ns: int, name: OracleName) -> Iterator[CustomData]:
    """Yield the prints as facts that become known `late_ns` after they happened."""
    data_type = OraclePrice.data_type(f"{name.symbol}.{name.source}")
    for time_ns, cents in zip(prints.times_ns.tolist(), prints.cents.tolist(), strict=True):
        price = OraclePrice(
            ts_event=time_ns,
            ts_init=time_ns + late_ns,
            source=name.source,
            symbol=name.symbol,
            value=_usd(cents),
            method=Method.SPOT,
        )
        yield CustomData(data_type, price)


def life(window: MarketWindow, fixing_cents: int, late_ns: int) -> tuple[CustomData, ...]:
    """Return the opening, the close and the final payout about 10 s later.

    The close is known a microsecond before the next market's opening, which happens at the same
    time: no two facts of a kind share a time.
    """
    payout = Decimal(int(fixing_cents >= window.strike_cents))
    settles_ns = window.closes_ns + _SETTLES_NS
    resolution = MarketResolution(
        ts_event=settles_ns,
        ts_init=settles_ns + late_ns,
        venue=VENUE,
        series=SERIES,
        market=market_ticker(window.closes_ns),
        payout=payout,
        source=RESOLUTION_SOURCE,
        is_final=True,
    )
    opening = _phase(window, Phase.OPEN, window.opens_ns, late_ns + 1_000)
    close = _phase(window, Phase.CLOSED, window.closes_ns, late_ns)
    return opening, close, resolution.as_data()


def _phase(window: MarketWindow, phase: Phase, time_ns: int, late_ns: int) -> CustomData:
    return MarketPhase(
        ts_event=time_ns,
        ts_init=time_ns + late_ns,
        venue=VENUE,
        series=SERIES,
        market=market_ticker(window.closes_ns),
        phase=phase,
        closes_ns=window.closes_ns,
    ).as_data()


def _usd(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _utc(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC)
