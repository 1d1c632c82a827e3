from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tapes import COIN, SERIES, MemoryCatalog, book, made_up, strategy
from toy import SECOND, START, market

from storage.errors import WrongSchema
from storage.reading import CatalogReader
from system.book import BadBook
from system.feed import first_versions
from system.planning import Wish, make_plan
from system.synthetic import fill_catalog, read_settings

QUARTERS = made_up(markets=2, events_per_second=0.05)
FIRST, LAST = QUARTERS.first_ns, QUARTERS.last_ns
MIDNIGHT = 1_788_220_800_000_000_000  # 2026-09-01 00:00 UTC


def plan(raw=None, start=None, end=None, reader=QUARTERS):
    return make_plan(raw or book(COIN), Path("memory"), reader, Wish(start, end))


def with_backtest(**changes):
    raw = book(COIN)
    return raw | {"backtest": raw["backtest"] | changes}


def names(found):
    return [market.market for market in found.markets]


# What is replayed


@pytest.mark.parametrize(
    ("instruments", "closings"),
    [
        ([SERIES], ["0015", "0030"]),
        (["kalshi:SYNBTC15M-26SEP010030:YES"], ["0030"]),
        (["kalshi:synbtc15m-26sep010030:no"], ["0030"]),
        (["SYNBTC15M-26SEP010015-NO.KALSHI"], ["0015"]),
        (["SYNBTC15M-26SEP010015-NO.KALSHI", "kalshi:SYNBTC15M-26SEP010015:YES"], ["0015"]),
        (["kalshi:SYNBTC15M-26SEP010030:YES", SERIES], ["0015", "0030"]),
    ],
)
def test_a_book_names_markets_by_series_readable_name_or_id(instruments, closings):
    assert names(plan(book(COIN, instruments=instruments))) == [
        f"SYNBTC15M-26SEP01{closing}.KALSHI" for closing in closings
    ]


def test_a_readable_name_in_a_strategys_settings_becomes_an_id():
    kelly = strategy(
        "strategies.kelly:Kelly", "kelly-1",
        instrument_id="kalshi:synbtc15m-26sep010030:no", probability=Decimal("0.6"), bankroll=1000,
    )  # fmt: skip
    config = plan(book(kelly)).book.strategies[0].config
    assert str(config.instrument_id) == "SYNBTC15M-26SEP010030-NO.KALSHI"


@pytest.mark.parametrize(
    ("instruments", "complaint"),
    [
        (
            [SERIES, "kalshi:SYNBTC16M-*"],
            r"expected a series among SYNBTC15M\.KALSHI, found 'kalshi:SYNBTC16M-\*' - at `\$\.instruments\[1\]`",
        ),
        (
            ["kalshi:SYNBTC15M-26SEP010031:YES"],
            r"found 'kalshi:SYNBTC15M-26SEP010031:YES'; did you mean kalshi:SYNBTC15M-26SEP010030:YES .*`\$\.instruments\[0\]`",
        ),
        (["SYNBTC15M-*"], r"expected a series such as `kalshi:KXBTC15M-\*`.*`\$\.instruments\[0\]`"),
        (["bitcoin"], r"'bitcoin'.*`\$\.instruments\[0\]`"),
        ([], r"expected at least one instrument or series, found none - at `\$\.instruments`"),
    ],
)
def test_an_unknown_instrument_is_refused_with_its_place_and_its_neighbours(instruments, complaint):
    with pytest.raises(BadBook, match=complaint):
        plan(book(COIN, instruments=instruments))


def test_an_unknown_instrument_in_a_strategys_settings_is_refused_with_its_path():
    kelly = strategy(
        "strategies.kelly:Kelly", "kelly-1", instrument_id="kalshi:SYNBTC15M-X:NO", probability=0.6
    )
    with pytest.raises(
        BadBook, match=r"expected an instrument .* `\$\.strategies\[0\]\.config\.instrument_id`"
    ):
        plan(book(kelly))


def test_a_book_without_a_backtest_cannot_be_replayed():
    raw = {key: value for key, value in book(COIN).items() if key != "backtest"}
    with pytest.raises(BadBook, match=r"expected a \[backtest\] table in the book, found none"):
        plan(raw)


# When


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, None, FIRST, LAST + 1),
        ("2026-09-01T00:05:00Z", None, MIDNIGHT + 300 * 10**9, LAST + 1),
        ("2026-09-01T00:05:00", None, MIDNIGHT + 300 * 10**9, LAST + 1),
        (
            "2026-09-01 02:05+02:00",
            "2026-09-01T00:05:00.123456789Z",
            MIDNIGHT + 300 * 10**9,
            MIDNIGHT + 300_123_456_789,
        ),
        ("2026-08-01", "2026-10-01", FIRST, LAST + 1),
        (None, "2026-09-01", FIRST, MIDNIGHT),
    ],
)
def test_a_period_is_utc_to_the_nanosecond_and_ends_with_the_catalog(start, end, first, last):
    found = plan(start=start, end=end)
    assert (found.start_ns, found.end_ns) == (first, last)


def test_the_command_line_overrules_the_book():
    raw = with_backtest(
        start=datetime.fromisoformat("2026-09-01T00:02:00Z"),
        end=datetime.fromisoformat("2026-09-01T00:20:00"),
    )
    assert plan(raw).start_ns == MIDNIGHT + 120 * 10**9
    assert plan(raw).end_ns == MIDNIGHT + 1200 * 10**9
    assert plan(raw, start="2026-09-01T00:03:00").start_ns == MIDNIGHT + 180 * 10**9


@pytest.mark.parametrize("end", ["2026-09-01T00:05:00", "2026-09-01T00:04:59"])
def test_an_empty_or_reversed_period_is_refused(end):
    with pytest.raises(
        BadBook, match=r"expected a start before the end, found 2026-09-01T00:05:00.* to 2026-09-01T00:0"
    ):
        plan(start="2026-09-01T00:05:00", end=end)


@pytest.mark.parametrize(("start", "end"), [("2025-01-01", "2025-01-02"), ("2027-01-01", "2027-01-02")])
def test_a_period_outside_the_catalog_is_refused_with_what_the_catalog_covers(start, end):
    with pytest.raises(
        BadBook, match=rf"expected a period within 2026-08-31T23:59:00.* to 2026-09-01T00:30:10.*{end}"
    ):
        plan(start=start, end=end)


@pytest.mark.parametrize(
    "typed",
    ["", "yesterday", "now", "today", "NaT", "01/09/2026", "2026-13-01", "2026-09-01T25:00", "May 2026",
     "9999-01-01", "1500-01-01", "1788220800"],
)  # fmt: skip
@pytest.mark.parametrize("which", ["start", "end"])
def test_what_is_no_iso_date_of_our_time_is_refused(typed, which):
    with pytest.raises(
        BadBook, match=rf"expected an ISO 8601 {which} such as 2026-05-13T12:00:00Z, found '{typed}'"
    ):
        plan(**{which: typed})


def test_a_book_with_a_date_beyond_all_clocks_is_refused():
    with pytest.raises(BadBook, match="expected an ISO 8601 end"):
        plan(with_backtest(end=datetime.fromisoformat("9999-01-01T00:00:00Z")))


def test_a_catalog_with_instruments_but_no_data_is_refused(tmp_path):
    class Bare(MemoryCatalog):
        def __init__(self):
            self._instruments = QUARTERS.instruments()

        @property
        def first_ns(self):
            raise LookupError("expected data in the catalog, found none")

        last_ns = first_ns

    with pytest.raises(BadBook, match="memory: expected data in the catalog, found none"):
        plan(reader=Bare())


# With what money, under what name


@pytest.mark.parametrize(
    ("starting", "complaint"),
    [
        ({}, r"expected a starting amount at KALSHI, where SYNBTC15M-26SEP010015\.KALSHI trades, found none"),
        ({"KALSHI": Decimal("0.0000001")}, r"expected whole millionths of a dollar at KALSHI, found 1E-7"),
        ({"KALSHI": 0}, r"expected a starting amount above 0 USD at KALSHI, found 0"),
        ({"KALSHI": Decimal("NaN")}, r"expected a starting amount above 0 USD at KALSHI, found NaN"),
    ],
)
def test_money_that_no_account_can_hold_is_refused(starting, complaint):
    with pytest.raises(BadBook, match=complaint):
        plan(with_backtest(starting_usd=starting))


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "/tmp/x", ".hidden"])
def test_a_book_whose_name_is_no_name_for_a_folder_is_refused(name):
    with pytest.raises(BadBook, match=r"expected a name .* - at `\$\.name`"):
        plan(book(COIN) | {"name": name})


# Made-up markets


def test_a_book_states_the_generators_settings():
    settings = read_settings(
        {"seed": 3, "markets": 2, "events_per_second": Decimal("0.05"), "makers": {"lag_ms": Decimal("20.5")}}
    )
    assert (settings.seed, settings.markets, settings.events_per_second) == (3, 2, 0.05)
    assert settings.makers.lag_ms == 20.5
    assert read_settings({}).markets == 24


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"seeds": 3}, r"expected one of seed, .*, found 'seeds' - at `\$\.backtest\.synthetic`"),
        (
            {"makers": {"lag": 3}},
            r"expected one of lag_ms, .*, found 'lag' - at `\$\.backtest\.synthetic\.makers`",
        ),
        ({"markets": 0}, r"expected markets between 1 and 40000, found 0 .*synthetic`"),
        (
            {"markets": "two"},
            r"Expected `int`, got `str` - at `\$\.markets` - below `\$\.backtest\.synthetic`",
        ),
        ({"makers": {"lag_ms": -1}}, r"expected maker lag_ms between .*found -1.*makers`"),
        ({"crowd": 3}, r"got `int` - at `\$\.crowd`"),
        ({"start_ns": MIDNIGHT + 1}, r"expected start_ns on a quarter of an hour UTC"),
        ({"events_per_second": Decimal("NaN")}, r"expected events_per_second between"),
    ],
)
def test_a_wrong_setting_of_the_generator_is_refused_with_its_path(raw, complaint):
    with pytest.raises(BadBook, match=complaint):
        read_settings(raw)


def test_a_made_up_catalog_can_be_planned_and_says_how_many_rows_it_has(tmp_path):
    done = []
    settings = read_settings({"markets": 2, "events_per_second": Decimal("0.05")})
    rows = fill_catalog(tmp_path / "catalog", settings, done.append)
    reader = CatalogReader(tmp_path / "catalog")
    assert done == [1, 2]
    assert names(plan(reader=reader)) == names(plan())
    assert (reader.first_ns, reader.last_ns) == (FIRST, LAST)
    assert rows == sum(len(items) for items in QUARTERS._items.values())


def test_a_folder_that_is_no_catalog_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "stray.parquet").write_bytes(b"")
    with pytest.raises(WrongSchema, match="schema 0"):
        CatalogReader(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"expected a catalog at .*absent, found none"):
        CatalogReader(tmp_path / "absent")


def test_a_market_is_known_to_a_replay_from_the_version_that_names_its_strike():
    strike = {"recorded_as": "live", "strike_type": "greater"}
    early, later_ns = market(**strike), START + 5 * SECOND
    named = market(**strike, floor_strike=Decimal("0.25"), known_ns=later_ns)
    again = market(**strike, floor_strike=Decimal("0.25"), known_ns=later_ns + 1)
    found = first_versions([side for one in (again, early, named) for side in (one.yes, one.no)])
    assert [(one.yes.ts_init, one.info["floor_strike"]) for one in found] == [(later_ns, "0.25")]
