import asyncio
import time

import pytest
from aiohttp import web

from network.backoff import Backoff
from network.errors import SocketClosed
from network.socket import ResilientSocket

SECRET = "c2lnbmVkLXdpdGgtbXkta2V5"
QUICK = Backoff(first_secs=0.001, factor=1, most_secs=0.001)


class Log:
    """Everything that a socket told, in order; `when` stops it as soon as that is true."""

    def __init__(self):
        self.told = []
        self.socket = None
        self.when = lambda log: False

    def note(self, *entry):
        self.told.append(entry)
        if self.when(self):
            self.socket.stop()

    def of(self, kind):
        return [entry[1:] for entry in self.told if entry[0] == kind]

    @property
    def frames(self):
        return [frame for frame, _ in self.of("frame")]


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def listen(log):
    def make(url, *, until, **settings):
        async def subscribe(epoch, send):
            log.note("epoch", epoch)

        log.when = until
        settings.setdefault("backoff", QUICK)
        settings.setdefault("on_epoch", subscribe)
        log.socket = ResilientSocket(
            url,
            on_frame=settings.pop("on_frame", lambda frame, ns, epoch: log.note("frame", frame, epoch)),
            on_down=lambda epoch, reason: log.note("down", epoch, reason),
            now_ns=time.monotonic_ns,
            **settings,
        )
        return log.socket

    return make


def test_frames_keep_their_order_and_each_is_seen_by_the_tap_first(serve_frames, listen, log, run, linger):
    sent = [b'{"seq":%d}' % number + b" " * (number % 300) for number in range(5_000)]

    async def talk(socket, _):
        for frame in sent[:-1]:
            await socket.send_str(frame.decode())
        await socket.send_bytes(sent[-1])
        await linger(socket)

    tapped = []

    def on_frame(frame, received_ns, epoch):
        assert (frame, received_ns, epoch) in tapped[len(log.told) - 1 :][:1]
        log.note("frame", frame, epoch)

    async def work():
        async with serve_frames(talk) as url:
            socket = listen(
                url,
                until=lambda log: len(log.told) == len(sent) + 1,
                on_frame=on_frame,
                tap=lambda *seen: tapped.append(seen),
            )
            await socket.run()
            assert socket.last_frame_ns == tapped[-1][1]

    run(work)
    assert log.frames == sent
    assert [frame for frame, *_ in tapped] == sent
    assert log.told[0] == ("epoch", 1)
    assert log.told[-1] == ("down", 1, "stopped")


def test_each_connection_is_an_epoch_that_subscribes_anew(serve_frames, listen, log, run):
    async def talk(socket, number):
        heard = await socket.receive_str()
        await socket.send_str(f"{number}:{heard}")
        await socket.close(code=1001, message=b"maintenance")

    async def subscribe(epoch, send):
        log.note("epoch", epoch)
        await send({"cmd": "subscribe", "epoch": epoch})

    async def work():
        async with serve_frames(talk) as url:
            socket = listen(url, until=lambda log: len(log.of("down")) == 3, on_epoch=subscribe)
            await socket.run()
            assert (socket.epoch, socket.is_up) == (3, False)

    run(work)
    goodbye = "closed by the server with code 1001 maintenance"
    expected = []
    for epoch in (1, 2, 3):
        frame = b'%d:{"cmd":"subscribe","epoch":%d}' % (epoch, epoch)
        expected += [("epoch", epoch), ("frame", frame, epoch), ("down", epoch, goodbye)]
    assert log.told[: len(expected)] == expected


def test_a_connection_that_breaks_hands_over_what_came_and_then_says_so(serve_frames, listen, log, run):
    async def talk(socket, _):
        for number in range(2_000):
            await socket.send_str(str(number))
        socket._req.transport.close()  # no farewell

    async def work():
        async with serve_frames(talk) as url:
            await listen(url, until=lambda log: bool(log.of("down"))).run()

    run(work)
    assert log.frames == [b"%d" % number for number in range(2_000)]
    assert log.told[-1][0] == "down"


def test_silence_is_death_even_when_our_pings_are_answered(serve_frames, listen, log, run, linger):
    async def work():
        async with serve_frames(lambda socket, _: linger(socket)) as url:
            socket = listen(
                url, until=lambda log: len(log.of("down")) == 2, heartbeat_secs=0.05, silence_secs=0.2
            )
            began = time.monotonic()
            await socket.run()
            assert time.monotonic() - began >= 0.4

    run(work)
    assert log.of("down") == [(1, "nothing heard for 0.2 s"), (2, "nothing heard for 0.2 s")]


@pytest.mark.parametrize("life", ["ping", "frame"])
def test_pings_and_frames_of_the_server_are_signs_of_life(serve_frames, listen, log, run, linger, life):
    async def talk(socket, number):
        if number == 1:
            for _ in range(12):
                await asyncio.sleep(0.05)
                await (socket.ping(b"heartbeat") if life == "ping" else socket.send_str("x"))
        await linger(socket)

    async def work():
        async with serve_frames(talk) as url:
            began = time.monotonic()
            await listen(url, until=lambda log: bool(log.of("down")), silence_secs=0.3).run()
            assert time.monotonic() - began >= 0.8

    run(work)


def test_a_ping_of_the_server_is_answered_with_its_body(serve_frames, listen, log, run):
    async def talk(socket, _):
        await socket.ping(b"heartbeat")
        answer = await socket.receive()
        await socket.send_str(f"{answer.type.name} {bytes(answer.data).decode()}")
        await socket.receive()

    async def work():
        async with serve_frames(talk) as url:
            await listen(url, until=lambda log: bool(log.frames)).run()

    run(work)
    assert log.frames == [b"PONG heartbeat"]


def test_a_half_open_connection_is_found_by_our_own_ping(serve_frames, listen, log, run, linger):
    async def work():
        async with serve_frames(lambda socket, _: linger(socket, answers_pings=False)) as url:
            socket = listen(url, until=lambda log: bool(log.of("down")), heartbeat_secs=0.1, silence_secs=5)
            began = time.monotonic()
            await socket.run()
            assert time.monotonic() - began < 2

    run(work)
    [(_, reason)] = log.of("down")
    assert reason == "broken: No PONG received after 0.05 seconds"


def test_a_slow_consumer_is_loud_and_starts_afresh(serve_frames, listen, log, run, linger):
    async def talk(socket, number):
        for seq in range(20_000 if number == 1 else 10):
            await socket.send_str(f"{number}:{seq}")
        await linger(socket)

    tapped = []

    def slow(frame, _, epoch):
        if epoch == 1:
            time.sleep(0.002)
        log.note("frame", frame, epoch)

    async def work():
        async with serve_frames(talk) as url:
            await listen(
                url,
                until=lambda log: len([1 for _, epoch in log.of("frame") if epoch == 2]) == 10,
                on_frame=slow,
                tap=lambda frame, _, epoch: tapped.append((frame, epoch)),
                queue_size=100,
            ).run()

    run(work)
    down = log.of("down")[0]
    discarded = [frame for frame, epoch in tapped if epoch == 1][
        len([1 for _, e in log.of("frame") if e == 1]) :
    ]
    assert down == (1, f"read: slow consumer: {len(discarded)} frames were waiting and are discarded")
    assert len(discarded) == 101
    assert [frame for frame, epoch in log.of("frame") if epoch == 2] == [b"2:%d" % seq for seq in range(10)]
    kept = [frame for frame, epoch in log.of("frame") if epoch == 1]
    assert kept == [b"1:%d" % seq for seq in range(len(kept))]


def test_pauses_grow_with_jitter_and_start_anew_after_a_connection_that_held(serve_frames, listen, log, run):
    pauses = []

    async def talk(socket, number):
        if number == 4:
            await asyncio.sleep(0.3)
        await socket.close()

    async def sleep(secs):
        if secs == 99 / 4:  # the watchdog's
            await asyncio.sleep(secs)
        pauses.append(secs)
        await asyncio.sleep(0)

    async def work():
        async with serve_frames(talk) as url:
            await listen(
                url,
                until=lambda log: len(log.of("down")) == 6,
                backoff=Backoff(first_secs=0.1, factor=2, most_secs=0.25, jitter=1),
                silence_secs=99,
                sleep=sleep,
                random=lambda: 0.5,
            ).run()

    run(work)
    assert pauses[:5] == [0.05, 0.1, 0.125, 0.05, 0.1]


def test_a_refused_handshake_is_told_without_its_headers(serve, listen, log, run, caplog):
    async def refuse(request):
        assert request.headers["X-Signature"] == SECRET
        return web.json_response({"code": "token_authentication_failure"}, status=401)

    async def work():
        async with serve(refuse) as url:
            socket = listen(
                url.replace("http", "ws", 1) + "/feed?key=" + SECRET,
                until=lambda log: len(log.of("down")) == 2,
                headers=lambda: {"X-Signature": SECRET},
            )
            await socket.run()
            log.note("shown", repr(socket), str(vars(socket).get("last_down")))

    with caplog.at_level(0):
        run(work)
    assert log.told[:2] == [("down", 0, "127.0.0.1 refused the handshake with status 401")] * 2
    assert SECRET not in repr(log.told) + caplog.text.replace(f"?key={SECRET}", "")


def test_a_handshake_that_is_sent_elsewhere_does_not_go_there(serve, listen, log, run):
    visits = []

    async def steal(request):
        visits.append(request)
        return web.Response()

    async def work():
        async with serve(steal) as elsewhere:

            async def redirect(request):
                raise web.HTTPTemporaryRedirect(elsewhere)

            async with serve(redirect) as url:
                await listen(url.replace("http", "ws", 1), until=lambda log: bool(log.of("down"))).run()

    run(work)
    assert visits == []
    assert "sent elsewhere with status 307" in log.of("down")[0][1]


def test_a_server_that_never_answers_the_handshake_is_given_up(serve, listen, log, run):
    async def silent(request):
        await asyncio.sleep(5)

    async def work():
        async with serve(silent) as url:
            socket = listen(
                url.replace("http", "ws", 1), until=lambda log: bool(log.of("down")), connect_secs=0.05
            )
            await socket.run()

    run(work)
    assert log.of("down")[0] == (0, "no connection to 127.0.0.1 in 0.05 s")


def test_headers_are_asked_at_each_connection(serve_frames, listen, log, run):
    asked = iter(range(10))

    async def talk(socket, _):
        await socket.send_str(socket._req.headers["X-Number"])

    async def work():
        async with serve_frames(talk) as url:
            await listen(
                url,
                until=lambda log: len(log.frames) == 3,
                headers=lambda: {"X-Number": str(next(asked))},
            ).run()

    run(work)
    assert log.frames == [b"0", b"1", b"2"]


@pytest.mark.parametrize("moment", ["before", "pausing", "connecting", "listening"])
def test_stop_ends_it_in_any_moment(serve_frames, serve, listen, log, run, linger, moment):
    async def silent(request):
        await asyncio.sleep(5)

    async def work():
        async with serve_frames(lambda socket, _: linger(socket)) as live, serve(silent) as dead:
            url = dead.replace("http", "ws", 1) if moment == "connecting" else live
            url = "ws://127.0.0.1:1" if moment == "pausing" else url
            socket = listen(url, until=lambda log: False, backoff=Backoff(first_secs=9, jitter=0))
            if moment == "before":
                socket.stop()
            running = asyncio.create_task(socket.run())
            await asyncio.sleep(0.05)
            began = time.monotonic()
            socket.stop()
            await running
            assert time.monotonic() - began < 0.5
            assert not socket.is_up

    run(work)


def test_a_cancelled_socket_leaves_nothing_behind(serve_frames, listen, run, linger):
    async def work():
        async with serve_frames(lambda socket, _: linger(socket)) as url:
            running = asyncio.create_task(listen(url, until=lambda log: False).run())
            await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    run(work)


def test_what_cannot_be_sent_raises(serve_frames, listen, log, run, linger):
    async def work():
        async with serve_frames(lambda socket, _: linger(socket)) as url:
            socket = listen(url, until=lambda log: False)
            with pytest.raises(
                SocketClosed, match=r"expected an open connection to 127\.0\.0\.1, found none"
            ):
                await socket.send(b"too early")
            running = asyncio.create_task(socket.run())
            while not socket.is_up:
                await asyncio.sleep(0.001)
            await socket.send("text")
            socket.stop()
            await running
            with pytest.raises(SocketClosed):
                await socket.send(b"too late")

    run(work)


@pytest.mark.parametrize("culprit", ["on_frame", "tap", "on_epoch"])
def test_an_error_of_ours_closes_the_socket_and_is_raised(serve_frames, listen, log, run, linger, culprit):
    async def talk(socket, _):
        await socket.send_str("1")
        await socket.send_str("2")
        await linger(socket)

    seen = []

    def fail(frame, *_):
        seen.append(frame)
        raise ZeroDivisionError("ours")

    async def fail_later(*_):
        raise ZeroDivisionError("ours")

    async def work():
        async with serve_frames(talk) as url:
            wrong = fail_later if culprit == "on_epoch" else fail
            socket = listen(url, until=lambda log: False, **{culprit: wrong})
            with pytest.raises(ZeroDivisionError, match="ours"):
                await socket.run()
            assert not socket.is_up

    run(work)
    assert seen == ([] if culprit == "on_epoch" else [b"1"])


def test_a_connection_that_breaks_during_the_subscription_is_only_a_connection_that_broke(
    serve_frames, listen, log, run
):
    async def talk(socket, number):
        if number > 1:
            await socket.send_str("good")

    async def subscribe(epoch, send):
        if epoch == 1:
            await asyncio.sleep(0.02)
            raise SocketClosed("gone")
        log.note("epoch", epoch)

    async def work():
        async with serve_frames(talk) as url:
            await listen(url, until=lambda log: bool(log.frames), on_epoch=subscribe).run()

    run(work)
    assert log.frames == [b"good"]


def test_what_we_sign_does_not_travel_in_the_open(listen):
    with pytest.raises(ValueError, match=r"expected wss for feed\.venue\.test, found ws"):
        listen("ws://feed.venue.test", until=None)


def test_others_have_their_turn_while_a_backlog_is_handed_over(serve_frames, listen, log, run, linger):
    turns, seen = [0], []

    async def talk(socket, _):
        for _ in range(300):
            await socket.send_str("x")
        await linger(socket)

    async def count_turns():
        while len(seen) < 300:
            turns[0] += 1
            await asyncio.sleep(0)

    def slow(*_):
        time.sleep(0.001)
        seen.append(turns[0])
        log.note("frame")

    async def work():
        async with serve_frames(talk) as url:
            socket = listen(url, until=lambda log: len(seen) == 300, on_frame=slow)
            await asyncio.gather(socket.run(), count_turns())

    run(work)
    assert max(seen.count(turn) for turn in set(seen)) <= 64


def test_frames_wait_while_there_is_no_room_for_them(serve_frames, listen, log, run, linger):
    is_open, seen = [False], []

    async def talk(socket, _):
        for _ in range(300):
            await socket.send_str("x")
        await linger(socket)

    async def work():
        async with serve_frames(talk) as url:
            socket = listen(
                url,
                until=lambda log: len(seen) == 300,
                on_frame=lambda *_: (seen.append(1), log.note("frame")),
            )
            socket.has_room = lambda: is_open[0]
            running = asyncio.ensure_future(socket.run())
            while len(socket._waiting) + len(seen) < 300:
                await asyncio.sleep(0.01)
            assert len(seen) < 300
            is_open[0] = True
            await running

    run(work)
    assert len(seen) == 300
