"""Markets as Polymarket lists them, made by its adapter, for the stage of `risk_stage`."""

from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace
from polymarket_samples import CompactFees, CompactMarket, CompactToken, gamma_market, listing
from toy import SECOND, START

from adapters.polymarket.constants import CATALOGUE_RESULT
from adapters.polymarket.providers.terms import terms_of_listing
from markets.facts import MarketResolution
from markets.instruments import make_pair

EVENT = "who-wins"
SERIES = (f"polymarket:{EVENT}-*",)
NAMES = ("ann", "ben", "other")
KNOWN_NS = START - SECOND


def terms(name, rate="0.05", later_rate=None, later_secs=0, closes=3600):
    """Return what the adapter makes of a market of one event in which exactly one wins.

    `later_rate` is what its venue says `later_secs` after the start; the recording keeps the first instrument.
    """
    condition = condition_of(name)
    tokens = tuple(str(10**76 + 10 * NAMES.index(name) + side) for side in range(2))
    ends = datetime.fromtimestamp(START // SECOND + closes, UTC).isoformat()
    row = gamma_market(
        conditionId=condition, slug=f"will-{name}-win", clobTokenIds=list(tokens), outcomes=["Yes", "No"],
        endDate=ends, acceptingOrdersTimestamp="2026-09-01T00:00:00Z", feesEnabled=rate != "0", feeSchedule=None,
    )  # fmt: skip
    found = None
    for now_ns, taken in ((KNOWN_NS, rate), (START + later_secs * SECOND, later_rate)):
        if taken is None:
            continue
        book = CompactMarket(
            condition_id=condition, tokens=(CompactToken(tokens[0], "Yes"), CompactToken(tokens[1], "No")),
            tick=Decimal("0.01"), min_size=Decimal(5), is_neg_risk=True,
            fees=CompactFees(Decimal(taken), 1) if taken != "0" else None,
        )  # fmt: skip
        found = terms_of_listing(listing(row, book, slug=EVENT), now_ns, before=found)
    return replace(found, known_ns=KNOWN_NS)


def markets(**how):
    """Return the event's markets by their names."""
    return {f"will-{name}-win": make_pair(terms(name, **how)) for name in NAMES}


def said(name, payout, at=12, *, is_final=True, is_disputed=False):
    now_ns = START + at * SECOND
    return MarketResolution(
        ts_event=now_ns, ts_init=now_ns, venue="POLYMARKET", series=EVENT, market=condition_of(name),
        payout=Decimal(payout), source=CATALOGUE_RESULT, is_final=is_final, is_disputed=is_disputed,
    )  # fmt: skip


def condition_of(name):
    return f"0x{NAMES.index(name):064x}"
