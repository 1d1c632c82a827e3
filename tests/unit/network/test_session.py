import asyncio
import socket as sockets

import msgspec
import pytest
from aiohttp import web

from network.backoff import Backoff, RetryPolicy
from network.buckets import Buckets, TokenBucket
from network.errors import BadReply, NetworkError, Refusal, ServerError, Throttled, Unreachable
from network.outcomes import NOT_SENT, Done, Refused, Unknown
from network.session import HttpSession

SECRET = "c2lnbmVkLXdpdGgtbXkta2V5"


class Order(msgspec.Struct):
    order_id: str


@pytest.fixture
def session_at(clock, buckets):
    def make(url, **settings):
        settings.setdefault("timeout_secs", 5.0)
        return HttpSession(
            url, buckets=buckets, now_ns=clock.now_ns, sleep=clock.sleep, random=lambda: 0.5, **settings
        )

    return make


class Server:
    """Answers with what it is given, in order, and the last one for ever; None drops the connection."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def __call__(self, request):
        self.requests.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            request.transport.abort()
            await asyncio.sleep(0)
            return web.Response()
        status, body, *headers = answer
        return web.Response(status=status, body=body, headers=headers[0] if headers else None)


GOOD = (200, b'{"order_id": "7", "new_field": 1}')


# ----- writes ------------------------------------------------------------------------------------


def test_a_write_that_is_answered_well_is_done(serve, session_at, run):
    server = Server((201, GOOD[1]))

    async def work():
        async with serve(server) as url, session_at(url + "/v2") as session:
            outcome = await session.write("POST", "/orders", body={"price": "0.5"}, into=Order)
            assert outcome == Done(Order("7"), 201)

    run(work)
    [(method, path, headers, body)] = server.requests
    assert (method, path, body) == ("POST", "/v2/orders", b'{"price":"0.5"}')
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((500, b""), "server_error"),
        ((503, b'{"code": "exchange_paused"}'), "server_error"),
        ((429, b'{"error": "too many requests"}'), "throttled"),
        ((200, b"<html>"), "unreadable"),
        ((200, b'{"order_id": 7}'), "unreadable"),
        ((200, b"\xff\xfe"), "unreadable"),
        ((302, b"", {"Location": "/elsewhere"}), "unexpected_status"),
        ((418, b""), "unexpected_status"),
        (None, "disconnect"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_whatever_is_not_clear_is_unknown_and_was_sent_once(
    serve, session_at, run, buckets, method, answer, cause
):
    server = Server(answer)

    async def work():
        async with serve(server) as url, session_at(url) as session:
            outcome = await session.write(method, "/orders", body={}, into=Order)
            assert isinstance(outcome, Unknown)
            assert outcome.cause == cause
            assert "/orders" in outcome.reason
            assert outcome.status == (answer[0] if answer else 0)
            assert session.counters["write"].unknowns == 1
            assert session.counters["write"].requests == 1
            assert session.last_error == outcome.reason

    run(work)
    assert len(server.requests) == 1
    assert buckets["write"].tokens == 999


def test_an_unknown_keeps_the_word_of_a_pause(serve, session_at, run):
    async def work():
        async with serve(Server((503, b'{"code": "exchange_paused"}'))) as url, session_at(url) as session:
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            assert (outcome.status, outcome.code) == (503, "exchange_paused")

    run(work)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
def test_a_write_on_a_kept_connection_that_breaks_is_not_sent_again(serve, session_at, run, method):
    server = Server(GOOD, None, GOOD)

    async def work():
        async with serve(server) as url, session_at(url) as session:
            await session.write(method, "/orders/1", into=Order)
            outcome = await session.write(method, "/orders/2", into=Order)
            assert isinstance(outcome, Unknown)
            assert outcome.cause == "disconnect"

    run(work)
    assert [path for _, path, _, _ in server.requests] == ["/orders/1", "/orders/2"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\x00\x01 garbage",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::bad\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_no_answer_however_broken_makes_a_write_raise_or_go_twice(serve_bytes, session_at, run, answer):
    async def work():
        async with (
            serve_bytes(answer) as (url, requests),
            session_at(
                url, timeout_secs=1, sign=lambda *_: {"X-Signature": SECRET}, retry=RetryPolicy(1)
            ) as session,
        ):
            outcome = await session.write("DELETE", "/orders/1", into=Order)
            assert isinstance(outcome, Unknown)
            assert len(requests) == 1
            assert SECRET not in repr(outcome) + str(session.last_error)
            with pytest.raises(NetworkError) as caught:
                (await session.read("/orders")).decode(Order)
            seen = (caught.value, caught.value.__cause__, caught.value.__context__)
            assert SECRET not in "".join(map(repr, seen))

    run(work)


def test_a_lost_answer_is_unknown_even_after_its_head_has_come(serve, session_at, run):
    async def half(request):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"order_id"')
        request.transport.abort()
        return response

    async def work():
        async with serve(half) as url, session_at(url) as session:
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            assert isinstance(outcome, Unknown)
            assert outcome.cause == "disconnect"

    run(work)


def test_a_silent_server_is_unknown_after_the_timeout(serve, session_at, run):
    async def silent(request):
        await asyncio.sleep(5)

    async def work():
        async with serve(silent) as url, session_at(url, timeout_secs=0.1) as session:
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            assert isinstance(outcome, Unknown)
            assert outcome.cause == "timeout"

    run(work)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_carries_the_servers_words(serve, session_at, run, status):
    body = b'{"error": {"code": "insufficient_balance", "message": "no money"}}'

    async def work():
        async with serve(Server((status, body))) as url, session_at(url) as session:
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            assert outcome == Refused(status, "insufficient_balance", "no money", body)
            assert outcome.was_sent
            assert session.counters["write"].unknowns == 0

    run(work)


def test_throttled_is_a_refusal_only_where_the_venue_says_not_applied(serve, session_at, run):
    async def work():
        async with serve(Server((429, b'{"error": "too many requests"}'))) as url, session_at(url) as session:
            outcome = await session.write(
                "POST", "/orders", into=Order, not_applied_statuses=frozenset({429})
            )
            assert outcome == Refused(429, "", "too many requests", b'{"error": "too many requests"}')

    run(work)


def test_what_never_left_is_a_refusal_of_our_own(session_at, run):
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def work():
        async with session_at(f"http://127.0.0.1:{port}") as session:
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            assert isinstance(outcome, Refused)
            assert (outcome.status, outcome.code, outcome.was_sent) == (0, NOT_SENT, False)

    run(work)


def test_a_task_that_is_cancelled_gets_its_outcome_and_is_still_asked_to_stop(serve, session_at, run):
    arrived, outcomes = [], []

    async def slow(request):
        arrived.append(request)
        await asyncio.sleep(5)

    async def work():
        async with serve(slow) as url, session_at(url) as session:

            async def send():
                outcomes.append(await session.write("POST", "/orders", body={}, into=Order))
                assert asyncio.current_task().cancelling() == 1

            task = asyncio.create_task(send())
            while not arrived:
                await asyncio.sleep(0.01)
            task.cancel()
            await task
            assert session.counters["write"].unknowns == 1

    run(work)
    [outcome] = outcomes
    assert isinstance(outcome, Unknown)
    assert outcome.cause == "cancelled"


def test_a_task_that_is_cancelled_while_it_waits_for_its_budget_has_sent_nothing(serve, clock, run):
    server = Server(GOOD)

    async def work():
        buckets = Buckets({"write": TokenBucket(0.001, 1, clock.now)})
        async with (
            serve(server) as url,
            HttpSession(url, buckets=buckets, now_ns=clock.now_ns) as session,
        ):
            assert isinstance(await session.write("POST", "/orders", into=Order), Done)
            task = asyncio.create_task(session.write("POST", "/orders", into=Order))
            await asyncio.sleep(0.01)
            task.cancel()
            outcome = await task
            assert isinstance(outcome, Refused)
            assert not outcome.was_sent

    run(work)
    assert len(server.requests) == 1


def test_the_same_bytes_can_go_again_when_the_caller_decides(serve, session_at, run):
    server = Server(GOOD)
    signed = b'{"b":1,   "a":"kept as it is"}'

    async def work():
        async with serve(server) as url, session_at(url) as session:
            for _ in range(2):
                await session.write("POST", "/orders", body_bytes=signed, into=Order)

    run(work)
    assert [body for *_, body in server.requests] == [signed, signed]


def test_an_answer_without_a_body_is_done_when_none_is_asked_for(serve, session_at, run):
    async def work():
        async with serve(Server((204, b""))) as url, session_at(url) as session:
            assert await session.write("DELETE", "/orders/1", into=type(None)) == Done(None, 204)

    run(work)


@pytest.mark.parametrize("wish", [{"cost": 1_001}, {"group": "wriet"}, {"cost": float("nan")}])
def test_a_write_that_could_never_be_paid_fails_at_once(serve, session_at, run, wish):
    server = Server(GOOD)

    async def work():
        async with serve(server) as url, session_at(url) as session:
            with pytest.raises(ValueError, match="expected a"):
                await session.write("POST", "/orders", into=Order, **wish)

    run(work)
    assert server.requests == []


def test_ordinary_writes_leave_the_reserve_to_urgent_ones(serve, session_at, run, clock):
    async def work():
        async with serve(Server(GOOD)) as url, session_at(url, reserve_share=0.2) as session:
            await session.write("POST", "/orders", into=Order, cost=800)
            assert clock.slept == []
            await session.write("DELETE", "/orders/1", into=Order, cost=150, urgent=True)
            assert clock.slept == []
            await session.write("POST", "/orders", into=Order, cost=10)
            assert sum(clock.slept) == pytest.approx(0.16)

    run(work)


# ----- reads -------------------------------------------------------------------------------------


def test_a_read_is_tried_again_with_jitter_within_its_bounds(serve, clock, buckets, run):
    server = Server((502, b""), None, (429, b""), GOOD)
    chances = iter([0.0, 0.5, 0.999])
    policy = RetryPolicy(4, Backoff(first_secs=1, factor=2, most_secs=8))

    async def work():
        async with serve(server) as url:
            session = HttpSession(
                url, buckets=buckets, now_ns=clock.now_ns, retry=policy, sleep=clock.sleep,
                random=lambda: next(chances),
            )  # fmt: skip
            async with session:
                reply = await session.read("/markets", params={"limit": 5})
            assert reply.decode(Order) == Order("7")
            assert (session.counters["read"].requests, session.counters["read"].retries) == (4, 3)

    run(work)
    assert clock.slept == pytest.approx([1.0, 1.0, 4 * 0.001])
    assert {path for _, path, _, _ in server.requests} == {"/markets?limit=5"}


@pytest.mark.parametrize(
    ("answer", "error"), [((500, b""), ServerError), (None, Unreachable), ((429, b""), Throttled)]
)
def test_a_read_gives_up_when_its_tries_are_spent(serve, session_at, run, answer, error):
    server = Server(answer)

    async def work():
        async with serve(server) as url, session_at(url, retry=RetryPolicy(3)) as session:
            with pytest.raises(error):
                await session.read("/markets")
            assert "/markets" in session.last_error

    run(work)
    assert len(server.requests) == 3


def test_each_try_of_a_read_is_paid(serve, session_at, run, buckets):
    buckets["read"].refill(rate_per_sec=1e-6, capacity=100)

    async def work():
        async with serve(Server((500, b""), (500, b""), GOOD)) as url, session_at(url) as session:
            await session.read("/markets", cost=10)

    run(work)
    assert buckets["read"].tokens == pytest.approx(70, abs=0.01)


def test_a_read_that_is_refused_is_not_tried_again(serve, session_at, run, clock):
    server = Server((404, b'{"code": "not_found", "message": "no such market"}'))

    async def work():
        async with serve(server) as url, session_at(url) as session:
            with pytest.raises(Refusal, match=r"/markets/X.*404 not_found: no such market") as caught:
                await session.read("/markets/X")
            assert (caught.value.status, caught.value.code) == (404, "not_found")

    run(work)
    assert len(server.requests) == 1
    assert clock.slept == []


def test_a_read_is_never_redirected_and_its_signature_stays_here(serve, session_at, run):
    stranger = Server(GOOD)

    async def work():
        async with serve(stranger) as elsewhere:
            server = Server((307, b"", {"Location": elsewhere + "/steal"}))
            async with serve(server) as url, session_at(url) as session:
                with pytest.raises(Refusal):
                    await session.read("/markets")

    run(work)
    assert stranger.requests == []


@pytest.mark.parametrize(("wish", "slept"), [("3", [3.0]), ("soon", [0.125])])
def test_the_servers_wish_for_a_pause_is_heard(serve, session_at, run, clock, wish, slept):
    server = Server((429, b"", {"Retry-After": wish}), GOOD)

    async def work():
        async with serve(server) as url, session_at(url) as session:
            await session.read("/markets")

    run(work)
    assert clock.slept == slept


def test_a_pause_longer_than_our_longest_is_the_callers_affair(serve, session_at, run, clock):
    server = Server((429, b"", {"Retry-After": "600"}))

    async def work():
        async with serve(server) as url, session_at(url) as session:
            with pytest.raises(Throttled) as caught:
                await session.read("/markets")
            assert caught.value.retry_after_secs == 600

    run(work)
    assert clock.slept == []


def test_a_bad_reply_names_endpoint_and_place(serve, session_at, run):
    async def work():
        async with serve(Server((200, b'[{"order_id": 7}]'))) as url, session_at(url) as session:
            reply = await session.read("/orders")
            with pytest.raises(BadReply) as caught:
                reply.decode(list[Order])
            assert caught.value.place == "GET /orders $[0].order_id"
            assert caught.value.found == "Expected `str`, got `int`"

    run(work)


def test_a_cancelled_read_is_cancelled(serve, session_at, run):
    async def silent(request):
        await asyncio.sleep(5)

    async def work():
        async with serve(silent) as url, session_at(url) as session:
            task = asyncio.create_task(session.read("/markets"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(work)


# ----- signatures, secrets, time -----------------------------------------------------------------


def test_each_attempt_is_signed_anew_over_the_path_without_its_query(serve, session_at, run, clock):
    server = Server((500, b""), GOOD)
    signed = []

    def sign(method, path, now_ns, _body):
        signed.append((method, path, now_ns))
        return {"X-Signature": f"{SECRET}-{now_ns}"}

    async def work():
        async with serve(server) as url, session_at(url + "/trade-api/v2", sign=sign) as session:
            await session.read("/markets", params={"cursor": "a b"})

    run(work)
    assert [(method, path) for method, path, _ in signed] == [("GET", "/trade-api/v2/markets")] * 2
    assert signed[1][2] - signed[0][2] == round(clock.slept[0] * 1e9)
    sent = [headers["X-Signature"] for _, _, headers, _ in server.requests]
    assert sent == [f"{SECRET}-{now_ns}" for *_, now_ns in signed]


@pytest.mark.parametrize("answer", [None, (500, b""), (404, b""), (200, b"<"), (429, b"")])
def test_what_is_signed_is_shown_nowhere(serve, session_at, run, caplog, answer):
    shown = []

    async def work():
        async with (
            serve(Server(answer)) as url,
            session_at(url, sign=lambda *_: {"X-Signature": SECRET}) as session,
        ):
            outcome = await session.write("POST", "/orders", body={}, into=Order)
            shown.extend([repr(session), repr(outcome), str(session.last_error)])
            try:
                reply = await session.read("/orders")
                shown.append(repr(reply))
                reply.decode(Order)
            except NetworkError as error:
                shown.extend([repr(error), str(error), repr(error.__cause__), repr(error.__context__)])

    with caplog.at_level(0):
        run(work)
    assert SECRET not in "".join(shown) + caplog.text


def test_the_skew_is_learnt_from_the_date_header(serve, session_at, run, clock):
    server = Server((200, b"{}", {"Date": "Mon, 21 Sep 2026 14:13:25 GMT"}))  # ours says 14:13:20

    async def work():
        async with serve(server) as url, session_at(url) as session:
            assert session.clock_skew_ns is None
            reply = await session.read("/exchange/status")
            assert session.clock_skew_ns == 5_500_000_000
            assert session.skew.uncertainty_ns == 500_000_000
            session.note_server_time(reply.sent_ns + 5_250_000_000, 1_000_000, reply)
            assert abs(session.clock_skew_ns - 5_250_000_000) <= 1_000_000

    run(work)


@pytest.mark.parametrize("write", [False, True])
def test_a_request_refused_for_our_clock_is_signed_once_more_by_the_servers(
    write, serve, session_at, run, clock
):
    late = {"Date": "Mon, 21 Sep 2026 14:13:25 GMT"}  # ours says 14:13:20
    server = Server((401, b"{}", late), (200, b"{}", late), (401, b"{}", late))
    signed = []

    def sign(method, path, now_ns, _body):
        signed.append(now_ns)
        return {}

    async def work():
        async with serve(server) as url, session_at(url, sign=sign) as session:
            began_ns = clock.now_ns()
            if write:
                assert isinstance(await session.write("POST", "/orders", into=dict, body={}), Done)
                assert isinstance(await session.write("POST", "/orders", into=dict, body={}), Refused)
            else:
                await session.read("/orders")
                with pytest.raises(Refusal):
                    await session.read("/orders")
            ahead = [round((at - began_ns) / 1e9, 1) for at in signed]
            assert ahead == [0.0, 5.5, 5.5]  # a second refusal is not about the clock

    run(work)


def test_two_requests_at_once_are_both_signed_once_more(serve, session_at, run, clock):
    """A stop was refused for it: the second heard its 401 when the first had already learnt the server's time."""
    late, both_there = {"Date": "Mon, 21 Sep 2026 14:13:25 GMT"}, asyncio.Event()
    signed = []

    async def server(request):
        if len(signed) == 2:
            both_there.set()
        await both_there.wait()
        is_right = int(request.headers["at"]) > 5 * 10**9
        return web.Response(status=200 if is_right else 401, body=b"{}", headers=late)

    def sign(method, path, now_ns, _body):
        signed.append(now_ns - began_ns)
        return {"at": str(signed[-1])}

    async def work():
        async with serve(server) as url, session_at(url, sign=sign) as session:
            writes = (session.write("POST", path, into=dict, body={}) for path in ("/orders", "/groups"))
            assert [type(one) for one in await asyncio.gather(*writes)] == [Done, Done]

    began_ns = clock.now_ns()
    run(work)
    assert [round(at / 1e9, 1) for at in signed] == [0.0, 0.0, 5.5, 5.5]


def test_a_server_with_a_path_for_its_time_is_asked_there_and_its_dates_are_not_believed(
    serve, session_at, run, clock
):
    """A venue behind a delivery network refused every signature: its Date was that of the network."""
    date = {"Date": "Mon, 21 Sep 2026 14:13:20 GMT"}  # what our clock says too
    ahead_secs, signed = 60, []

    async def server(request):
        if request.path == "/time":
            assert "at" not in request.headers
            return web.Response(body=str(clock.now_ns() // 10**9 + ahead_secs).encode(), headers=date)
        is_right = abs(int(request.headers["at"]) - clock.now_ns() - ahead_secs * 10**9) < 30 * 10**9
        return web.Response(status=200 if is_right else 401, body=b"{}", headers=date)

    def sign(method, path, now_ns, _body):
        signed.append(path)
        return {"at": str(now_ns)}

    async def work():
        async with serve(server) as url, session_at(url, sign=sign, clock_path="/time") as session:
            for _ in range(2):
                assert isinstance(await session.write("POST", "/orders", into=dict, body={}), Done)
            assert round(session.clock_skew_ns / 1e9) == 60
            assert signed == ["/orders"] * 3

    run(work)


@pytest.mark.parametrize("answer", [(200, b'"noon"'), (503, b""), None])
def test_a_server_that_does_not_say_its_time_refuses_for_another_reason(answer, serve, session_at, run):
    paths, refused = [], (401, b"{}")

    async def server(request):
        paths.append(request.path)
        said = Server(answer if request.path == "/time" else refused)
        return await said(request)

    async def work():
        async with serve(server) as url, session_at(url, sign=lambda *_: {}, clock_path="/time") as session:
            assert isinstance(await session.write("POST", "/orders", into=dict, body={}), Refused)
            assert paths == ["/orders", "/time"]

    run(work)


@pytest.mark.parametrize(
    "headers", [{"Date": "yesterday"}, {"Date": "Mon, 21 Sep 2026 14:13:25 GMT", "Age": "9"}]
)
def test_a_date_that_tells_nothing_is_not_believed(serve, session_at, run, headers):
    async def work():
        async with serve(Server((200, b"{}", headers))) as url, session_at(url) as session:
            await session.read("/exchange/status")
            assert session.clock_skew_ns is None

    run(work)
