import asyncio
import json
import re
from base64 import b64decode
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from multidict import MultiDict

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages import orders, queries
from adapters.kalshi.messages.numbers import price_text, size_text
from adapters.kalshi.messages.refusals import read_refusal, says_duplicate
from adapters.kalshi.signing import Credentials
from network.errors import BadReply, Refusal
from network.outcomes import Done, Refused, Unknown

PREFIX = "/trade-api/v2"
MARKET, EVENT, SERIES = "KXBTC15M-26OCT031745-45", "KXBTC15M-26OCT031745", "KXBTC15M"
ORDER_ID, CLIENT_ID = "3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d", "8c35ecb3-328f-4f52-8c7c-0f4b9862f8d1"
NOW = 1_790_000_000
CREATED = {"order_id": ORDER_ID, "fill_count": "0.00", "remaining_count": "10.00", "ts_ms": 1}
CANCELED = {"order_id": ORDER_ID, "reduced_by": "10.00", "ts_ms": 1}


def order(**changes):
    bare = {
        "ticker": MARKET,
        "side": "bid",
        "count": "10.00",
        "price": "0.5600",
        "time_in_force": "good_till_canceled",
        "client_order_id": CLIENT_ID,
    }
    return orders.CreateOrder(**(bare | changes))


def cancel(**changes):
    return orders.CancelOrder(**({"order_id": ORDER_ID, "market_ticker": MARKET} | changes))


class Venue:
    """Answers by (method, path) with JSON or a handler, and keeps every request."""

    def __init__(self):
        self.answers = {}
        self.requests = []

    def answer(self, method, path, *bodies, status=200):
        self.answers[method, PREFIX + path] = [(status, body) for body in bodies]

    async def handle(self, request):
        body = await request.read()
        sent = json.loads(body) if body else None
        self.requests.append((request.method, request.path, request.query, sent, request.headers))
        answers = self.answers.get((request.method, request.path), [(404, {"code": "not_found"})])
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            request.transport.close()
        if isinstance(answer, bytes):
            return web.Response(status=status or 500, body=answer, content_type="text/html")
        return web.Response(status=status or 500, body=b"" if answer is None else msgspec.json.encode(answer))

    @property
    def last(self):
        return self.requests[-1]


@pytest.fixture
def venue():
    return Venue()


@pytest.fixture
def connected(serve, venue, clock, credentials):
    @asynccontextmanager
    async def connecting(signer=credentials, **settings):
        async with serve(venue.handle) as address:
            config = KalshiConfig(rest_url=f"http://{address}{PREFIX}", **settings)
            async with KalshiHttp(
                config, signer, now_ns=clock.now_ns, monotonic=clock.monotonic, sleep=clock.sleep
            ) as http:
                yield http

    return connecting


@pytest.fixture
def ask(run, connected):
    """Run one call on a client and return what came back."""

    def asking(call, **settings):
        found = []

        async def work():
            async with connected(**settings) as http:
                found.append(await call(http))

        run(work)
        return found[0]

    return asking


def test_each_request_is_signed_without_its_query(ask, venue, key):
    venue.answer("GET", "/portfolio/orders", {"orders": [], "cursor": ""})
    ask(lambda http: http.get_orders(queries.OrdersQuery(ticker=MARKET)))
    *_, headers = venue.last
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{PREFIX}/portfolio/orders".encode()
    key.public_key().verify(b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), text)


def test_a_new_order_goes_out_with_the_signature_that_was_made_ahead(ask, venue, clock):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    venue.answer("POST", "/portfolio/events/orders", CREATED, status=201)

    async def two(http):
        http.sign_ahead()
        made_ms = clock.now_ns() // 1_000_000
        return made_ms, await http.create_order(order()), await http.create_order(order())

    made_ms, *outcomes = ask(two, signer=Credentials("id", key))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    first, second = (headers for *_, headers in venue.requests)
    assert int(first["KALSHI-ACCESS-TIMESTAMP"]) <= made_ms
    assert first["KALSHI-ACCESS-SIGNATURE"] != second["KALSHI-ACCESS-SIGNATURE"]
    for headers in (first, second):
        text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}POST{PREFIX}/portfolio/events/orders".encode()
        signature = b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
        key.public_key().verify(signature, text, PSS(mgf=MGF1(SHA256()), salt_length=32), SHA256())


def test_an_empty_page_with_a_cursor_is_not_the_last(ask, venue):
    market = {"ticker": MARKET, "open_time": "2026-10-03T21:30:00Z", "close_time": "2026-10-03T21:45:00Z"}
    pages = [{"markets": [market], "cursor": "a"}, {"markets": [], "cursor": "b"}, {"markets": [market]}]
    venue.answer("GET", "/markets", *pages)
    markets = ask(lambda http: http.get_markets(queries.MarketsQuery(series_ticker=SERIES, status="open")))
    assert [one.ticker for one in markets] == [MARKET, MARKET]
    assert [query.get("cursor") for _, _, query, *_ in venue.requests] == [None, "a", "b"]
    assert venue.last[2]["mve_filter"] == "exclude"
    assert venue.last[2]["limit"] == "1000"


def test_a_cursor_that_comes_again_is_an_error_and_no_endless_loop(ask, venue):
    venue.answer("GET", "/markets", {"markets": [], "cursor": "a"})
    with pytest.raises(BadReply, match="cursor"):
        ask(lambda http: http.get_markets(queries.MarketsQuery()))


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"min_close_ts": 1, "status": "open"}, "closed"),
        ({"min_created_ts": 1, "status": "settled"}, "unopened"),
        ({"max_settled_ts": 1, "status": "closed"}, "settled"),
        ({"min_updated_ts": 1, "status": "open"}, "updated"),
        ({"min_updated_ts": 1, "mve_filter": None}, "mve_filter"),
        ({"min_updated_ts": 1, "event_ticker": EVENT}, "series"),
        ({"min_close_ts": 1, "min_created_ts": 1}, "one kind"),
    ],
)
def test_mixtures_of_filters_that_the_venue_refuses_are_not_sent(filters, words):
    with pytest.raises(ValueError, match=words):
        queries.MarketsQuery(**filters)


@pytest.mark.parametrize("status", [None, "settled"])
def test_mixtures_that_it_takes_are(status):
    assert queries.MarketsQuery(min_settled_ts=1, status=status).params()["min_settled_ts"] == "1"


def test_too_many_candles_are_not_asked_for():
    queries.CandlesticksQuery(start_ts=NOW, end_ts=NOW + 5_000 * 60, period_interval=1)
    with pytest.raises(ValueError, match="5000 periods"):
        queries.CandlesticksQuery(start_ts=NOW, end_ts=NOW + 5_001 * 60, period_interval=1)
    with pytest.raises(ValueError, match="100 periods"):
        tickers = tuple(map(str, range(100)))
        queries.BatchCandlesticksQuery(market_tickers=tickers, start_ts=0, end_ts=6_060, period_interval=1)


def test_books_are_asked_for_with_a_key_that_repeats(ask, venue):
    book = {"yes_dollars": [["0.1000", "5.00"]], "no_dollars": None}
    venue.answer("GET", "/markets/orderbooks", {"orderbooks": [{"ticker": "A", "orderbook_fp": book}]})
    (found,) = ask(lambda http: http.get_market_orderbooks(queries.OrderbooksQuery(tickers=["A", "B"])))
    assert venue.last[2].getall("tickers") == ["A", "B"]
    assert (found.market_ticker, found.levels("yes"), found.levels("no")) == ("A", (("0.1000", "5.00"),), ())


def trade(number, day):
    return {"trade_id": str(number), "ticker": MARKET, "created_time": f"2026-09-{day:02}T00:00:00Z"}


def test_live_and_archived_trades_come_once_each(ask, venue):
    venue.answer("GET", "/historical/cutoff", {
        "market_settled_ts": "2026-09-10T00:00:00Z",
        "trades_created_ts": "2026-09-10T00:00:00Z",
        "orders_updated_ts": "2026-09-10T00:00:00Z",
    })  # fmt: skip
    venue.answer("GET", "/markets/trades", {"trades": [trade(4, 20), trade(3, 10)], "cursor": "x"}, {
        "trades": [trade(2, 9)], "cursor": ""
    })  # fmt: skip
    venue.answer("GET", "/historical/trades", {"trades": [trade(3, 10), trade(2, 9), trade(1, 1)]})

    async def collect(http, query):
        return [one.trade_id async for one in http.all_trades(query)]

    assert ask(lambda http: collect(http, queries.TradesQuery(ticker=MARKET))) == ["4", "3", "2", "1"]
    venue.requests.clear()
    late = queries.TradesQuery(ticker=MARKET, min_ts=1_789_500_000)
    venue.answer("GET", "/markets/trades", {"trades": [trade(4, 20)]})
    assert ask(lambda http: collect(http, late)) == ["4"]
    assert PREFIX + "/historical/trades" not in [path for _, path, *_ in venue.requests]


ERROR_BODIES = [
    (
        {"error": {"code": "invalid_price", "message": "invalid price", "service": "x"}},
        "invalid_price",
        "invalid price",
    ),
    ({"code": "NOT_FOUND", "message": "not found", "details": "order"}, "not_found", "not found: order"),
    ({"msg": "Parameter validation failed"}, "", "Parameter validation failed"),
    ({"error": "too many requests"}, "too_many_requests", "too many requests"),
    ({"details": "invalid status filter"}, "", "invalid status filter"),
    (b"<html>\n<b>Request blocked</b></html>", "", "<html> <b>Request blocked</b></html>"),
    (b"", "", "no words"),
    (b"\xff\xfe", "", "\ufffd\ufffd"),
    ([1], "", "[1]"),
]


@pytest.mark.parametrize(("body", "code", "text"), ERROR_BODIES)
def test_an_error_body_of_any_shape_gives_code_and_reason(body, code, text):
    found = read_refusal(body if isinstance(body, bytes) else msgspec.json.encode(body))
    assert (found.code, found.text) == (code, text)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_a_no_is_refused_with_the_venues_words(ask, venue, status):
    venue.answer(
        "POST",
        "/portfolio/events/orders",
        {"error": {"code": "Invalid_Order", "message": "bad"}},
        status=status,
    )
    outcome = ask(lambda http: http.create_order(order()))
    assert outcome == Refused(status, "invalid_order", "bad", outcome.body)
    # The machine's clock, by which the venue dates its answers, is not ours here: so a 401 may be our clock's fault.
    assert len(venue.requests) == (2 if status == 401 else 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"code": "order_already_exists", "message": "exists"}),
        (500, {"code": "invalid_order"}),
        (503, b"<html>"),
        (400, {"error": {"code": "internal_server_error"}}),
        (201, {"order_id": ORDER_ID}),
        (201, b"{"),
        (302, None),
        (None, None),
    ],
)
def test_what_proves_nothing_is_unknown_and_sent_once(ask, venue, status, body):
    venue.answer("POST", "/portfolio/events/orders", body, status=status)
    assert isinstance(ask(lambda http: http.create_order(order())), Unknown)
    assert len(venue.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "is_duplicate"),
    [
        (409, {"error": {"code": "ORDER_ALREADY_EXISTS"}}, True),
        (409, {"code": "duplicate_client_order_id"}, True),
        (409, b"<html>", True),
        (409, {"error": {"code": "fill_or_kill_insufficient_resting_volume"}}, False),
        (503, b"<html>", False),
    ],
)
def test_a_conflict_means_a_duplicate_unless_it_names_another_reason(ask, venue, status, body, is_duplicate):
    venue.answer("POST", "/portfolio/events/orders", body, status=status)
    assert says_duplicate(ask(lambda http: http.create_order(order()))) == is_duplicate


def test_a_conflict_is_a_refusal_for_everything_but_a_create(ask, venue):
    venue.answer("POST", "/portfolio/order_groups/create", {"code": "conflict"}, status=409)
    group = orders.CreateOrderGroup(contracts_limit_fp="100.00")
    assert ask(lambda http: http.create_order_group(group)).status == 409


def test_a_silent_venue_is_unknown(run, connected, venue):
    async def hang(_):
        await asyncio.sleep(30)

    venue.handle = hang

    async def work():
        async with connected(request_timeout_secs=0.05) as http:
            outcome = await http.cancel_order(cancel())
            assert (type(outcome), outcome.cause) == (Unknown, "timeout")

    run(work)


def test_nothing_that_never_left_is_unknown(run, clock, credentials):
    async def work():
        config = KalshiConfig(rest_url="http://127.0.0.1:9/trade-api/v2")
        async with KalshiHttp(config, credentials, now_ns=clock.now_ns, monotonic=clock.monotonic) as http:
            outcome = await http.create_order(order())
            batch = await http.batch_create_orders([order(), order(client_order_id="2")])
        assert not outcome.was_sent
        assert [one.was_sent for one in batch] == [False, False]

    run(work)


def test_a_created_order_says_what_filled_and_goes_digit_for_digit(ask, venue):
    answer = CREATED | {"fill_count": "5.00", "average_fill_price": "0.5800", "average_fee_paid": "0.0012"}
    venue.answer("POST", "/portfolio/events/orders", answer, status=201)
    sent = order(price=price_text(Decimal("0.001")), count=size_text(Decimal("0.01")), exchange_index=2)
    outcome = ask(lambda http: http.create_order(sent))
    assert (outcome.status, outcome.value.fill_count) == (201, Decimal(5))
    assert outcome.value.average_fee_paid == Decimal("0.0012")
    assert (venue.last[3]["price"], venue.last[3]["count"]) == ("0.0010", "0.01")


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "1.0000"},
        {"price": "0.00005"},
        {"count": "0.00"},
        {"count": "-1.00"},
        {"count": "1.001"},
        {"client_order_id": ""},
        {"time_in_force": "immediate_or_cancel", "expiration_time": NOW},
        {"time_in_force": "fill_or_kill", "reduce_only": True},
        {"time_in_force": "immediate_or_cancel", "post_only": True},
        {"reduce_only": True},
    ],
)
def test_what_the_venue_would_refuse_is_not_made(changes):
    with pytest.raises(ValueError, match="expected"):
        order(**changes)


@pytest.mark.parametrize("value", ["NaN", "0", "1", "0.00001", "-0.5"])
def test_an_impossible_price_has_no_text(value):
    with pytest.raises(ValueError, match="expected"):
        price_text(Decimal(value))


def test_a_cancel_names_its_market_shard_and_subaccount(ask, venue):
    venue.answer("DELETE", f"/portfolio/events/orders/{ORDER_ID}", CANCELED)
    outcome = ask(lambda http: http.cancel_order(cancel(exchange_index=2)), subaccount=7)
    assert outcome.value.reduced_by == Decimal(10)
    assert dict(venue.last[2]) == {"market_ticker": MARKET, "exchange_index": "2", "subaccount": "7"}
    with pytest.raises(ValueError, match="market"):
        cancel(market_ticker="")


def test_a_cancel_of_an_order_that_is_not_found_leaves_the_means_to_find_out(ask, venue):
    stored = msgspec.json.decode(ORDER)
    venue.answer("GET", "/portfolio/orders", {"orders": [stored], "cursor": "n"}, {
        "orders": [stored | {"client_order_id": CLIENT_ID, "status": "executed"}]
    })  # fmt: skip
    venue.answer("GET", "/exchange/user_data_timestamp", {"as_of_time": "2026-10-03T21:45:00.5Z"})

    async def look(http):
        outcome = await http.cancel_order(cancel())
        as_of = await http.get_user_data_timestamp()
        return outcome, as_of.as_of_ns, await http.find_order(CLIENT_ID, queries.OrdersQuery(ticker=MARKET))

    outcome, as_of_ns, found = ask(look)
    assert (type(outcome), outcome.status) == (Refused, 404)
    assert as_of_ns % 1_000_000_000 == 500_000_000
    assert (found.status, found.client_order_id) == ("executed", CLIENT_ID)


def test_each_order_of_a_batch_has_its_own_outcome(ask, venue):
    batch = [order(client_order_id=str(number)) for number in range(6)]
    items = [
        {"client_order_id": "5", "error": {"code": "order_already_exists", "message": "there"}},
        CREATED | {"client_order_id": "0"},
        {"client_order_id": "1", "error": {"code": "insufficient_balance", "message": "no cash"}},
        {"client_order_id": "2", "error": {"code": "internal_server_error", "message": "?"}},
        {"client_order_id": "3", "order_id": ORDER_ID},
    ]
    venue.answer("POST", "/portfolio/events/orders/batched", {"orders": items}, status=201)
    found = ask(lambda http: http.batch_create_orders(batch))
    kinds = [type(one) for one in found]
    assert kinds == [Done, Refused, Unknown, Unknown, Unknown, Unknown]
    assert (found[1].code, found[1].reason) == ("insufficient_balance", "no cash")
    assert [found[2].cause, found[3].cause, found[4].cause] == ["server_error", "unreadable", "unreadable"]
    assert "arrived" in found[5].reason


def test_items_without_a_client_id_are_told_by_their_place(ask, venue):
    items = [{"error": {"code": "invalid_price"}}, CREATED]
    venue.answer("POST", "/portfolio/events/orders/batched", {"orders": items}, status=201)
    found = ask(lambda http: http.batch_create_orders([order(), order(client_order_id="2")]))
    assert [type(one) for one in found] == [Refused, Done]


@pytest.mark.parametrize(("status", "kind"), [(400, Unknown), (500, Unknown), (429, Refused)])
def test_a_batch_that_fails_as_a_whole_is_unknown_unless_throttled(ask, venue, status, kind):
    venue.answer("POST", "/portfolio/events/orders/batched", {"code": "x"}, status=status)
    venue.answer("DELETE", "/portfolio/events/orders/batched", {"code": "x"}, status=status)
    found = ask(lambda http: http.batch_create_orders([order(), order(client_order_id="2")]))
    assert [type(one) for one in found] == [kind, kind]
    found = ask(lambda http: http.batch_cancel_orders([cancel(), cancel(order_id="2")]))
    assert [type(one) for one in found] == [kind, kind]


def test_each_cancel_of_a_batch_has_its_own_outcome(ask, venue):
    items = [
        {"order_id": "2", "reduced_by": "0.00", "error": {"code": "not_found", "message": "gone"}},
        CANCELED,
    ]
    venue.answer("DELETE", "/portfolio/events/orders/batched", {"orders": items})
    batch = [cancel(), cancel(order_id="2"), cancel(order_id="3")]
    found = ask(lambda http: http.batch_cancel_orders(batch))
    assert [type(one) for one in found] == [Done, Refused, Unknown]
    assert found[1].status == 404


def test_cancelling_everything_has_no_answer_to_read(ask, venue):
    venue.answer("DELETE", "/portfolio/events/orders", None, status=204)
    assert ask(lambda http: http.cancel_all_orders(), subaccount=3) == Done(None, 204)
    assert dict(venue.last[2]) == {"subaccount": "3"}


def test_budgets_follow_the_account_and_every_shard_has_its_own(ask, venue):
    limits = {"refill_rate": 300, "bucket_capacity": 900}
    venue.answer(
        "GET", "/account/limits", {"usage_tier": "advanced", "read": limits, "write": limits, "grants": []}
    )
    venue.answer("POST", "/portfolio/events/orders", CREATED, status=201)

    async def trade(http):
        await http.create_order(order(exchange_index=2))
        await http.get_account_limits()
        await http.create_order(order(exchange_index=3))
        await http.create_order(order())
        sizes = {name: http.buckets[name].capacity for name in ("read", "write", "write:2", "write:3")}
        return sizes, {name: one.requests for name, one in http.session.counters.items()}

    sizes, requests = ask(trade)
    assert sizes == dict.fromkeys(sizes, 900)
    assert requests == {"read": 1, "write": 1, "write:2": 1, "write:3": 1}


def test_the_balance_has_a_bucket_of_its_own(ask, venue, clock):
    parts = [{"exchange_index": 0, "balance": "999.5200"}, {"exchange_index": 2, "balance": "0.0000"}]
    balance = {"balance": 99952, "balance_dollars": "999.5200", "portfolio_value": 0, "updated_ts": 1}
    venue.answer("GET", "/portfolio/balance", balance | {"balance_breakdown": parts})

    async def twice(http):
        await http.get_balance()
        return await http.get_balance()

    found = ask(twice)
    assert sum(clock.slept) == pytest.approx(1.0)
    assert (found.of_shard(0), found.of_shard(2)) == (Decimal("999.5200"), 0)
    with pytest.raises(LookupError, match="shard 1"):
        found.of_shard(1)


def test_cancels_go_while_orders_wait_for_their_budget(run, connected, venue):
    venue.answer("POST", "/portfolio/events/orders", CREATED, status=201)
    venue.answer("DELETE", f"/portfolio/events/orders/{ORDER_ID}", CANCELED)

    async def work():
        async with connected() as http:
            creates = [
                asyncio.ensure_future(http.create_order(order(client_order_id=str(n)))) for n in range(10)
            ]
            await asyncio.sleep(0)
            await http.cancel_order(cancel())
            await asyncio.gather(*creates)
        methods = [method for method, *_ in venue.requests]
        assert methods.index("DELETE") < 9

    run(work)


def test_a_read_that_is_refused_says_why(ask, venue):
    venue.answer(
        "GET", f"/markets/{MARKET}", {"error": {"code": "not_found", "message": "not found"}}, status=404
    )
    with pytest.raises(Refusal, match="not_found") as caught:
        ask(lambda http: http.get_market(MARKET), signer=None)
    assert caught.value.status == 404
    assert "KALSHI-ACCESS-KEY" not in venue.last[4]


def test_a_number_that_is_none_is_refused_with_its_place(ask, venue):
    balance = {"balance": 1, "balance_dollars": "NaN", "portfolio_value": 0, "updated_ts": 1}
    venue.answer("GET", "/portfolio/balance", balance)
    with pytest.raises(BadReply, match="balance_dollars"):
        ask(lambda http: http.get_balance())


ORDER = b"""{"order_id":"o","user_id":"u","client_order_id":"other","ticker":"M","outcome_side":"yes",
"book_side":"bid","type":"limit","status":"resting","yes_price_dollars":"0.5600","no_price_dollars":"0.4400",
"initial_count_fp":"10.00","fill_count_fp":"0.00","remaining_count_fp":"10.00","taker_fees_dollars":"0",
"maker_fees_dollars":"0","taker_fill_cost_dollars":"0","maker_fill_cost_dollars":"0"}"""

PERIODS = {"start_ts": NOW, "end_ts": NOW + 60, "period_interval": 1, "include_latest_before_start": True}
FULL_ORDER = {
    "expiration_time": NOW,
    "post_only": True,
    "reduce_only": False,
    "cancel_order_on_pause": True,
    "order_group_id": "g",
    "subaccount": 1,
    "exchange_index": 2,
    "self_trade_prevention_type": "maker",
}
OURS = {"ticker": MARKET, "event_ticker": EVENT, "subaccount": 1}
CALLS = {
    "get_exchange_status": lambda h: h.get_exchange_status(),
    "get_exchange_schedule": lambda h: h.get_exchange_schedule(),
    "get_user_data_timestamp": lambda h: h.get_user_data_timestamp(),
    "get_account_limits": lambda h: h.get_account_limits(),
    "get_account_endpoint_costs": lambda h: h.get_account_endpoint_costs(),
    "get_series": lambda h: h.get_series(SERIES),
    "get_series_list": lambda h: h.get_series_list(
        queries.SeriesQuery(category="c", tags="t", min_updated_ts=1)
    ),
    "get_series_fee_changes": lambda h: h.get_series_fee_changes(
        queries.SeriesFeeChangesQuery(series_ticker="s")
    ),
    "get_event_fee_changes": lambda h: h.get_event_fee_changes(
        queries.EventFeeChangesQuery(event_ticker=EVENT)
    ),
    "get_events": lambda h: h.get_events(
        queries.EventsQuery(
            with_nested_markets=True,
            status="open",
            series_ticker="s",
            tickers=("a", "b"),
            min_close_ts=1,
            min_updated_ts=1,
        )
    ),
    "get_event": lambda h: h.get_event(EVENT),
    "get_markets": lambda h: h.get_markets(
        queries.MarketsQuery(
            event_ticker=EVENT, tickers=("a", "b"), min_close_ts=1, max_close_ts=2, status="closed"
        )
    ),
    "get_market": lambda h: h.get_market(MARKET),
    "get_market_orderbook": lambda h: h.get_market_orderbook(MARKET, 5),
    "get_market_orderbooks": lambda h: h.get_market_orderbooks(queries.OrderbooksQuery(tickers=["a", "b"])),
    "get_trades": lambda h: anext(
        h.get_trades(queries.TradesQuery(ticker="a", min_ts=1, max_ts=2, is_block_trade=False))
    ),
    "get_trades_historical": lambda h: anext(
        h.get_trades_historical(queries.TradesQuery(ticker="a", min_ts=1))
    ),
    "get_market_candlesticks": lambda h: h.get_market_candlesticks(
        SERIES, MARKET, queries.CandlesticksQuery(**PERIODS)
    ),
    "batch_get_market_candlesticks": lambda h: h.batch_get_market_candlesticks(
        queries.BatchCandlesticksQuery(market_tickers=("a", "b"), **PERIODS)
    ),
    "get_historical_cutoff": lambda h: h.get_historical_cutoff(),
    "get_historical_markets": lambda h: h.get_historical_markets(
        queries.HistoricalMarketsQuery(tickers=("a",), event_ticker="e", series_ticker="s")
    ),
    "get_historical_market": lambda h: h.get_historical_market(MARKET),
    "get_market_candlesticks_historical": lambda h: h.get_market_candlesticks_historical(
        MARKET, queries.CandlesticksQuery(start_ts=1, end_ts=2, period_interval=60)
    ),
    "get_balance": lambda h: h.get_balance(2),
    "get_positions": lambda h: h.get_positions(
        queries.PositionsQuery(**OURS, count_filter="position", settlement_status="all", exchange_index=2)
    ),
    "get_fills": lambda h: h.get_fills(
        queries.FillsQuery(ticker="a", order_id="o", min_ts=1, max_ts=2, subaccount=1, exchange_index=2)
    ),
    "get_orders": lambda h: h.get_orders(
        queries.OrdersQuery(**OURS, min_ts=1, max_ts=2, status="resting", exchange_index=2)
    ),
    "get_order": lambda h: h.get_order(ORDER_ID),
    "get_order_queue_positions": lambda h: h.get_order_queue_positions(
        queries.QueuePositionsQuery(market_tickers=("a", "b"), subaccount=1)
    ),
    "get_settlements": lambda h: h.get_settlements(queries.SettlementsQuery(**OURS, min_ts=1, max_ts=2)),
    "get_order_groups": lambda h: h.get_order_groups(),
    "get_order_group": lambda h: h.get_order_group("g"),
    "create_order": lambda h: h.create_order(order(**FULL_ORDER)),
    "batch_create_orders": lambda h: h.batch_create_orders([order(**FULL_ORDER), order()]),
    "cancel_order": lambda h: h.cancel_order(cancel(exchange_index=2, subaccount=1)),
    "batch_cancel_orders": lambda h: h.batch_cancel_orders(
        [cancel(exchange_index=2, subaccount=1), cancel()]
    ),
    "cancel_all_orders": lambda h: h.cancel_all_orders(),
    "amend_order": lambda h: h.amend_order(
        ORDER_ID,
        orders.AmendOrder(
            ticker=MARKET,
            side="ask",
            price="0.5700",
            count="8.00",
            client_order_id="a",
            updated_client_order_id="b",
            expiration_time=NOW,
            exchange_index=2,
        ),
    ),
    "decrease_order": lambda h: h.decrease_order(
        ORDER_ID, orders.DecreaseOrder(reduce_to="0.00", market_ticker=MARKET, exchange_index=2)
    ),
    "create_order_group": lambda h: h.create_order_group(
        orders.CreateOrderGroup(contracts_limit_fp="150.00", subaccount=1, exchange_index=2)
    ),
    "reset_order_group": lambda h: h.reset_order_group("g", 2),
    "trigger_order_group": lambda h: h.trigger_order_group("g", 2),
    "update_order_group_limit": lambda h: h.update_order_group_limit(
        "g", orders.OrderGroupLimit("200.00"), 2
    ),
    "delete_order_group": lambda h: h.delete_order_group("g", 2),
}
COMPOSED = {"close", "all_trades", "complete_until_ns", "find_order", "set_limits", "sign_ahead"}


def test_every_endpoint_is_in_the_table():
    methods = {
        name for name in dir(KalshiHttp) if not name.startswith("_") and callable(getattr(KalshiHttp, name))
    }
    assert methods - COMPOSED == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_every_request_is_one_that_the_description_knows(name, rest_schema, ask, venue):
    async def call(http):
        with suppress(Refusal):  # the double knows nobody: only the request is looked at
            await CALLS[name](http)

    ask(call, subaccount=1)
    method, path, query, body, _ = venue.last
    path = path.removeprefix(PREFIX)
    assert rest_schema.problems_of_request(method, path, query, body) == []
    words = re.findall("[A-Z][a-z]+", rest_schema.operation(method, path)["id"])
    assert "_".join(words).lower().replace("_api_", "_") == name


def test_the_check_of_requests_sees_what_is_wrong(rest_schema):
    path = "/portfolio/events/orders"
    body = json.loads(msgspec.json.encode(order()))
    assert rest_schema.problems_of_request("POST", path, MultiDict(), body) == []
    for wrong in (
        {"side": "buy"},
        {"count": 10},
        {"type": "limit"},
        {"post_only": "yes"},
        {"subaccount": -1},
    ):
        assert len(rest_schema.problems_of_request("POST", path, MultiDict(), body | wrong)) == 1
    assert rest_schema.problems_of_request("GET", "/portfolio/orders", MultiDict(limit="2000"), None)
    assert rest_schema.problems_of_request("GET", "/portfolio/orders", MultiDict(client_order_id="x"), None)
    assert rest_schema.problems_of_request("DELETE", path, MultiDict(), {})
