"""Polymarket's market stream: as many connections as the tokens need, each saying again what is wanted when it comes back.

There is neither an answer to a subscription nor a sequence: what a frame says, and what is missing, the books tell.
A word of ours every few seconds keeps a connection, and its answer shows that it lives. Source: reference, section 9.1
(read 2026-11-20).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.messages.market_stream import (
    Change,
    MarketMessage,
    OtherMessage,
    Subscribe,
    decode_market_frame,
)
from network.backoff import Backoff
from network.socket import ResilientSocket, Send
from network.tasks import Tasks

_LOG: Final = logging.getLogger(__name__)
_PING: Final = "PING"
_PONG: Final = b"PONG"
_EPOCHS_PER_LINE: Final = 1_000_000
"""The connections of one line are counted from a million times its number on, so that no two have one number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told what; each is called at once, in the order of events, and must be quick and not fail.

    `on_message(message, received_ns, epoch)`: a message. `on_down(tokens, epoch, reason)`: nothing that is known of
    these is to be trusted from now on. `tap(bytes, received_ns, epoch)`: each frame before all.
    """

    on_message: Callable[[MarketMessage, int, int], None]
    on_down: Callable[[tuple[str, ...], int, str], None]
    tap: Callable[[bytes, int, int], None] | None = None


class MarketSocket:
    """Tokens are wanted in groups, such as the two of a market, which share a connection.

    `counts` tells malformed frames, `unknown_types` what is new to us.
    """

    def __init__(
        self, config: PolymarketDataConfig, listener: Listener, *, now_ns: Callable[[], int]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.unknown_types: Counter[str] = Counter()
        self._config = config
        self._listener = listener
        self._now_ns = now_ns
        self._lines: list[_Line] = []
        self._line_of: dict[str, _Line] = {}
        self._stopping = asyncio.Event()
        self._failed: asyncio.Queue[BaseException] = asyncio.Queue()
        self._tasks: Tasks | None = None
        self._has_room: Callable[[], bool] = lambda: True

    async def run(self) -> None:
        """Keep the connections that are needed until `stop`; what fails in one is raised here."""
        async with Tasks(lambda _, error: self._failed.put_nowait(error)) as tasks:
            self._tasks = tasks
            for line in self._lines:
                tasks.start(f"line {line.number}", line.socket.run())
            stopping = tasks.start("stop", self._stopping.wait())
            failing = tasks.start("failure", self._failed.get())
            done, _ = await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
            self._tasks = None
            for line in self._lines:
                line.socket.stop()
            if failing in done:
                raise failing.result()

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    @property
    def is_up(self) -> bool:
        """Whether every connection that is needed is there."""
        return all(line.socket.is_up for line in self._lines)

    @property
    def has_waiting(self) -> bool:
        """Whether frames have arrived that were not handed over yet."""
        return any(line.socket.has_waiting for line in self._lines)

    def wait_for(self, has_room: Callable[[], bool]) -> None:
        """Hand frames over only while `has_room()`: until then they wait, `most_frames_waiting` at most a connection."""
        self._has_room = has_room

    def want(self, tokens: Iterable[str]) -> None:
        """Want the messages of these tokens too; they share a connection."""
        news = tuple(one for one in tokens if one not in self._line_of)
        if not news:
            return
        line = self._roomy(len(news))
        for token in news:
            self._line_of[token] = line
        line.add(news)

    def want_not(self, tokens: Iterable[str]) -> None:
        """Want nothing of these tokens any more."""
        for token in tokens:
            line = self._line_of.pop(token, None)
            if line is not None:
                line.remove(token)

    def ask_again(self, tokens: Iterable[str]) -> None:
        """Ask for whole books of these, which come only with a new subscription."""
        for token in tokens:
            line = self._line_of.get(token)
            if line is not None:
                line.ask_again((token,))

    def _roomy(self, count: int) -> "_Line":
        for line in self._lines:
            if len(line.wanted) + count <= self._config.tokens_per_connection:
                return line
        line = _Line(len(self._lines), self._config, self._now_ns, self._take, self._listener)
        line.socket.has_room = lambda: self._has_room()
        self._lines.append(line)
        if self._tasks is not None:
            self._tasks.start(f"line {line.number}", line.socket.run())
        return line

    def _take(self, line: "_Line", raw: bytes, received_ns: int, epoch: int) -> None:
        if raw == _PONG:
            return
        try:
            messages = decode_market_frame(raw)
        except (MsgspecError, UnicodeDecodeError) as error:
            self.counts["malformed"] += 1
            _LOG.warning("expected a frame of Polymarket, found %r: %s", raw[:200], error)
            self._listener.on_down(tuple(line.wanted), epoch, f"malformed frame: {error}")
            line.ask_again(tuple(line.wanted))
            return
        for message in messages:
            if isinstance(message, OtherMessage):
                self._note_unknown(message.kind)
            else:
                self._listener.on_message(message, received_ns, epoch)

    def _note_unknown(self, kind: str) -> None:
        if kind not in self.unknown_types:
            _LOG.warning("expected a type of message that we read, found %r: it is ignored", kind)
        self.unknown_types[kind] += 1


class _Line:
    """One connection: what is wanted of it outlives it."""

    def __init__(
        self,
        number: int,
        config: PolymarketDataConfig,
        now_ns: Callable[[], int],
        take: Callable[["_Line", bytes, int, int], None],
        listener: Listener,
    ) -> None:
        self.number = number
        self.wanted: dict[str, None] = {}
        self._ping_secs = config.ping_secs
        self._listener = listener
        self._outbox: asyncio.Queue[object] | None = None
        self.socket = ResilientSocket(
            config.market_stream_address,
            on_frame=lambda raw, ns, epoch: take(self, raw, ns, self._numbered(epoch)),
            on_epoch=self._speak,
            on_down=self._end,
            now_ns=now_ns,
            tap=None if listener.tap is None else self._tap,
            heartbeat_secs=config.ping_secs,
            silence_secs=config.silence_secs,
            backoff=Backoff(config.reconnect_first_secs, 2.0, config.reconnect_most_secs),
            queue_size=config.most_frames_waiting,
        )

    def add(self, tokens: tuple[str, ...]) -> None:
        self.wanted |= dict.fromkeys(tokens)
        self._say(Change(operation="subscribe", assets_ids=tokens, custom_feature_enabled=True))

    def remove(self, token: str) -> None:
        self.wanted.pop(token, None)
        self._say(Change(operation="unsubscribe", assets_ids=(token,)))

    def ask_again(self, tokens: tuple[str, ...]) -> None:
        self._say(Change(operation="unsubscribe", assets_ids=tokens))
        self._say(Change(operation="subscribe", assets_ids=tokens, custom_feature_enabled=True))

    def _say(self, message: object) -> None:
        if self._outbox is not None:
            self._outbox.put_nowait(message)

    async def _speak(self, _epoch: int, send: Send) -> None:
        outbox = self._outbox = asyncio.Queue()
        await send(Subscribe(assets_ids=tuple(self.wanted)))
        loop = asyncio.get_running_loop()
        ping_at = loop.time() + self._ping_secs
        while True:
            try:
                async with asyncio.timeout_at(ping_at):
                    due = await outbox.get()
            except TimeoutError:
                due, ping_at = _PING, loop.time() + self._ping_secs
            await send(due)

    def _end(self, epoch: int, reason: str) -> None:
        self._outbox = None
        self._listener.on_down(tuple(self.wanted), self._numbered(epoch), reason)

    def _tap(self, raw: bytes, received_ns: int, epoch: int) -> None:
        if raw != _PONG and self._listener.tap is not None:
            self._listener.tap(raw, received_ns, self._numbered(epoch))

    def _numbered(self, epoch: int) -> int:
        return self.number * _EPOCHS_PER_LINE + epoch
