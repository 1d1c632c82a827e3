"""The resolver against a small venue of our own, written from the documented shapes."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp import web
from kalshi_orders import TICKER, contract, make_ticket

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution.groups import OrderGroups
from adapters.kalshi.execution.resolution import Resolver
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.http.client import KalshiHttp
from network.outcomes import Done
from orders.telling import Ears
from orders.tickets import Tickets

SENT_NS = 1_791_048_660_000_000_000


def stamp(secs):
    return f"2026-10-03T17:31:{secs:02d}Z"


def order_row(**changes):
    plain = {"order_id": "V-1", "user_id": "u", "client_order_id": "O-1", "ticker": TICKER, "type": "limit"}
    plain |= {"outcome_side": "yes", "book_side": "bid", "status": "resting", "yes_price_dollars": "0.4000"}
    plain |= {"no_price_dollars": "0.6000", "initial_count_fp": "10.00", "fill_count_fp": "0.00"}
    plain |= {"remaining_count_fp": "10.00", "taker_fees_dollars": "0", "maker_fees_dollars": "0"}
    plain |= {"taker_fill_cost_dollars": "0", "maker_fill_cost_dollars": "0", "created_time": stamp(1)}
    return plain | {"last_update_time": stamp(1), "exchange_index": 2} | changes


def fill_row(number, count, order_id="V-1"):
    plain = {"fill_id": f"T-{number}", "trade_id": f"T-{number}", "order_id": order_id, "ticker": TICKER}
    plain |= {"outcome_side": "yes", "book_side": "bid", "count_fp": count, "yes_price_dollars": "0.4000"}
    return plain | {"is_taker": True, "fee_cost": "0.0168", "created_time": stamp(number)}


class Venue:
    """Answers by path; a list of answers is worked off, its last one repeats.

    Its lists are `lag_secs` old by a clock that is `lists_ahead_secs` before ours, its Date headers are `date_ahead_secs` before it.
    """

    def __init__(self, now_ns):
        self._now_ns = now_ns
        self.lag_secs = self.lists_ahead_secs = self.date_ahead_secs = 0.0
        self.asked = []
        self.answers = {
            "/portfolio/orders": [{"orders": [], "cursor": ""}],
            "/portfolio/fills": [{"fills": [], "cursor": ""}],
        }

    async def handle(self, request):
        path = request.path.removeprefix("/trade-api/v2")
        self.asked.append((request.method, path, dict(request.query)))
        date = format_datetime(self._time(self.date_ahead_secs), usegmt=True)
        if path == "/exchange/user_data_timestamp":
            as_of = self._time(self.lists_ahead_secs - self.lag_secs)
            return web.json_response({"as_of_time": f"{as_of:%Y-%m-%dT%H:%M:%S.%fZ}"}, headers={"Date": date})
        answers = self.answers.get(path, [None])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            return web.Response(status=404, body=b'{"error":{"code":"not_found","message":"not found"}}')
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(
            body=msgspec.json.encode(answer), content_type="application/json", headers={"Date": date}
        )

    def _time(self, ahead_secs):
        return datetime.fromtimestamp(self._now_ns() / 1e9 + ahead_secs, UTC)


class Engine:
    def __init__(self):
        self.told = []
        self.cache = SimpleNamespace(order=lambda _id: SimpleNamespace(is_closed=False))
        self.clock = SimpleNamespace(timestamp_ns=lambda: SENT_NS)

    def __getattr__(self, name):
        if not name.startswith("generate_order_"):
            raise AttributeError(name)
        return lambda *args: self.told.append((name.removeprefix("generate_order_"), args))

    @property
    def events(self):
        return [name for name, _ in self.told]


@pytest.fixture
def scene(serve, credentials, clock):
    @asynccontextmanager
    async def setting():
        def now_ns():
            return SENT_NS + int((clock.secs - began_secs) * 1e9)

        began_secs = clock.secs
        venue, engine, tickets = Venue(now_ns), Engine(), Tickets()
        teller = Teller(engine, tickets, Ears(lambda one: None, lambda one: None), lambda fill: None)
        async with serve(venue.handle) as address:
            config = KalshiExecutionConfig(rest_url=f"http://{address}/trade-api/v2", read_attempts=1)
            http = KalshiHttp(
                config, credentials, now_ns=now_ns, monotonic=clock.monotonic, sleep=clock.sleep
            )
            async with http:
                resolver = Resolver(http, tickets, teller, sleep=clock.sleep)
                one = make_ticket(contract(), "O-1", "bid", "0.4", 10, sent_ns=SENT_NS)
                one.doubt = "no answer"
                tickets.add(one)
                yield SimpleNamespace(
                    venue=venue,
                    engine=engine,
                    tickets=tickets,
                    resolver=resolver,
                    ticket=one,
                    http=http,
                    passed_secs=lambda: (now_ns() - SENT_NS) / 1e9,
                )

    return setting


def test_absence_is_believed_only_when_the_read_side_has_passed_the_request(run, scene):
    async def work():
        async with scene() as s:
            s.venue.lag_secs = 5.0
            await s.resolver.resolve_submit(s.ticket, SENT_NS + 10**9, has_arrived=False)
            assert s.engine.events == ["rejected"]
            assert 8.0 <= s.passed_secs() < 13.0  # the lag, two seconds and the last pause
            paths = [path for _, path, _ in s.venue.asked]
            assert paths[:3] == ["/exchange/user_data_timestamp", "/portfolio/orders", "/portfolio/fills"]
            query = s.venue.asked[1][2]
            assert (query["ticker"], query["exchange_index"]) == (TICKER, "2")
            assert "status" not in query  # resting, executed and cancelled

    run(work)


@pytest.mark.parametrize(("lists", "date"), [(60.0, 0.0), (60.0, 60.0), (0.0, -60.0), (60.0, -60.0)])
def test_no_wrong_clock_of_the_venue_proves_absence_before_a_late_request_can_have_arrived(
    run, scene, lists, date
):
    async def work():
        async with scene() as s:
            s.venue.lists_ahead_secs, s.venue.date_ahead_secs = lists, date
            await s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=False)
            assert s.engine.events == ["rejected"]
            assert 2.0 <= s.passed_secs() < 7.0

    run(work)


def test_an_id_that_the_venue_knows_is_never_absent(run, scene):
    async def work():
        async with scene() as s:
            found = {"orders": [order_row()], "cursor": ""}
            s.venue.answers["/portfolio/orders"] = [{"orders": [], "cursor": ""}] * 3 + [found]
            await s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=True)
            assert s.engine.events == ["accepted"]
            assert s.ticket.doubt is None

    run(work)


def test_a_failed_read_proves_nothing(run, scene):
    async def work():
        async with scene() as s:
            s.venue.answers["/portfolio/orders"] = [503, 503, {"orders": [order_row()], "cursor": ""}]
            await s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=False)
            assert s.engine.events == ["accepted"]

    run(work)


def test_a_fill_of_an_order_that_nobody_knows_is_looked_at_before_absence_is_believed(run, scene):
    async def work():
        async with scene() as s:
            s.venue.answers["/portfolio/fills"] = [{"fills": [fill_row(5, "10.00")], "cursor": ""}]
            done = order_row(status="executed", fill_count_fp="10.00", remaining_count_fp="0.00")
            s.venue.answers["/portfolio/orders/V-1"] = [{"order": done}]
            listed = [{"orders": [], "cursor": ""}, {"orders": [done], "cursor": ""}]
            s.venue.answers["/portfolio/orders"] = listed
            await s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=False)
            assert s.engine.events == ["accepted"]

    run(work)


def test_an_old_order_with_our_id_is_not_ours(run, scene):
    async def work():
        async with scene() as s:
            old = order_row(created_time="2026-10-03T16:31:00Z")
            s.venue.answers["/portfolio/orders"] = [{"orders": [old], "cursor": ""}]
            await s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=True)
            assert s.engine.events == ["rejected"]
            assert "DUPLICATE_CLIENT_ID" in s.engine.told[0][1][1]

    run(work)


def test_missing_fills_are_fetched_until_all_are_told(run, scene):
    async def work():
        async with scene() as s:
            done = order_row(status="canceled", fill_count_fp="7.00", remaining_count_fp="0.00")
            s.venue.answers["/portfolio/orders/V-1"] = [{"order": order_row()}, {"order": done}]
            first = {"fills": [fill_row(5, "4.00")], "cursor": ""}
            both = {"fills": [fill_row(6, "3.00"), fill_row(5, "4.00")], "cursor": ""}
            s.venue.answers["/portfolio/fills"] = [first, both]
            s.teller = s.resolver._teller
            s.teller.accept(s.ticket, "V-1", SENT_NS)
            s.teller.take_order(s.ticket, _stated(done))
            await s.resolver.fetch_fills(s.ticket)
            assert s.engine.events == ["accepted", "filled", "filled", "canceled"]
            assert [args[3].value for name, args in s.engine.told if name == "filled"] == ["T-5", "T-6"]

    run(work)


def test_an_end_that_was_counted_too_high_is_corrected_by_the_order_itself(run, scene):
    async def work():
        async with scene() as s:
            done = order_row(status="canceled", fill_count_fp="0.00", remaining_count_fp="0.00")
            s.venue.answers["/portfolio/orders/V-1"] = [{"order": done}]
            teller = s.resolver._teller
            teller.accept(s.ticket, "V-1", SENT_NS)
            teller.take_order(s.ticket, _stated(done | {"fill_count_fp": "2.00"}))
            await s.resolver.fetch_fills(s.ticket)
            assert s.engine.events == ["accepted", "canceled"]

    run(work)


def test_a_cancelled_search_ends(run, scene):
    async def work():
        async with scene() as s:
            s.venue.lag_secs = 1e6
            task = asyncio.create_task(s.resolver.resolve_submit(s.ticket, SENT_NS, has_arrived=False))
            while len(s.venue.asked) < 6:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
            assert s.engine.events == []
            assert s.ticket.doubt is not None

    run(work)


def test_a_group_of_the_same_limit_is_taken_over_and_a_triggered_one_stands_until_it_is_reset(run, scene):
    async def work():
        async with scene() as s:
            rows = [
                {
                    "id": "G-0",
                    "is_auto_cancel_enabled": True,
                    "contracts_limit_fp": "7.00",
                    "exchange_index": 2,
                },
                {
                    "id": "G-1",
                    "is_auto_cancel_enabled": True,
                    "contracts_limit_fp": "9.00",
                    "exchange_index": 2,
                },
            ]
            s.venue.answers["/portfolio/order_groups"] = [{"order_groups": rows}]
            s.venue.answers["/portfolio/order_groups/create"] = [
                {"order_group_id": "G-2", "exchange_index": 0}
            ]
            s.venue.answers["/portfolio/order_groups/G-1/reset"] = [{}]
            groups = OrderGroups(s.http, (2, 0), 9)
            await groups.open()
            assert (groups.of(2), groups.of(0)) == ("G-1", "G-2")
            groups.take(
                SimpleNamespace(event_type="triggered", order_group_id="G-1", contracts_limit_fp=None)
            )
            assert "ORDER_GROUP_TRIGGERED" in groups.problem_of(2)
            assert groups.problem_of(0) is None
            assert isinstance(await groups.reset(2), Done)
            assert groups.problem_of(2) is None

    run(work)


def _stated(row):
    from adapters.kalshi.execution.statements import of_order
    from adapters.kalshi.messages.portfolio import Order

    return of_order(msgspec.convert(row, Order, strict=False))
