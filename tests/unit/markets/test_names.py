from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import InstrumentId
from toy import NO, YES, market

from markets.names import Series, UnknownName, find_instrument, is_series, readable

QUARTER = market("KXBTC15M-26OCT031745-45")
KNOWN = [YES, NO, QUARTER.yes, QUARTER.no]


def test_a_series_knows_its_venue_its_ticker_and_the_key_of_its_facts():
    series = Series("kalshi:KXBTC15M-*")
    assert (series.venue, series.ticker, series.key) == ("KALSHI", "KXBTC15M", "KXBTC15M.KALSHI")
    assert series == "kalshi:KXBTC15M-*"


def test_a_series_holds_both_sides_of_its_markets_and_nothing_else():
    series = Series("kalshi:KXBTC15M-*")
    assert [series.holds(side) for side in KNOWN] == [False, False, True, True]
    assert not Series("polymarket:KXBTC15M-*").holds(QUARTER.yes)
    assert not Series("kalshi:KXBTC-*").holds(QUARTER.yes)


@pytest.mark.parametrize(
    "text",
    ["", "KXBTC15M-*", ":KXBTC15M-*", "kalshi:", "kalshi:*", "kalshi:-*", "kalshi:KXBTC15M", "kalshi:KX*-*",
     "kalshi:KXBTC15M-*-*", "kalshi: -*", "kal shi:KXBTC15M-*", "kalshi:KXBTC15M-45:YES-*"],
)  # fmt: skip
def test_what_is_no_series_is_refused(text):
    with pytest.raises(ValueError, match="expected a series such as `kalshi:KXBTC15M-"):
        Series(text)


def test_a_star_at_the_end_makes_a_series():
    assert is_series("kalshi:KXBTC15M-*")
    assert not is_series("kalshi:KXBTC15M-26OCT031745-45:YES")
    assert not is_series("KXBTC15M-26OCT031745-45-YES.KALSHI")


@pytest.mark.parametrize("side", KNOWN, ids=lambda side: str(side.id))
def test_readable_names_in_any_case_and_ids_find_the_same_outcome(side):
    name = readable(side)
    for text in (name, name.upper(), name.lower(), str(side.id)):
        assert find_instrument(text, KNOWN) == side.id


def test_the_readable_name_is_what_a_person_would_type():
    assert readable(QUARTER.no) == "kalshi:KXBTC15M-26OCT031745-45:NO"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("kalshi:KXBTC15M-26OCT031745-54:YES", "kalshi:KXBTC15M-26OCT031745-45:YES"),
        ("kalshi:kxbtc15m-26oct031745-4:no", "kalshi:KXBTC15M-26OCT031745-45:NO"),
        ("KXFED-27JAN-D-YES.KALSHI", "KXFED-27JAN-C-YES.KALSHI"),
        ("kxfed-27jan-c-yes.KALSHI", "KXFED-27JAN-C-YES.KALSHI"),
        ("kalshi:KXFED-27JAN-C:Yess", "kalshi:KXFED-27JAN-C:YES"),
    ],
)
def test_a_name_that_is_nearly_right_gets_a_hint(text, near):
    with pytest.raises(UnknownName) as caught:
        find_instrument(text, KNOWN)
    assert f"expected an instrument that the catalog holds, found {text!r}; did you mean {near}" in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["a:b:c", "AAPL.XNAS"])
def test_a_name_far_from_all_others_gets_their_number(text):
    with pytest.raises(UnknownName, match=rf"found '{text}'; 4 outcomes are known"):
        find_instrument(text, KNOWN)
    with pytest.raises(UnknownName, match="0 outcomes are known"):
        find_instrument(text, [])


@pytest.mark.parametrize("text", ["", "fed", "kalshi:FED", "a:b:c:d", ".KALSHI", "FED."])
def test_what_is_neither_a_name_nor_an_id_is_refused(text):
    with pytest.raises(ValueError, match="InstrumentId"):
        find_instrument(text, KNOWN)


@given(st.text(max_size=30))
def test_no_text_breaks_the_search(text):
    try:
        found = find_instrument(text, KNOWN)
    except (UnknownName, ValueError):
        return
    assert found in {side.id for side in KNOWN}


def test_a_venue_is_part_of_the_name():
    stranger = SimpleNamespace(id=InstrumentId.from_str("KXFED-27JAN-C-YES.OTHER"), info=YES.info)
    assert find_instrument("other:KXFED-27JAN-C:YES", [stranger, YES]) == stranger.id
