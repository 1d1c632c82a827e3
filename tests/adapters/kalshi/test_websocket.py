import asyncio
import json
from base64 import b64decode
from contextlib import suppress

import pytest
from aiohttp import WSMsgType, web

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.messages.frames import IndexFrame, UserOrderFrame, decode_frame
from adapters.kalshi.websocket.client import KalshiSocket, Listener

A, B, C = "KXA-26OCT03-1", "KXA-26OCT03-2", "KXA-26OCT03-3"
PATH = "/trade-api/ws/v2"


class Double:
    """A venue that answers commands as the description says, unless `refuse` or `silent` tell otherwise."""

    def __init__(self):
        self.commands = []
        self.headers = []
        self.connections = 0
        self.refuse = lambda command: None
        self.silent = lambda command: False
        self.no_levels = "0.6000"
        self._reset()

    def _reset(self):
        self.sids, self.seqs, self.markets = {}, {}, {}

    async def handle(self, request):
        assert request.path == PATH
        self.headers.append(request.headers)
        self.connections += 1
        self._reset()
        self.socket = web.WebSocketResponse(timeout=0.2)
        await self.socket.prepare(request)
        with suppress(ConnectionError):
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    await self.obey(json.loads(message.data))
        return self.socket

    async def obey(self, command):
        self.commands.append(command)
        complaint = self.refuse(command)
        if complaint is not None:
            await self.send({"id": command["id"], "type": "error", "msg": complaint})
        elif not self.silent(command):
            await getattr(self, command["cmd"])(command["id"], command["params"])

    async def subscribe(self, id_, params):
        (channel,) = params["channels"]
        sid = self.sids[channel] = len(self.sids) + 1
        await self.send({"id": id_, "type": "subscribed", "msg": {"channel": channel, "sid": sid}})
        self.markets[sid] = params.get("market_tickers", [])
        if channel == "orderbook_delta":
            for market in self.markets[sid]:
                await self.snapshot(market)

    async def update_subscription(self, id_, params):
        (sid,) = params["sids"]
        names = params.get("market_tickers", [])
        if params["action"] == "get_snapshot":
            for market in names:
                await self.snapshot(market, id=id_)
            return
        self.markets[sid] = [*self.markets[sid], *names]
        await self.counted(sid, "ok", {"market_tickers": self.markets[sid]}, id=id_)
        if params["action"] == "add_markets" and self.sids.get("orderbook_delta") == sid:
            for market in names:
                await self.snapshot(market)

    async def unsubscribe(self, id_, params):
        for sid in params["sids"]:
            await self.counted(sid, "unsubscribed", None, id=id_)

    async def snapshot(self, market, **more):
        levels = {"yes_dollars_fp": [["0.4000", "5.00"]], "no_dollars_fp": [[self.no_levels, "5.00"]]}
        await self.counted(
            self.sids["orderbook_delta"], "orderbook_snapshot", {"market_ticker": market} | levels, **more
        )

    async def delta(self, market, skip=0, **more):
        sid = self.sids["orderbook_delta"]
        self.seqs[sid] = self.seqs.get(sid, 0) + skip
        change = {
            "market_ticker": market,
            "side": "yes",
            "price_dollars": "0.3000",
            "delta_fp": "1.00",
            "clock": 7,
        }
        await self.counted(sid, "orderbook_delta", change | more)

    async def counted(self, sid, kind, msg, **more):
        self.seqs[sid] = self.seqs.get(sid, 0) + 1
        frame = {"type": kind, "sid": sid, "seq": self.seqs[sid], **more}
        await self.send(frame if msg is None else frame | {"msg": msg})

    async def send(self, frame):
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.socket.send_str(text)

    def verbs(self):
        return [c["params"].get("action", c["cmd"]) for c in self.commands]


class Heard:
    """Everything that a socket told, in order."""

    def __init__(self):
        self.messages, self.gaps, self.denials, self.live, self.downs, self.raw = [], [], [], [], [], []

    def listener(self):
        return Listener(
            on_message=lambda frame, ns, epoch: self.messages.append((frame, epoch)),
            on_gap=self.gaps.append,
            on_live=lambda channel, epoch: self.live.append((channel, epoch)),
            on_denied=self.denials.append,
            on_down=lambda epoch, reason: self.downs.append((epoch, reason)),
            tap=lambda frame, ns, epoch: self.raw.append(frame),
        )

    def kinds(self):
        return [type(frame).__name__.removesuffix("Frame") for frame, _ in self.messages]


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def double():
    return Double()


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def live(run, serve, double, heard, credentials, clock):
    """Run `scene(socket)` while the socket is connected to the double; a second lasts a millisecond."""

    def living(scene, **settings):
        async def sleep(secs):
            await asyncio.sleep(secs / 1000)

        async def work():
            async with serve(double.handle) as address:
                settings.setdefault("silence_secs", 3600.0)
                config = KalshiConfig(socket_url=f"ws://{address}{PATH}", **settings)
                socket = KalshiSocket(config, credentials, heard.listener(), now_ns=clock.now_ns, sleep=sleep)
                running = asyncio.ensure_future(socket.run())
                await scene(socket)
                socket.stop()
                await running

        run(work)

    return living


def books(heard, count):
    return lambda: heard.kinds().count("Snapshot") >= count


def test_each_connection_is_signed_anew_and_asks_for_everything_again(live, double, heard, key):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A, B])
        socket.subscribe("user_orders")
        await until(books(heard, 2))
        await double.socket.close()
        await until(books(heard, 4))
        assert socket.is_whole(A)

    live(scene)
    for headers in double.headers:
        text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{PATH}".encode()
        key.public_key().verify(b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), text)
    assert double.connections == 2
    assert [epoch for _, epoch in heard.messages] == [1, 1, 2, 2]
    assert sorted(heard.live) == [
        ("orderbook_delta", 1),
        ("orderbook_delta", 2),
        ("user_orders", 1),
        ("user_orders", 2),
    ]
    assert [epoch for epoch, _ in heard.downs] == [1, 2]


def test_books_are_asked_for_in_yes_prices_and_commands_are_as_described(live, double, heard, socket_schema):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        socket.subscribe("cfbenchmarks_value", ["BRTI"])
        socket.subscribe("market_lifecycle_v2")
        socket.subscribe("trade")
        await until(lambda: len(heard.live) == 4)
        socket.subscribe("orderbook_delta", [B])
        socket.subscribe("cfbenchmarks_value", ["ETHUSD_RTI"])
        await until(books(heard, 2))
        socket.unsubscribe("orderbook_delta", [B])
        socket.unsubscribe("trade")
        await double.delta(A, skip=5)
        await until(lambda: len(double.commands) >= 9)

    live(scene)
    first = double.commands[0]["params"]
    assert first == {"channels": ["orderbook_delta"], "market_tickers": [A], "use_yes_price": True}
    kinds = {
        "subscribe": "subscribeCommandPayload",
        "unsubscribe": "unsubscribeCommandPayload",
        "add_markets": "updateSubscriptionCommandPayload",
        "delete_markets": "updateSubscriptionCommandPayload",
        "get_snapshot": "updateSubscriptionCommandPayload",
        "subscribe_indices": "cfbenchmarksUpdateSubscriptionCommandPayload",
    }
    assert set(double.verbs()) == kinds.keys()
    for command, verb in zip(double.commands, double.verbs(), strict=True):
        assert socket_schema.problems_of({"ref": kinds[verb]}, command, strict=True) == []
    ids = [command["id"] for command in double.commands]
    assert ids == sorted(set(ids))


def test_many_markets_are_asked_for_in_chunks(live, double, heard):
    names = [f"KX-{number}" for number in range(7)]

    async def scene(socket):
        socket.subscribe("orderbook_delta", names)
        await until(books(heard, 7))

    live(scene, markets_per_command=3)
    assert [len(c["params"]["market_tickers"]) for c in double.commands] == [3, 3, 1]
    assert heard.gaps == []


def test_a_gap_silences_all_books_of_the_subscription_until_their_snapshots(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A, B])
        await until(books(heard, 2))
        double.silent = lambda command: True  # the snapshots come when we say so
        await double.delta(A)
        await double.delta(B, skip=1)
        await double.delta(A)
        await until(lambda: "get_snapshot" in double.verbs())
        assert not socket.is_whole(A)
        await double.snapshot(A)
        await double.delta(A)
        await double.delta(B)
        await double.snapshot(B)
        await double.delta(B)
        await until(books(heard, 4))
        await until(lambda: heard.kinds()[-1] == "Delta")
        assert socket.counts["withheld"] == 3

    live(scene)
    (gap,) = heard.gaps
    assert (gap.channel, gap.markets, gap.epoch) == ("orderbook_delta", (A, B), 1)
    assert "expected seq 4, found 5" in gap.reason
    assert heard.kinds() == ["Snapshot", "Snapshot", "Delta", "Snapshot", "Delta", "Snapshot", "Delta"]
    asked = next(c["params"] for c in double.commands if c["params"].get("action") == "get_snapshot")
    assert asked == {"sids": [1], "action": "get_snapshot", "market_tickers": [A, B]}


def test_a_lost_snapshot_is_asked_for_again(live, double, heard):
    lost = []

    def lose_two(command):
        is_request = command["params"].get("action") == "get_snapshot"
        lost.append(is_request)
        return is_request and sum(lost) < 3

    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        double.silent = lose_two
        await double.delta(A, skip=1)
        await until(books(heard, 2))

    live(scene)
    assert double.verbs().count("get_snapshot") == 3
    assert heard.denials == []


def test_a_repeat_is_a_gap_and_is_not_passed_on(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        await double.delta(A, skip=-1)
        await until(books(heard, 2))
        assert socket.counts["repeated"] == 1

    live(scene)
    assert "Delta" not in heard.kinds()
    assert len(heard.gaps) == 1


def test_a_sequence_that_begins_anew_is_one_gap_and_heals(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        for _ in range(20):
            await double.delta(A)
        await until(lambda: len(heard.messages) == 21)
        double.seqs[1] = 0
        await double.delta(A)
        await until(books(heard, 2))
        await double.delta(A)
        await until(lambda: heard.kinds()[-1] == "Delta")

    live(scene)
    assert len(heard.gaps) == 1


def test_a_repeated_trade_is_one_gap_of_its_channel_and_not_passed_on(live, double, heard):
    async def scene(socket):
        socket.subscribe("trade")
        await until(lambda: heard.live)
        for number in (1, 2, 1, 3):
            trade = {"trade_id": str(number), "market_ticker": A, "ts_ms": 1}
            await double.send({"type": "trade", "sid": 1, "seq": number, "msg": trade})
        await until(lambda: len(heard.messages) == 3)

    live(scene)
    assert [frame.msg.trade_id for frame, _ in heard.messages] == ["1", "2", "3"]
    assert [(gap.channel, gap.markets) for gap in heard.gaps] == [("trade", ())]


def test_an_answer_that_does_not_count_is_no_gap(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        await double.send({"type": "ok", "id": 99, "sid": 1, "seq": 1, "msg": {}})
        await double.delta(A)
        await until(lambda: heard.kinds()[-1] == "Delta")

    live(scene)
    assert heard.gaps == []


@pytest.mark.parametrize("code", [10, 25, 7])
@pytest.mark.parametrize("names_it", [True, False])
def test_a_dead_subscription_is_asked_for_again_while_others_flow(live, double, heard, code, names_it):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        error = {"type": "error", "msg": {"code": code, "msg": "buffer overflow"}}
        await double.send(error | ({"sid": 1} if names_it else {}))
        await until(books(heard, 2))

    live(scene)
    (gap,) = heard.gaps
    assert gap.markets == (A,)
    assert f"code {code}" in gap.reason
    assert double.verbs() == ["subscribe", "subscribe"]
    assert double.connections == 1


def test_a_subscription_that_overflowed_is_the_only_one_that_ends(live, double, heard):
    async def scene(socket):
        socket.subscribe("ticker", [A])
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        sid = double.sids["orderbook_delta"]
        double.seqs[sid] += 4  # what was queued is thrown away
        await double.counted(sid, "error", {"code": 25, "msg": "Subscription buffer overflow"})
        await double.send({"id": 99, "type": "error", "msg": {"code": 7, "msg": "Unknown subscription ID"}})
        await until(books(heard, 2))

    live(scene)
    assert [(gap.channel, "code 25" in gap.reason) for gap in heard.gaps] == [("orderbook_delta", True)]
    assert "get_snapshot" not in double.verbs()


def test_one_refused_market_is_named_and_the_others_come(live, double, heard):
    def refuse(command):
        if (
            B in command["params"].get("market_tickers", ())
            and double.connections == 1
            and len(double.commands) < 4
        ):
            return {"code": 11, "msg": "invalid market", "market_ticker": B}
        return None

    double.refuse = refuse

    async def scene(socket):
        socket.subscribe("orderbook_delta", [A, B, C])
        await until(books(heard, 2))
        assert not socket.is_whole(B)
        await until(books(heard, 3))
        assert socket.is_whole(B)

    live(scene)
    (denial,) = heard.denials[:1]
    assert (denial.channel, denial.markets, denial.code) == ("orderbook_delta", (B,), 11)
    assert heard.gaps == []


@pytest.mark.card("kalshi", "AR-D13")
def test_a_refused_channel_is_asked_for_ever_more_rarely(live, double, heard):
    double.refuse = lambda command: {"code": 9, "msg": "Authentication required"}

    async def scene(socket):
        socket.subscribe("fill")
        await until(lambda: len(heard.denials) == 3)

    live(scene)
    assert {(one.channel, one.markets, one.code) for one in heard.denials} == {("fill", (), 9)}


def test_a_command_without_an_answer_is_a_denial_and_repeated(live, double, heard):
    double.silent = lambda command: len(double.commands) == 1

    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))

    live(scene)
    assert [one.code for one in heard.denials] == [18]


def test_changes_before_the_snapshot_of_a_connection_are_dropped(live, double, heard):
    async def scene(socket):
        double.silent = lambda command: True
        socket.subscribe("orderbook_delta", [A])
        await until(lambda: double.commands)
        double.sids["orderbook_delta"] = 1
        await double.send({"id": 1, "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": 1}})
        await double.delta(A)
        await double.snapshot(A)
        await until(books(heard, 1))

    live(scene)
    assert heard.kinds() == ["Snapshot"]


def test_new_types_are_ignored_once_counted_and_keep_the_sequence(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        await double.counted(1, "orderbook_mood", {"market_ticker": A})
        await double.counted(1, "orderbook_mood", {"market_ticker": A})
        await double.delta(A, new_field={"x": 1})
        await until(lambda: heard.kinds()[-1] == "Delta")
        assert socket.unknown_types == {"orderbook_mood": 2}

    live(scene)
    assert heard.gaps == []


def test_a_malformed_message_breaks_its_subscription_and_says_where(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(books(heard, 1))
        await double.send("{nonsense")
        await double.counted(1, "orderbook_delta", {"market_ticker": A, "side": "maybe"})
        await until(books(heard, 2))
        assert socket.counts["malformed"] == 2

    live(scene)
    (gap,) = heard.gaps
    assert "$.msg.side" in gap.reason
    assert heard.raw[2] == b"{nonsense"


def test_no_levels_in_no_prices_never_reach_a_book(live, double, heard):
    double.no_levels = "0.3500"  # a NO bid: as a YES price it would lie below the YES bid of 0.40

    async def scene(socket):
        socket.subscribe("orderbook_delta", [A])
        await until(lambda: heard.denials)
        double.no_levels = "0.6500"
        await until(books(heard, 1))

    live(scene)
    assert "YES prices" in heard.denials[0].reason
    assert len(heard.messages) == 1


def test_private_messages_and_indices_come_typed(live, double, heard):
    order = {
        "order_id": "o", "user_id": "u", "ticker": A, "exchange_index": 2, "status": "canceled", "outcome_side": "no",
        "book_side": "ask", "yes_price_dollars": "0.3500", "initial_count_fp": "10.00", "fill_count_fp": "0.00",
        "remaining_count_fp": "0.00", "taker_fill_cost_dollars": "0", "maker_fill_cost_dollars": "0",
        "taker_fees_dollars": "0", "maker_fees_dollars": "0", "client_order_id": "c", "last_updated_ts_ms": 5,
        "last_update_reason": "SomethingNew",
    }  # fmt: skip
    average = {"value": "68000.1", "window_size": 60, "window_start_ts_ms": 1, "window_end_ts_exclusive": 2}
    value = {"index_id": "BRTI", "received_at": 1, "data": "{}", "avg_60s_data": average}

    async def scene(socket):
        socket.subscribe("user_orders")
        socket.subscribe("cfbenchmarks_value", ["BRTI"])
        await until(lambda: len(heard.live) == 2)
        await double.send({"type": "user_order", "sid": 1, "msg": order, "sending_ts_ms": 9})
        await double.counted(2, "cfbenchmarks_value", value)
        await until(lambda: len(heard.messages) == 2)

    live(scene)
    (mine, _), (index, _) = heard.messages
    assert isinstance(mine, UserOrderFrame)
    assert (mine.msg.last_update_reason, mine.msg.updated_ns, mine.sending_ts_ms) == (
        "SomethingNew",
        5_000_000,
        9,
    )
    assert isinstance(index, IndexFrame)


def test_what_is_no_longer_wanted_is_not_asked_for_again(live, double, heard):
    async def scene(socket):
        socket.subscribe("orderbook_delta", [A, B])
        socket.subscribe("trade", [A])
        await until(lambda: len(heard.live) == 2 and len(heard.messages) == 2)
        socket.unsubscribe("orderbook_delta", [B])
        socket.unsubscribe("trade")
        socket.unsubscribe("fill")
        await until(lambda: len(double.commands) == 4)
        await double.socket.close()
        await until(books(heard, 3))

    live(scene)
    assert double.verbs() == ["subscribe", "subscribe", "delete_markets", "unsubscribe", "subscribe"]
    assert double.commands[-1]["params"]["market_tickers"] == [A]


@pytest.mark.parametrize(
    ("channel", "names", "words"),
    [
        ("ticker_v2", (), "channel among"),
        ("orderbook_delta", (), "markets or indices"),
        ("market_lifecycle_v2", (A,), "no markets"),
        ("ticker", map(str, range(500_001)), "at most 500000"),
    ],
)
def test_what_no_channel_can_give_is_refused_at_once(credentials, heard, clock, channel, names, words):
    socket = KalshiSocket(KalshiConfig(), credentials, heard.listener(), now_ns=clock.now_ns)
    with pytest.raises(ValueError, match=words):
        socket.subscribe(channel, names)


def test_an_error_of_a_listener_ends_the_run(run, serve, double, credentials, clock):
    def fail(*_):
        raise RuntimeError("a bug of ours")

    async def work():
        async with serve(double.handle) as address:
            config = KalshiConfig(socket_url=f"ws://{address}{PATH}")
            listener = Listener(on_message=fail, on_gap=fail)
            socket = KalshiSocket(config, credentials, listener, now_ns=clock.now_ns)
            socket.subscribe("orderbook_delta", [A])
            with pytest.raises(RuntimeError, match="bug of ours"):
                await socket.run()

    run(work)


def test_every_word_of_an_answer_is_read():
    frame = decode_frame(b'{"id":3,"type":"ok","msg":[{"channel":"ticker","sid":2}]}\n')
    assert frame.msg == [{"channel": "ticker", "sid": 2}]
