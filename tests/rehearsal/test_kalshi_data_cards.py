"""Data cards at Kalshi that need more than `test_kalshi_data` shows: requests, refusals, faults in the stream."""

from functools import partial

import pytest
from kalshi_house import KALSHI, SECOND, side
from kalshi_keeper import kept
from nautilus_trader.model import BarType, BookType, ClientId, OptionSeriesId, StrikeRange

BOOK = "orderbook_delta"


@pytest.fixture(scope="module")
def play():
    with kept() as keeper:
        yield keeper


# Instruments


@pytest.mark.card("kalshi", "TC-D01", "TC-D72")
def test_the_markets_of_a_series_can_be_asked_for_without_combos_and_without_others(play):
    async def scene(on):
        for ticker, facts in (
            ("KXETH15M-A-00", {}),
            ("KXETH15M-COMBO-00", {"mve_collection_ticker": "KXMVE-1"}),
            ("KXSOL15M-A-00", {}),
        ):
            on.announce(ticker, **facts)
        on.hand.request_instruments(KALSHI, params={"series": "KXETH15M"})
        ids = {str(side("KXETH15M-A-00", outcome)) for outcome in ("YES", "NO")}
        await on.until(lambda: on.cache.instrument(side("KXETH15M-A-00", "NO")) is not None)
        found = [one for one in on.cache.instruments(KALSHI) if str(one.id).startswith(("KXETH", "KXSOL"))]
        assert {str(one.id) for one in found} == ids
        for one in found:
            assert (one.price_precision, str(one.size_increment)) == (4, "0.01")
            assert str(one.raw_symbol) == one.id.symbol.value

    play(scene)


@pytest.mark.card("kalshi", "TC-D02", "TC-D03")
def test_one_instrument_of_a_series_that_nobody_follows_is_loaded_with_its_rules(play):
    async def scene(on):
        on.announce("KXXRP15M-A-00")
        wanted = side("KXXRP15M-A-00", "NO")
        on.hand.request_instrument(wanted)
        on.hand.subscribe_instrument(wanted)
        await on.until(lambda: on.cache.instrument(wanted) is not None)
        found = on.cache.instrument(wanted)
        assert (found.price_precision, str(found.price_increment)) == (4, "0.0010")
        assert (found.size_precision, str(found.min_quantity)) == (2, "0.01")
        assert [part["step"] for part in found.info["price_ranges"]] == ["0.0010", "0.0100", "0.0010"]
        assert found.info["shard"] == 2

    play(scene)


# Books, quotes, trades


@pytest.mark.card("kalshi", "TC-D14", "TC-D71")
def test_the_engine_keeps_a_book_in_order_and_the_adapter_asks_for_its_price_scale(play):
    async def scene(on):
        ticker = "KXBNB15M-A-00"
        on.announce(ticker)
        for number in range(1, 5):
            on.rest(ticker, "bid", f"0.4{number}", "5")
            on.rest(ticker, "ask", f"0.5{number}", "5")
        for outcome, best in (("YES", ("0.4400", "0.5100")), ("NO", ("0.4900", "0.5600"))):
            leg = side(ticker, outcome)
            on.hand.subscribe_book_deltas(leg, BookType.L2_MBP, managed=True)
            await on.until(partial(has_levels, on.cache, leg, 4))
            book = on.cache.order_book(leg)
            bids, asks = ([one.price for one in part] for part in (book.bids(), book.asks()))
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert (str(bids[0]), str(asks[0])) == best
        asked = [one["params"] for one in on.wire.commands if one["cmd"] == "subscribe"]
        books = [one["use_yes_price"] for one in asked if one["channels"] == ["orderbook_delta"]]
        assert books
        assert all(books)

    play(scene)


def has_levels(cache, leg, count):
    book = cache.order_book(leg)
    return book is not None and len(book.bids()) == len(book.asks()) == count


@pytest.mark.card("kalshi", "TC-D11")
def test_the_whole_book_comes_once_a_second(play):
    async def scene(on):
        on.announce("KXDOGE15M-A-00")
        on.rest("KXDOGE15M-A-00", "bid", "0.40", "10")
        on.rest("KXDOGE15M-A-00", "ask", "0.60", "10")
        wanted = side("KXDOGE15M-A-00", "NO")
        on.hand.request_instrument(wanted)
        await on.until(lambda: on.cache.instrument(wanted) is not None)
        on.hand.subscribe_book_at_interval(wanted, BookType.L2_MBP, 1000, 10)
        await on.until(lambda: len([book for _, book in on.hand.answers if book.best_bid_price()]) >= 2)
        _, book = on.hand.answers[-1]
        assert (str(book.best_bid_price()), str(book.best_ask_price())) == ("0.4000", "0.6000")
        on.hand.unsubscribe_book_at_interval(wanted, 1000)

    play(scene)


@pytest.mark.card("kalshi", "TC-D21", "TC-D41")
@pytest.mark.parametrize(
    ("outcome", "kind", "expected"),
    [
        ("YES", "LAST", [("0.5000", "0.6000", "0.4000", "0.4000", "30.00")]),
        ("NO", "LAST", [("0.5000", "0.6000", "0.4000", "0.6000", "30.00")]),
        ("YES", "BID", [("0.4000", "0.4500", "0.4000", "0.4500", "0.00")]),
        ("NO", "ASK", [("0.6000", "0.6000", "0.5500", "0.5500", "0.00")]),
        ("YES", "ASK", [("0.6000", "0.6000", "0.5500", "0.5500", "0.00")]),
    ],
)
def test_past_bars_of_trades_and_of_quotes_come_in_order_and_quiet_periods_have_none(
    play, outcome, kind, expected
):
    async def scene(on):
        on.hand.request_bars(BarType.from_str(f"{side(TOLD, outcome)}-1-MINUTE-{kind}-EXTERNAL"))
        await on.until(lambda: on.hand.answers)
        ((_, bars),) = on.hand.answers
        told = [tuple(str(v) for v in (one.open, one.high, one.low, one.close, one.volume)) for one in bars]
        assert told[-1:] == expected
        ends = [one.ts_event for one in bars]
        assert ends == sorted(set(ends))
        assert all(end % (60 * SECOND) == 0 for end in ends)
        assert all(
            one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in bars
        )

    play(tell_the_past)
    play(scene)


TOLD = "KXBTC15M-TOLD-00"


async def tell_the_past(on):
    """Let a market have traded in one of its last minutes, and been quiet in the next."""
    if TOLD in on.hand.met:
        return
    on.announce(TOLD, opens_in_secs=-1000)
    with on.gone_by(600):
        on.rest(TOLD, "bid", "0.40", "100")
        on.rest(TOLD, "ask", "0.60", "100")
    with on.gone_by(300):
        on.rest(TOLD, "bid", "0.50", "10")
        on.take(TOLD, "ask", "0.50", "10")
        on.take(TOLD, "bid", "0.60", "10")
        on.take(TOLD, "ask", "0.40", "10")
    with on.gone_by(180):
        on.rest(TOLD, "bid", "0.45", "100")
        on.rest(TOLD, "ask", "0.55", "100")
    await on.until(lambda: TOLD in on.hand.met)


NO_STREAMS = [
    pytest.param(
        lambda hand, one: hand.subscribe_book_depth(one, BookType.L2_MBP),
        "_subscribe_book_depth",
        "no depth stream",
        marks=pytest.mark.card("kalshi", "TC-D12"),
    ),
    pytest.param(
        lambda hand, one: hand.subscribe_bars(BarType.from_str(f"{one}-1-MINUTE-LAST-EXTERNAL")),
        "_subscribe_bars",
        "no bar stream",
        marks=pytest.mark.card("kalshi", "TC-D40"),
    ),
    pytest.param(
        lambda hand, one: hand.subscribe_mark_prices(one),
        "_subscribe_mark_prices",
        "no mark price",
        marks=pytest.mark.card("kalshi", "TC-D50"),
    ),
    pytest.param(
        lambda hand, one: hand.subscribe_index_prices(one),
        "_subscribe_index_prices",
        "OraclePrice",
        marks=pytest.mark.card("kalshi", "TC-D51"),
    ),
    pytest.param(
        lambda hand, one: hand.subscribe_funding_rates(one),
        "_subscribe_funding_rates",
        "no funding",
        marks=pytest.mark.card("kalshi", "TC-D52"),
    ),
    pytest.param(
        lambda hand, one: hand.request_funding_rates(one),
        "_request_funding_rates",
        "no funding",
        marks=pytest.mark.card("kalshi", "TC-D53"),
    ),
    pytest.param(
        lambda hand, one: hand.subscribe_option_greeks(one),
        "_subscribe_option_greeks",
        "no options",
        marks=pytest.mark.card("kalshi", "TC-D62"),
    ),
    pytest.param(
        lambda hand, one: hand.request_quotes(one),
        "_request_quotes",
        "request BID and ASK bars",
        marks=pytest.mark.card("kalshi", "TC-D21"),
    ),
    pytest.param(
        lambda hand, one: hand.request_book_deltas(one),
        "_request_book_deltas",
        "keeps no past books",
        marks=pytest.mark.card("kalshi", "TC-D15"),
    ),
]


@pytest.mark.parametrize(("ask", "hook", "reason"), NO_STREAMS)
def test_what_the_venue_has_not_is_refused_with_a_reason_before_a_byte_leaves(play, ask, hook, reason):
    async def scene(on):
        ticker = await on.market()
        commands, routes, refusals = len(on.wire.commands), len(on.routes), []
        refuse = getattr(on.data, hook)

        async def watch(command):
            try:
                await refuse(command)
            except NotImplementedError as error:
                refusals.append(str(error))
                raise

        setattr(on.data, hook, watch)
        ask(on.hand, side(ticker))
        await on.until(lambda: refusals)
        delattr(on.data, hook)
        assert reason in refusals[0]
        on.rest(ticker, "bid", "0.45", "1")
        await on.until(lambda: on.levels(ticker)[0][0] == ("0.4500", "1.00"))
        assert on.wire.commands[commands:] == []
        assert [one for one in on.routes[routes:] if ticker in one] == []

    play(scene)


@pytest.mark.card("kalshi", "TC-D63")
def test_an_option_chain_finds_no_option_and_asks_the_venue_nothing(play):
    async def scene(on):
        ticker = await on.market()
        commands, routes = len(on.wire.commands), set(on.routes)
        chain = OptionSeriesId("KALSHI", "BTC", "USD", 2_000_000_000_000_000_000)
        on.hand.subscribe_option_chain(chain, StrikeRange.atm_relative(1, 1), client_id=ClientId("KALSHI"))
        on.rest(ticker, "bid", "0.45", "1")
        await on.until(lambda: on.levels(ticker)[0][0] == ("0.4500", "1.00"))
        assert on.wire.commands[commands:] == []
        assert set(on.routes) <= routes | LOOKS
        with pytest.raises(NotImplementedError, match="no options"):
            await on.data._request_option_chain_reference_price(None)

    play(scene)


LOOKS = {"GET /markets", "GET /exchange/status", "GET /portfolio/balance"}
"""What the clients ask by themselves, now and then."""
