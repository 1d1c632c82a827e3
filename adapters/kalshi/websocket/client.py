"""Kalshi's stream: one signed connection with many subscriptions, each message typed and in sequence.

The private channels and `ticker` have no `seq`: what is lost there only REST can tell, so look there after
each connection (`on_live`) and now and then (reference, sections 0 and 8, read 2026-11-20).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from msgspec import MsgspecError

from adapters.kalshi import constants as venue
from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.messages import frames
from adapters.kalshi.signing import Credentials
from adapters.kalshi.websocket.subscriptions import Due, Subscription, expect_subscription, is_on_yes_scale
from network.backoff import Backoff
from network.socket import ResilientSocket, Send
from network.tasks import Tasks

_LOG: Final = logging.getLogger(__name__)
_TICK_SECS: Final = 1.0
_ANSWER_TICKS: Final = 10
_NO_ANSWER_CODE: Final = 18  # the venue's own number for a command that timed out
_WRONG_SCALE_CODE: Final = 0  # ours: the venue has no word for it
_MOST_SCALE_DOUBTS: Final = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """From now on `markets` of a channel are not to be trusted; without markets the whole channel.

    A book is whole again with the next snapshot that is passed on; for the rest ask by REST.
    """

    channel: str
    markets: tuple[str, ...]
    reason: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Denial:
    """The venue does not send these markets, or without markets the channel; it is asked again, ever later."""

    channel: str
    markets: tuple[str, ...]
    code: int
    reason: str


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told what; each is called at once, in the order of events, and must be quick and not fail.

    `on_message(frame, received_ns, epoch)`: a message. `on_live(channel, epoch)`: the venue confirmed a
    channel on this connection. `on_gap`, `on_denied`: see there. `on_down(epoch, reason)`: the connection
    ended, nothing of any channel is to be trusted. `tap(bytes, received_ns, epoch)`: each frame before all.
    """

    on_message: Callable[[frames.MessageFrame, int, int], None]
    on_gap: Callable[[Gap], None]
    on_live: Callable[[str, int], None] = _ignore
    on_denied: Callable[[Denial], None] = _ignore
    on_down: Callable[[int, str], None] = _ignore
    tap: Callable[[bytes, int, int], None] | None = None


@dataclass(slots=True)
class _Waiting:
    one: Subscription
    due: Due
    since: int

    @property
    def is_vital(self) -> bool:
        return self.due.verb == "subscribe" or bool(self.due.names)

    def is_subscribe_of(self, one: Subscription | None) -> bool:
        return self.one is one and self.due.verb == "subscribe"


class KalshiSocket:
    """What is wanted is said once and asked for on each connection, in commands of limited length.

    Books are asked for in YES prices on both sides (`use_yes_price`) and refused when they are not. A delta
    is passed on only when its book is whole. `now_ns` is the wall clock, and we sign `signed_ahead_ns()` ahead of
    it. `counts` tells malformed, repeated,
    and withheld frames, `unknown_types` what is new to us; `socket` tells the state of the connection.
    """

    def __init__(
        self,
        config: KalshiConfig,
        credentials: Credentials,
        listener: Listener,
        *,
        now_ns: Callable[[], int],
        signed_ahead_ns: Callable[[], int] = int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        path = urlsplit(config.socket_address).path
        self.counts: Counter[str] = Counter()
        self.unknown_types: Counter[str] = Counter()
        self.socket = ResilientSocket(
            config.socket_address,
            on_frame=self._take,
            on_epoch=self._speak,
            on_down=self._end,
            now_ns=now_ns,
            headers=lambda: credentials.sign("GET", path, now_ns() + signed_ahead_ns()),
            tap=listener.tap,
            heartbeat_secs=config.heartbeat_secs,
            silence_secs=config.silence_secs,
            backoff=Backoff(config.reconnect_first_secs, 2.0, config.reconnect_most_secs),
            queue_size=config.most_frames_waiting,
            sleep=sleep,
        )
        self._listener = listener
        self._sleep = sleep
        self._chunk = config.markets_per_command
        self._subscriptions: dict[str, Subscription] = {}
        self._by_sid: dict[int, Subscription] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._outbox: asyncio.Queue[frames.Command | BaseException] = asyncio.Queue()
        self._epoch = 0
        self._is_up = False
        self._tick = 0
        self._last_id = 0
        self._scale_doubts = 0

    async def run(self) -> None:
        """Keep the connection and its subscriptions until `stop`."""
        await self.socket.run()

    def stop(self) -> None:
        """Ask `run` to return."""
        self.socket.stop()

    def subscribe(self, channel: str, names: Iterable[str] = ()) -> None:
        """Want markets of a channel (indices on the index channel), without names everything it has.

        ValueError for a channel that we do not read, that needs names or knows none, and beyond the 500,000
        markets of a session.
        """
        wished = tuple(names)
        expect_subscription(channel, wished)
        held = sum(len(one.wanted) for one in self._subscriptions.values())
        if held + len(wished) > venue.MOST_SUBSCRIBED_MARKETS:
            most = venue.MOST_SUBSCRIBED_MARKETS
            raise ValueError(f"expected at most {most} markets on one connection, found {held + len(wished)}")
        one = self._subscriptions.setdefault(channel, Subscription(channel))
        one.want(wished)
        self._settle(one)

    def unsubscribe(self, channel: str, names: Iterable[str] = ()) -> None:
        """Want markets of a channel no more, without names nothing of it."""
        one = self._subscriptions.get(channel)
        if one is not None:
            one.want_not(tuple(names))
            self._settle(one)

    def wait_for(self, has_room: Callable[[], bool]) -> None:
        """Hand frames over only while `has_room()`: until then they wait, `most_frames_waiting` at most."""
        self.socket.has_room = has_room

    def has_waiting(self) -> bool:
        """Return whether frames that have arrived are still to be taken."""
        return self.socket.has_waiting

    def is_whole(self, market: str) -> bool:
        """Return whether the book of a market is complete, as far as the sequence tells."""
        one = self._subscriptions.get(venue.BOOK_CHANNEL)
        return one is not None and market in one.live

    async def _speak(self, epoch: int, send: Send) -> None:
        self._begin(epoch)
        async with Tasks(lambda _, error: self._outbox.put_nowait(error)) as tasks:
            tasks.start("tend the subscriptions", self._tend())
            while True:
                due = await self._outbox.get()
                if isinstance(due, BaseException):
                    raise due
                await send(due)

    def _begin(self, epoch: int) -> None:
        self._epoch, self._is_up = epoch, True
        self._outbox = asyncio.Queue()
        self._by_sid.clear()
        self._waiting.clear()
        self._scale_doubts = 0
        for one in self._subscriptions.values():
            one.begin()
            self._settle(one)

    def _end(self, epoch: int, reason: str) -> None:
        self._is_up = False
        self._by_sid.clear()
        for one in self._subscriptions.values():
            one.begin()
        self._listener.on_down(epoch, reason)

    async def _tend(self) -> None:
        while True:
            await self._sleep(_TICK_SECS)
            self._tick += 1
            late = [
                id_ for id_, waiting in self._waiting.items() if waiting.since + _ANSWER_TICKS <= self._tick
            ]
            for id_ in late:
                self._deny(id_, (), _NO_ANSWER_CODE, f"no answer in {_ANSWER_TICKS} s")
            for one in self._subscriptions.values():
                self._send(one, one.heal(self._chunk, self._tick))
                if one.retry(self._tick):
                    self._settle(one)

    def _settle(self, one: Subscription) -> None:
        if self._is_up:
            sid = one.sid
            self._send(one, one.settle(self._chunk, self._tick))
            if sid is not None and one.sid is None:
                self._by_sid.pop(sid, None)

    def _send(self, one: Subscription, due: Iterator[Due]) -> None:
        for command in due:
            self._last_id += 1
            self._outbox.put_nowait(frames.Command(self._last_id, command.verb, command.params))
            if command.verb != "unsubscribe":
                self._waiting[self._last_id] = _Waiting(one, command, self._tick)

    def _take(self, raw: bytes, received_ns: int, epoch: int) -> None:
        try:
            frame = frames.decode_frame(raw)
        except (MsgspecError, UnicodeDecodeError) as error:
            self._take_malformed(raw, str(error))
            return
        one = self._by_sid.get(frame.sid or 0)
        counts = one is not None and frame.seq is not None and not _is_end(frame)
        if one is not None and counts and not self._follows(one, frame, frame.seq or 0):
            return
        message = self._message(one, frame)
        if message is not None:
            self._listener.on_message(message, received_ns, epoch)

    def _follows(self, one: Subscription, frame: frames.WireFrame | frames.OtherFrame, seq: int) -> bool:
        away = one.follow(seq)
        is_answer = isinstance(frame, _NO_MESSAGES)
        if away == 0 or (away < 0 and is_answer):  # the description leaves open whether all answers count
            return True
        self._break(one, f"expected seq {seq - away}, found {seq}")
        self.counts["repeated"] += away < 0
        return away > 0

    def _message(
        self, one: Subscription | None, frame: frames.WireFrame | frames.OtherFrame
    ) -> frames.MessageFrame | None:
        if isinstance(frame, _NO_MESSAGES):
            self._take_answer(frame)
            return None
        passes = one is not None
        if one is not None and isinstance(frame, frames.DeltaFrame):
            passes = frame.msg.market_ticker in one.live
        elif one is not None and isinstance(frame, frames.SnapshotFrame):
            passes = self._takes_book(one, frame)
        self.counts["withheld"] += not passes
        return frame if passes else None

    def _take_malformed(self, raw: bytes, reason: str) -> None:
        self.counts["malformed"] += 1
        try:
            place = frames.place_of(raw)
        except (MsgspecError, UnicodeDecodeError):
            _LOG.warning("expected a frame of Kalshi, found %r: %s", raw[:200], reason)
            return
        one = self._by_sid.get(place.sid) if place.sid is not None else None
        if one is not None:
            if place.seq is not None:
                one.follow(place.seq)
            self._break(one, f"malformed {place.kind}: {reason}")

    def _takes_book(self, one: Subscription, frame: frames.SnapshotFrame) -> bool:
        market = frame.msg.market_ticker
        try:
            is_sound = is_on_yes_scale(frame.msg)
        except ValueError as error:
            self._break(one, f"malformed snapshot of {market}: {error}")
            return False
        if is_sound:
            self._scale_doubts = 0
            return one.whole(market)
        one.live.discard(market)
        self._scale_doubts += 1
        reason = f"expected NO levels of {market} in YES prices, found them at or below its YES bids"
        self._listener.on_gap(Gap(one.channel, (market,), reason, self._epoch))
        if self._scale_doubts == _MOST_SCALE_DOUBTS:
            self._break(one, reason)
            self._listener.on_denied(Denial(one.channel, one.named, _WRONG_SCALE_CODE, reason))
        return False

    def _break(self, one: Subscription, reason: str) -> None:
        self.counts["gaps"] += 1
        one.lose(self._tick)
        self._listener.on_gap(Gap(one.channel, one.named, reason, self._epoch))
        self._send(one, one.heal(self._chunk, self._tick))

    def _take_answer(self, frame: frames.AnswerFrame | frames.OtherFrame) -> None:
        match frame:
            case frames.SubscribedFrame():
                self._confirm(frame)
            case frames.ErrorFrame():
                self._take_error(frame)
            case frames.OkFrame():
                self._waiting.pop(frame.id or 0, None)
            case frames.OtherFrame():
                if frame.kind not in self.unknown_types:
                    _LOG.warning("expected a type of frame that we read, found %r: it is ignored", frame.kind)
                self.unknown_types[frame.kind] += 1

    def _confirm(self, frame: frames.SubscribedFrame) -> None:
        one = self._subscriptions.get(frame.msg.channel)
        asked = [id_ for id_, waiting in self._waiting.items() if waiting.is_subscribe_of(one)]
        if one is None or not asked:
            self.counts["withheld"] += 1
            return
        del self._waiting[asked[0]]
        one.confirm(frame.msg.sid, self._tick)
        self._by_sid[frame.msg.sid] = one
        self._listener.on_live(one.channel, self._epoch)
        self._settle(one)

    def _take_error(self, frame: frames.ErrorFrame) -> None:
        complaint = frame.msg
        waiting = self._waiting.get(frame.id or 0)
        one = self._by_sid.get(frame.sid or 0) or (waiting.one if waiting else None)
        if complaint.code in venue.DEAD_SUBSCRIPTION_CODES or complaint.code == venue.UNKNOWN_SID_CODE:
            # An answer to a command that is waited for no more is about a subscription that has ended already.
            unnamed = [] if frame.id is not None else [*self._by_sid.values()]
            for subscription in [one] if one is not None else unnamed:
                self._bury(subscription, f"the venue ended it with code {complaint.code}: {complaint.msg}")
        elif waiting is not None and frame.id is not None:
            named = complaint.market_tickers or (
                (complaint.market_ticker,) if complaint.market_ticker else ()
            )
            self._deny(frame.id, named, complaint.code, complaint.msg)
        else:
            _LOG.warning("Kalshi complains with code %s: %s", complaint.code, complaint.msg)

    def _bury(self, one: Subscription, reason: str) -> None:
        markets = one.named
        self._by_sid = {sid: other for sid, other in self._by_sid.items() if other is not one}
        self._waiting = {id_: waiting for id_, waiting in self._waiting.items() if waiting.one is not one}
        one.die(self._tick)
        self._listener.on_gap(Gap(one.channel, markets, reason, self._epoch))
        if one.retry(self._tick):
            self._settle(one)

    def _deny(self, id_: int, named: tuple[str, ...], code: int, reason: str) -> None:
        waiting = self._waiting.pop(id_)
        if not waiting.is_vital:
            return  # a request for snapshots, which is repeated anyway, or a farewell
        one, names = waiting.one, named or waiting.due.names
        one.deny(names, self._tick)
        self._listener.on_denied(Denial(one.channel, names, code, reason))
        self._settle(one)


def _is_end(frame: frames.WireFrame | frames.OtherFrame) -> bool:
    """Return whether a frame ends its subscription: what was thrown away before it is no gap to heal."""
    return isinstance(frame, frames.ErrorFrame) and frame.msg.code in venue.DEAD_SUBSCRIPTION_CODES


_NO_MESSAGES: Final = (
    frames.SubscribedFrame,
    frames.OkFrame,
    frames.UnsubscribedFrame,
    frames.ErrorFrame,
    frames.OtherFrame,
)
