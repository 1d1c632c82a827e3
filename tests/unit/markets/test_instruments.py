from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.model import Quantity
from nautilus_trader.persistence import ParquetDataCatalog
from toy import FED, FEES, NO, START, YES, market

from markets.currencies import PUSD, USD
from markets.instruments import (
    MarketTerms,
    PriceRange,
    complement_of,
    event_of,
    info_of,
    make_pair,
    market_of,
    outcome_id,
    pairs_among,
    series_of,
)
from markets.names import find_instrument, readable

TAPERED = (
    PriceRange(Decimal("0"), Decimal("0.1"), Decimal("0.001")),
    PriceRange(Decimal("0.1"), Decimal("0.95"), Decimal("0.01")),
)
CHATTY = market(
    "KXBTC15M-26OCT031745-45",
    price_ranges=TAPERED,
    fees=(FEES, FEES | {"since_ns": START}),
    strike_type="greater_or_equal",
    floor_strike=Decimal("65432.10"),
    underlying="BTC-USD",
    averaging_secs=60,
    has_trades=True,
    venue_says={"rules_primary": 'If "it" is — yes', "nested": {"list": [1, 2.5, None, True]}},
)


def test_a_market_is_two_contracts_that_name_each_other():
    assert str(YES.id) == "KXFED-27JAN-C-YES.KALSHI"
    assert str(NO.id) == "KXFED-27JAN-C-NO.KALSHI"
    assert (complement_of(YES), complement_of(NO)) == (NO.id, YES.id)
    assert (YES.outcome, NO.outcome) == ("Yes", "No")
    assert outcome_id("KXFED-27JAN-C", "KALSHI", "NO") == NO.id


@pytest.mark.parametrize("side", [YES, NO])
def test_both_sides_say_to_which_market_series_and_event_they_belong(side):
    assert market_of(side) == "KXFED-27JAN-C.KALSHI"
    assert series_of(side) == "KXFED.KALSHI"
    assert event_of(side) == "KXFED-27JAN.KALSHI"


def test_a_pair_speaks_for_its_market():
    assert FED.market == "KXFED-27JAN-C.KALSHI"
    assert FED.event == "KXFED-27JAN.KALSHI"
    assert FED.info == info_of(YES)
    assert FED.info is FED.info  # kept, since parsing it costs 0.2 ms


@pytest.mark.parametrize("side", [CHATTY.yes, CHATTY.no])
def test_every_contract_has_four_digits_of_price_and_two_of_size(side):
    assert (side.price_precision, side.size_precision) == (4, 2)
    assert side.price_increment.as_decimal() == Decimal("0.001")
    assert side.size_increment.as_decimal() == side.min_quantity.as_decimal() == Decimal("0.01")
    assert side.quote_currency == USD
    assert (side.activation_ns, side.expiration_ns) == (START - 10**9, START + 3600 * 10**9)


def test_both_sides_carry_the_same_words_of_the_venue_but_for_side_complement_and_prices():
    yes, no = info_of(CHATTY.yes), info_of(CHATTY.no)
    own = {"outcome", "complement", "price_ranges"}
    assert {key: yes[key] for key in yes if key not in own} == {key: no[key] for key in no if key not in own}
    assert yes["venue_says"] == {
        "rules_primary": 'If "it" is — yes',
        "nested": {"list": [1, 2.5, None, True]},
    }
    assert (yes["floor_strike"], yes["cap_strike"]) == ("65432.10", None)
    assert yes["fees"][1]["since_ns"] == START


def test_the_ticks_of_no_are_those_of_yes_seen_from_one_dollar():
    assert info_of(CHATTY.no)["price_ranges"] == [
        {"start": "0.05", "end": "0.9", "step": "0.01"},
        {"start": "0.9", "end": "1", "step": "0.001"},
    ]


def test_what_a_contract_carries_is_enough_to_state_its_market_again():
    own = {key: value for key, value in info_of(CHATTY.yes).items() if key not in ("outcome", "complement")}
    again = msgspec.convert(own, MarketTerms)
    assert again.price_ranges == TAPERED
    assert again.floor_strike == Decimal("65432.10")
    assert msgspec.json.decode(msgspec.json.encode(again)) == own


def test_a_contract_comes_out_of_the_catalog_as_it_went_in(tmp_path):
    catalog = ParquetDataCatalog(str(tmp_path))
    for side in (CHATTY.yes, CHATTY.no):
        catalog.write_instruments([side])
    for found in catalog.instruments():
        written = {CHATTY.yes.id: CHATTY.yes, CHATTY.no.id: CHATTY.no}.pop(found.id)
        assert info_of(found) == info_of(written)
        assert found.to_dict() == written.to_dict()
    assert len(catalog.instruments()) == 2


def test_a_contract_without_its_venues_facts_is_refused():
    plain = type(YES).from_dict(YES.to_dict() | {"info": None})
    with pytest.raises(ValueError, match=r"expected KXFED-27JAN-C-YES\.KALSHI to carry its venue's facts"):
        info_of(plain)


@pytest.mark.parametrize(
    ("ranges", "complaint"),
    [
        ((), r"expected price ranges for KXFED-27JAN-C, found none"),
        (
            (PriceRange(Decimal(0), Decimal(1), Decimal("0.00015")),),
            r"expected ticks of at most 4 digits for KXFED-27JAN-C, found 0\.00015",
        ),
        (
            (
                PriceRange(Decimal(0), Decimal("0.5"), Decimal("0.0001")),
                PriceRange(Decimal("0.5"), Decimal(1), Decimal("0.00125")),
            ),
            r"expected ticks of at most 4 digits for KXFED-27JAN-C, found 0\.00125",
        ),
        (
            (PriceRange(Decimal(0), Decimal(1), Decimal(0)),),
            r"expected ticks above 0 for KXFED-27JAN-C, found 0",
        ),
    ],
)
def test_ticks_that_no_contract_can_have_are_refused_with_the_markets_name(ranges, complaint):
    with pytest.raises(ValueError, match=complaint):
        market(price_ranges=ranges)


def test_pairs_are_found_in_order_of_their_opening_and_halves_are_left_out():
    late = market("KXFED-27FEB-C", opens_ns=START + 5)
    early = market("KXFED-27MAR-C", opens_ns=START - 5)
    half = market("KXFED-27APR-C")
    found = pairs_among([late.no, half.no, early.yes, late.yes, early.no])
    assert [pair.market for pair in found] == ["KXFED-27MAR-C.KALSHI", "KXFED-27FEB-C.KALSHI"]
    assert [(pair.yes.id, pair.no.id) for pair in found] == [(m.yes.id, m.no.id) for m in (early, late)]


def test_markets_that_open_together_are_paired_in_order_of_their_names():
    markets = [market(f"KXFED-27JAN-{letter}") for letter in "CAB"]
    found = pairs_among([side for one in markets for side in (one.yes, one.no)])
    assert [pair.yes.id.symbol.value[-5] for pair in found] == ["A", "B", "C"]


BTC5M = MarketTerms(
    market="0xc0c6",
    venue="POLYMARKET",
    series="btc-updown-5m",
    event="0xc0c6",
    title="Bitcoin Up or Down",
    opens_ns=START,
    closes_ns=START + 300_000_000_000,
    known_ns=START,
    price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
    fees=(FEES,),
    tokens=("44741", "23220"),
    labels=("Up", "Down"),
    name="btc-updown-5m-1786856400",
    currency="pUSD",
    size_digits=6,
    min_size=Decimal(5),
)


def test_a_venue_may_name_its_sides_and_pay_in_its_own_money():
    pair = make_pair(BTC5M)
    assert str(pair.yes.id) == "0xc0c6-44741.POLYMARKET"
    assert complement_of(pair.no) == pair.yes.id
    assert (pair.yes.outcome, pair.no.outcome) == ("Up", "Down")
    assert (info_of(pair.yes)["outcome"], info_of(pair.no)["outcome"]) == ("YES", "NO")
    assert pair.yes.quote_currency == PUSD
    assert pair.market == "0xc0c6.POLYMARKET"


def test_fills_may_be_finer_than_orders_can_be():
    yes = make_pair(BTC5M).yes
    assert yes.size_precision == 6
    assert yes.size_increment.as_decimal() == Decimal("0.01")
    assert str(yes.make_qty(3.141593)) == "3.140000"
    assert str(Quantity.from_decimal_dp(Decimal("3.141593"), yes.size_precision)) == "3.141593"


def test_a_person_types_the_venues_own_words():
    pair = make_pair(BTC5M)
    assert readable(pair.no) == "polymarket:btc-updown-5m-1786856400:Down"
    assert find_instrument("polymarket:btc-updown-5m-1786856400:UP", [pair.yes, pair.no]) == pair.yes.id


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"currency": "EUR"}, "paid in USD, pUSD, found 'EUR'"),
        ({"order_step": Decimal("0.0000001")}, "an order_step of at most 6 digits"),
        ({"order_step": Decimal(0)}, "an order_step of at most 6 digits"),
    ],
)
def test_money_and_steps_that_no_instrument_has_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        make_pair(msgspec.structs.replace(BTC5M, **wrong))
