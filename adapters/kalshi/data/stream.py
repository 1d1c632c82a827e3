"""The socket's messages, each to the market that it speaks of; and what to do when some are missing."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import MsgspecError
from msgspec.json import Decoder

from adapters.kalshi import constants as venue
from adapters.kalshi.data.book import QUIET_NS
from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.messages import frames
from adapters.kalshi.messages.market_data import EventFeeUpdate, EventLifecycle, IndexValue, MarketLifecycle
from adapters.kalshi.messages.numbers import Row
from adapters.kalshi.websocket.client import Denial, Gap, Listener
from markets.facts import Method, OraclePrice

_LOG: Final = logging.getLogger(__name__)
_MILLISECOND_NS: Final = 1_000_000
_QUIET_TURNS: Final = 4
_BEHIND_SECS: Final = 0.001
_CROSSED_SECS: Final = 1.0
_INDEX_SOURCE: Final = "CFBENCHMARKS"
TICKER_CHANNEL: Final = "ticker"
TRADE_CHANNEL: Final = "trade"
LIFECYCLE_CHANNEL: Final = "market_lifecycle_v2"


class IndexTick(Row, frozen=True):
    """The text inside `cfbenchmarks_value`: a second of an index, `time` in milliseconds since the epoch."""

    type: Literal["value"]
    id: str
    time: int
    value: Decimal


_INDEX_TICK: Final = Decoder(IndexTick)


def parse_index(message: IndexValue, recv_ns: int) -> OraclePrice:
    """Return an index value as a reference price; msgspec's errors for a text that says something else."""
    tick = _INDEX_TICK.decode(message.data)
    return OraclePrice(
        ts_event=tick.time * _MILLISECOND_NS,
        ts_init=recv_ns,
        source=_INDEX_SOURCE,
        symbol=message.index_id,
        value=tick.value,
        method=Method.INDEX,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Followers:
    """Who acts on what concerns more than one market's data; each is called on the loop and returns at once.

    `renew_book(ticker)`: ask for a whole book again. `on_lifecycle`, `on_event`, `on_fees`: the messages.
    `on_lapse(channel)`: messages of a channel without books were lost, or it has just begun: look by REST.
    `on_end(reason, now_ns)`: the connection ended.
    """

    renew_book: Callable[[str], None]
    on_lifecycle: Callable[[MarketLifecycle, int], None]
    on_event: Callable[[EventLifecycle], None]
    on_fees: Callable[[EventFeeUpdate, int], None]
    on_lapse: Callable[[str], None]
    on_end: Callable[[str, int], None]


class MarketStream:
    """Hands messages to `markets` (by ticker), facts about indices to `emit`.

    An action ends when the next book frame shows it, which may be long after. So what is held back is told
    `QUIET_NS` after its last frame came, when the loop has been quiet for a few turns: by then every frame that had
    arrived was read and handed over, while a timer would cost a whole millisecond at least. A frame that comes later than
    that begins anew, however busy the loop was: whoever reads the recording has these times only, and must tell the
    same. Frames of one action leave the venue together; should one stray, a book that is crossed meanwhile is held
    back until the rest has come.
    """

    def __init__(
        self,
        markets: Mapping[str, LiveMarket],
        followers: Followers,
        emit: Callable[[Any], None],
        now_ns: Callable[[], int],
        counts: Counter[str],
    ) -> None:
        self.counts = counts
        self.is_behind: Callable[[], bool] = lambda: False
        """Whether frames that have arrived are still to be handed over."""
        self.last_message_ns = 0
        self._last_book_ns = 0
        self._markets = markets
        self._followers = followers
        self._emit = emit
        self._now_ns = now_ns
        self._turn = 0
        self._is_turning = False
        self._held: dict[str, int] = {}
        self._heard_ns: dict[str, int] = {}
        self._crossed: dict[str, asyncio.TimerHandle] = {}
        self._takers: dict[type, Callable[[Any, int], None]] = {
            frames.DeltaFrame: self._take_delta,
            frames.SnapshotFrame: self._take_snapshot,
            frames.TradeFrame: self._take_trade,
            frames.TickerFrame: self._take_ticker,
            frames.LifecycleFrame: self._take_lifecycle,
            frames.EventLifecycleFrame: lambda frame, _: followers.on_event(frame.msg),
            frames.EventFeeFrame: lambda frame, ns: followers.on_fees(frame.msg, ns),
            frames.IndexFrame: self._take_index,
        }

    def listener(self, tap: Callable[[bytes, int, int], None] | None = None) -> Listener:
        """Return what a socket talks to."""
        return Listener(
            on_message=self._take,
            on_gap=self._take_gap,
            on_live=self._begin,
            on_denied=self._take_denial,
            on_down=self._end,
            tap=tap,
        )

    def hold(self, ticker: str) -> None:
        """Flush a market's book when the loop has been quiet for a few turns."""
        self._held[ticker] = self._turn
        if not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._pass_turn)

    def _pass_turn(self) -> None:
        self._turn += 1
        now_ns, is_behind = self._now_ns(), self.is_behind()
        for ticker, since in tuple(self._held.items()):
            if is_behind or 0 <= now_ns - self._heard_ns.get(ticker, 0) < QUIET_NS:
                self._held[ticker] = self._turn
            elif self._turn - since >= _QUIET_TURNS:
                del self._held[ticker]
                if ticker in self._markets:
                    self._with_book(ticker, self._flush, now_ns)
        loop = asyncio.get_running_loop()
        self._is_turning = bool(self._held)
        if self._held and is_behind:
            loop.call_later(_BEHIND_SECS, self._pass_turn)  # the engine wants the processor
        elif self._held:
            loop.call_soon(self._pass_turn)

    def _flush(self, market: LiveMarket) -> None:
        is_told = market.book.flush()
        waiting = self._crossed.get(market.ticker)
        if is_told and waiting is not None:
            waiting.cancel()
            del self._crossed[market.ticker]
        elif not is_told and waiting is None:
            loop = asyncio.get_running_loop()
            self._crossed[market.ticker] = loop.call_later(_CROSSED_SECS, self._end_waiting, market.ticker)

    def _end_waiting(self, ticker: str) -> None:
        """Give up a book whose action never came to an end; it stayed crossed all the time."""
        del self._crossed[ticker]
        if ticker in self._markets and not self._markets[ticker].book.flush():
            self._break(ticker, self._now_ns(), f"the book was crossed for {_CROSSED_SECS:g} s")

    def _take(self, frame: frames.MessageFrame, recv_ns: int, _epoch: int) -> None:
        take = self._takers.get(type(frame))
        if take is None:  # the private channels are for the other client
            return
        self.last_message_ns = recv_ns
        try:
            take(frame, recv_ns)
        except (ValueError, ArithmeticError, MsgspecError) as error:
            self.counts["unusable_messages"] += 1
            _LOG.warning("expected a message that can be used, found %s: %s", type(frame).__name__, error)

    def _take_delta(self, frame: frames.DeltaFrame, recv_ns: int) -> None:
        self._last_book_ns = recv_ns
        ticker = frame.msg.market_ticker
        self._end_actions(ticker, recv_ns)
        market = self._markets.get(ticker)
        if market is None or not market.book.is_known:
            self.counts["deltas_without_book"] += 1
            return
        if ticker in self._held and recv_ns - self._heard_ns.get(ticker, recv_ns) > QUIET_NS:
            self._with_book(ticker, self._flush, recv_ns)
        self._heard_ns[ticker] = recv_ns
        self.hold(ticker)
        self._with_book(ticker, lambda one: one.book.take_delta(frame.msg, recv_ns, frame.seq or 0), recv_ns)

    def _take_snapshot(self, frame: frames.SnapshotFrame, recv_ns: int) -> None:
        self._last_book_ns = recv_ns
        ticker = frame.msg.market_ticker
        self._end_actions(ticker, recv_ns)
        if ticker in self._markets:
            self._with_book(
                ticker, lambda one: one.take_snapshot(frame.msg, recv_ns, frame.seq or 0), recv_ns
            )

    def _end_actions(self, but: str, now_ns: int) -> None:
        """Tell the actions that a book frame of another market shows to be over."""
        for ticker in [one for one in self._held if one != but]:
            del self._held[ticker]
            if ticker in self._markets:
                self._with_book(ticker, self._flush, now_ns)

    def _with_book(self, ticker: str, act: Callable[[LiveMarket], None], now_ns: int) -> None:
        market = self._markets[ticker]
        try:
            act(market)
        except ValueError as error:
            self._break(ticker, now_ns, str(error))

    def _break(self, ticker: str, now_ns: int, reason: str) -> None:
        self.counts["books_broken"] += 1
        _LOG.warning("expected a book of %s that fits together, found: %s", ticker, reason)
        self._markets[ticker].book.lose(now_ns, now_ns, reason)
        self._followers.renew_book(ticker)

    def _take_trade(self, frame: frames.TradeFrame, recv_ns: int) -> None:
        market = self._markets.get(frame.msg.market)
        if market is not None:
            market.take_trade(frame.msg, recv_ns)

    def _take_ticker(self, frame: frames.TickerFrame, _recv_ns: int) -> None:
        market = self._markets.get(frame.msg.market_ticker)
        if market is not None:
            market.book.take_ticker(frame.msg)

    def _take_lifecycle(self, frame: frames.LifecycleFrame, recv_ns: int) -> None:
        self._followers.on_lifecycle(frame.msg, recv_ns)

    def _take_index(self, frame: frames.IndexFrame, recv_ns: int) -> None:
        self._emit(parse_index(frame.msg, recv_ns).as_data())

    def stop(self) -> None:
        """Wait for nothing any more."""
        for waiting in self._crossed.values():
            waiting.cancel()
        self._crossed.clear()

    def _begin(self, channel: str, epoch: int) -> None:
        if channel == LIFECYCLE_CHANNEL or (channel == TRADE_CHANNEL and epoch > 1):
            self._followers.on_lapse(channel)

    def _take_gap(self, gap: Gap) -> None:
        self.counts[f"gaps_{gap.channel}"] += 1
        _LOG.warning("expected every frame of %s, found a gap: %s", gap.channel, gap.reason)
        if gap.channel != venue.BOOK_CHANNEL:
            self._followers.on_lapse(gap.channel)
            return
        now_ns = self._now_ns()
        for ticker in gap.markets or tuple(self._markets):
            if ticker in self._markets:
                self._markets[ticker].book.lose(self._last_book_ns or now_ns, now_ns, gap.reason)

    def _take_denial(self, denial: Denial) -> None:
        self.counts["denials"] += 1
        names = ", ".join(denial.markets) or "everything"
        _LOG.warning(
            "expected %s of %s, found code %s: %s", denial.channel, names, denial.code, denial.reason
        )

    def _end(self, epoch: int, reason: str) -> None:
        _LOG.warning("expected a connection, found connection %s ended: %s", epoch, reason)
        self.counts["connections_lost"] += 1
        now_ns = self._now_ns()
        since_ns = self.last_message_ns or now_ns
        self._followers.on_end(reason, now_ns)
        for market in self._markets.values():
            market.book.lose(since_ns, now_ns, f"no connection: {reason}")
