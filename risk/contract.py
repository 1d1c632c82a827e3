"""What the guard must know of a contract, read once from its instrument."""

from dataclasses import dataclass

from nautilus_trader.model import InstrumentId

from engine.desk import Desk
from markets.instruments import Instrument, awaits_strike, event_of, info_of, market_of, series_of
from markets.ticks import PriceGrid, grid_of
from pricing.fees import FeeSchedule
from risk.errors import UnknownFigure

_MICRO = "0.000001"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One side of a market, and everything that it is a part of; all as text, venue included.

    `underlying` is what the market is about, such as BTC, when its venue says so. `is_exclusive`: of the
    markets of its event at most one resolves to YES, by the venue's word. `payout_unit` is what a whole position's
    payout is rounded down to, in USD. The strikes are as the venue states them, in units of the underlying.
    """

    instrument: str
    market: str
    event: str
    venue: str
    series: str = ""
    underlying: str | None = None
    is_yes: bool = True
    is_exclusive: bool = False
    shard: int = 0
    payout_unit: str = _MICRO
    strike_type: str | None = None
    floor_strike: str | None = None
    cap_strike: str | None = None

    @property
    def purse(self) -> str:
        """Where the money for this outcome lies: its venue, and the shard of it that its cash is kept on."""
        return f"{self.venue}/{self.shard}"

    @property
    def group(self) -> str:
        """What moves this outcome together with others: the underlying, without one the event."""
        return self.underlying or self.event


@dataclass(frozen=True, slots=True)
class Contract:
    """An outcome with its prices and its fees, as its venue stated them at `known_ns`.

    `awaits_strike`: what decides it is still to be named. `takers_spend`: a buy that takes at once spends its money, and
    gets more contracts than it asked for at a better price.
    """

    outcome: Outcome
    instrument_id: InstrumentId
    grid: PriceGrid
    fees: FeeSchedule
    known_ns: int
    closes_ns: int
    awaits_strike: bool
    takers_spend: bool = False


class Contracts:
    """The contracts seen so far; reading one anew costs more than the rest of a judgement."""

    def __init__(self) -> None:
        self._known: dict[InstrumentId, Contract] = {}
        self._ids: dict[str, InstrumentId] = {}

    def of(self, instrument_id: InstrumentId, desk: Desk) -> Contract:
        """Return the contract, read afresh when its venue has restated it since.

        UnknownFigure when the engine does not know the instrument, ValueError when the instrument
        does not say what its venue says.
        """
        instrument = desk.instrument(instrument_id)
        if instrument is None:
            raise UnknownFigure(f"expected {instrument_id} to be known to the engine, found no instrument")
        known = self._known.get(instrument_id)
        if known is None or known.known_ns != instrument.ts_init:
            known = self._known[instrument_id] = contract_of(instrument)
            self._ids[known.outcome.instrument] = instrument_id
        return known

    def outcome_of(self, instrument_id: InstrumentId, desk: Desk) -> Outcome:
        """Return where an instrument belongs, which no restatement of its venue can change."""
        known = self._known.get(instrument_id)
        return (known or self.of(instrument_id, desk)).outcome

    def id_of(self, instrument: str) -> InstrumentId:
        """Return the id that `instrument` is the text of."""
        return self._ids.get(instrument) or InstrumentId.from_str(instrument)


def contract_of(instrument: Instrument) -> Contract:
    """Return what the guard must know of `instrument`; ValueError when it carries no facts."""
    info = info_of(instrument)
    outcome = Outcome(
        instrument=str(instrument.id),
        market=market_of(instrument),
        event=event_of(instrument),
        venue=str(instrument.id.venue),
        series=series_of(instrument),
        underlying=info.get("underlying"),
        is_yes=info["outcome"] == "YES",
        is_exclusive=bool(info["mutually_exclusive"]),
        shard=int(info["shard"]),
        strike_type=info["strike_type"],
        floor_strike=info["floor_strike"],
        cap_strike=info["cap_strike"],
        payout_unit=str(info.get("payout_unit", _MICRO)),
    )
    fees = FeeSchedule.from_info(info)
    return Contract(
        outcome=outcome,
        instrument_id=instrument.id,
        grid=grid_of(instrument),
        fees=fees,
        known_ns=instrument.ts_init,
        closes_ns=info["closes_ns"],
        awaits_strike=awaits_strike(instrument),
        takers_spend=bool(info.get("takers_spend")),
    )
