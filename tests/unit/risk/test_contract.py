"""What the guard reads off an instrument."""

from decimal import Decimal

import pytest

from markets.instruments import MarketTerms, PriceRange, make_pair
from risk.contract import Contract, Contracts, Outcome, contract_of
from risk.errors import UnknownFigure


def terms(fees, **more):
    return MarketTerms(
        **{
            "market": "KXBTC-1", "venue": "KALSHI", "series": "KXBTC", "event": "KXBTC-E", "title": "Above?",
            "opens_ns": 1, "closes_ns": 9, "known_ns": 2,
            "price_ranges": (PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),), "fees": fees,
        }
        | more
    )  # fmt: skip


def test_both_sides_carry_what_their_venue_says_of_them(toy):
    pair = make_pair(
        terms(
            toy.fees, underlying="BTC", mutually_exclusive=True, shard=3, strike_type="between",
            floor_strike="100", cap_strike="200", payout_unit="0.01",
        )
    )  # fmt: skip
    yes, no = (contract_of(one) for one in (pair.yes, pair.no))
    assert yes.outcome == Outcome(
        instrument=str(pair.yes.id), market="KXBTC-1.KALSHI", event="KXBTC-E.KALSHI", venue="KALSHI",
        series="KXBTC.KALSHI", underlying="BTC", is_yes=True, is_exclusive=True, shard=3, payout_unit="0.01",
        strike_type="between", floor_strike="100", cap_strike="200",
    )  # fmt: skip
    assert (yes.outcome.purse, yes.outcome.group) == ("KALSHI/3", "BTC")
    assert (no.outcome.is_yes, no.outcome.instrument) == (False, str(pair.no.id))
    assert (yes.instrument_id, yes.known_ns, yes.closes_ns) == (pair.yes.id, 2, 9)
    assert (yes.takers_spend, yes.awaits_strike) == (False, False)


def test_what_a_venue_does_not_say_has_its_default(toy):
    outcome = contract_of(make_pair(terms(toy.fees)).yes).outcome
    assert (outcome.underlying, outcome.is_exclusive, outcome.shard) == (None, False, 0)
    assert outcome.payout_unit == "0.000001"


def test_an_outcome_of_which_little_is_known_excludes_nothing_and_awaits_nothing():
    outcome = Outcome("A-YES.V", "A.V", "E.V", "V")
    assert (outcome.series, outcome.underlying, outcome.shard) == ("", None, 0)
    assert (outcome.is_yes, outcome.is_exclusive) == (True, False)
    assert (outcome.strike_type, outcome.floor_strike, outcome.cap_strike) == (None, None, None)
    assert (outcome.payout_unit, outcome.group) == ("0.000001", "E.V")


def test_takers_spend_only_where_that_is_said(toy):
    known = contract_of(toy.yes)
    names = ("outcome", "instrument_id", "grid", "fees", "known_ns", "closes_ns", "awaits_strike")
    assert Contract(**{name: getattr(known, name) for name in names}).takers_spend is False


def test_an_instrument_recorded_before_units_of_payouts_pays_to_the_millionth(toy):
    pair = make_pair(terms(toy.fees, payout_unit=Decimal("0.01")))
    old = {name: said for name, said in pair.yes.info.items() if name != "payout_unit"}
    assert contract_of(with_info(pair.yes, old)).outcome.payout_unit == "0.000001"


def with_info(instrument, info):
    """Return an instrument like this one that carries other facts."""
    plain = type(instrument).to_dict(instrument) | {"info": info}
    return type(instrument).from_dict(plain)


def test_an_instrument_is_read_once_until_its_venue_restates_it(toy, table):
    desk, contracts = table().desk, Contracts()
    first, restated = make_pair(terms(toy.fees)).yes, make_pair(terms(toy.fees, known_ns=3, closes_ns=99)).yes
    desk.instruments = {first.id: first}
    known = contracts.of(first.id, desk)
    assert contracts.of(first.id, desk) is known
    desk.instruments = {first.id: restated}
    assert contracts.outcome_of(first.id, desk) is known.outcome
    assert contracts.of(first.id, desk).closes_ns == 99


def test_where_a_known_instrument_belongs_needs_no_desk(toy, table):
    desk, contracts = table().desk, Contracts()
    instrument = make_pair(terms(toy.fees)).yes
    desk.instruments = {instrument.id: instrument}
    outcome = contracts.outcome_of(instrument.id, desk)
    desk.instruments = {}
    assert contracts.outcome_of(instrument.id, desk) is outcome
    with pytest.raises(UnknownFigure, match=f"expected {instrument.id} to be known to the engine, found no"):
        contracts.of(instrument.id, desk)


def test_a_text_is_an_id_whether_it_was_read_before_or_not(toy, table):
    desk, contracts = table().desk, Contracts()
    assert contracts.id_of(str(toy.yes.id)) == toy.yes.id
    contracts.of(toy.no.id, desk)
    assert contracts.id_of(str(toy.no.id)) == toy.no.id
    assert contracts.id_of(str(toy.yes.id)) == toy.yes.id
