"""What we want of one channel, how far a connection is with it, and which commands are due. Pure.

`seq` counts per subscription over all its markets and messages, answers included, from 1. After a gap no book
of the subscription is whole until a fresh snapshot of its market has come (reference, section 8).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched
from typing import Final

from msgspec import UNSET

from adapters.kalshi import constants as venue
from adapters.kalshi.messages.frames import SubscribeParams, UnsubscribeParams, UpdateParams
from adapters.kalshi.messages.market_data import OrderbookSnapshot
from adapters.kalshi.messages.numbers import price_steps

type CommandParams = SubscribeParams | UpdateParams | UnsubscribeParams

_ADD: Final = {venue.INDEX_CHANNEL: "subscribe_indices"}
_DELETE: Final = {venue.INDEX_CHANNEL: "unsubscribe_indices"}
_FIRST_PAUSE_TICKS: Final = 1
_MOST_PAUSE_TICKS: Final = 60
_PATIENCE_TICKS: Final = 10


@dataclass(frozen=True, slots=True)
class Due:
    """A command to send; `names` are the markets or indices that fail with it."""

    verb: str
    params: CommandParams
    names: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Subscription:
    """One channel. `wanted` outlives a connection, the rest is forgotten with it; times are in ticks."""

    channel: str
    wanted: dict[str, None] = field(default_factory=dict)
    wants_all: bool = False
    denied: set[str] = field(default_factory=set)
    sid: int | None = None
    last_seq: int = 0
    restarts_with: int = 0
    asked: dict[str, None] = field(default_factory=dict)
    asked_all: bool = False
    live: set[str] = field(default_factory=set)
    heal_at: int = 0
    healed_at: int = -1
    heal_pause: int = _FIRST_PAUSE_TICKS
    retry_at: int | None = None
    retry_pause: int = 0
    died_at: int = 0
    is_dead: bool = False

    @property
    def is_book(self) -> bool:
        """Whether its messages make books that must be whole."""
        return self.channel == venue.BOOK_CHANNEL

    @property
    def named(self) -> tuple[str, ...]:
        """The markets that it was asked for, none when it is for all."""
        return tuple(self.asked)

    def want(self, names: tuple[str, ...]) -> None:
        """Want these too, without names everything."""
        self.wanted |= dict.fromkeys(names)
        self.wants_all = self.wants_all or not names

    def want_not(self, names: tuple[str, ...]) -> None:
        """Want these no more, without names nothing."""
        gone = set(names) if names else self.wanted.keys()
        self.wanted = {name: None for name in self.wanted if name not in gone}
        self.wants_all = self.wants_all and bool(names)
        self.denied &= self.wanted.keys()

    def forget(self) -> None:
        """Know nothing of the connection any more."""
        self.sid, self.last_seq, self.restarts_with, self.asked_all = None, 0, 0, False
        self.asked, self.live = {}, set()
        self.healed_at, self.heal_pause = -1, _FIRST_PAUSE_TICKS

    def begin(self) -> None:
        """Start afresh on a new connection."""
        self.forget()
        self.denied.clear()
        self.retry_at, self.retry_pause, self.is_dead = None, 0, False

    def settle(self, chunk: int, tick: int) -> Iterator[Due]:
        """Yield what leads from what is asked for to what is wanted; nothing while an answer is due."""
        waits = self.sid is None and (self.asked_all or self.asked)
        if waits or self.is_dead:
            return
        missing = [name for name in self.wanted if name not in self.asked and name not in self.denied]
        wants_some = self.wants_all or self.wanted.keys() - self.denied
        if self.sid is not None and (not wants_some or self.asked_all != self.wants_all):
            yield Due("unsubscribe", UnsubscribeParams((self.sid,)))
            self.forget()
            missing = [name for name in self.wanted if name not in self.denied]
        if self.sid is None:
            if wants_some:
                yield self._subscribe(() if self.wants_all else tuple(missing[:chunk]))
        elif not self.wants_all:
            yield from self._add(missing, chunk, tick)
            yield from self._delete(chunk)

    def heal(self, chunk: int, tick: int) -> Iterator[Due]:
        """Yield requests for snapshots of the books that are not whole, now or when it is time again."""
        if not self.is_book or self.sid is None or tick < self.heal_at:
            return
        broken = [name for name in self.asked if name not in self.live]
        if broken:
            self.healed_at, self.heal_at = tick, tick + self.heal_pause
            self.heal_pause = min(2 * self.heal_pause, _MOST_PAUSE_TICKS)
            for part in batched(broken, chunk, strict=False):
                yield Due("update_subscription", self._update("get_snapshot", part))

    def follow(self, seq: int) -> int:
        """Take the next number; return how far it is from the expected one: 0, ahead, or behind (a repeat).

        Two numbers behind that follow each other are no repeat: the venue counts anew, and so do we.
        """
        away = seq - self.last_seq - 1
        if away < 0 and seq != self.restarts_with:
            self.restarts_with = seq + 1
            return away
        self.last_seq, self.restarts_with = seq, 0
        return max(away, 0)

    def lose(self, tick: int) -> None:
        """Note that frames are missing: no book is whole, and all may be asked for now, but once a tick."""
        self.live.clear()
        if tick > self.healed_at:
            self.heal_at, self.heal_pause = tick, _FIRST_PAUSE_TICKS

    def whole(self, market: str) -> bool:
        """Note a snapshot; return whether anybody asked for it."""
        if market not in self.asked:
            return False
        self.live.add(market)
        return True

    def confirm(self, sid: int, tick: int) -> None:
        """Note under which number its messages come."""
        self.sid, self.heal_at = sid, tick + _PATIENCE_TICKS

    def die(self, tick: int) -> None:
        """Note that the venue ended it; it is asked for again at once, then ever later while it keeps dying."""
        if tick - self.died_at > _MOST_PAUSE_TICKS:
            self.retry_pause = 0
        self.died_at = tick
        self.forget()
        self.is_dead = True
        self._retry_later(tick)

    def deny(self, names: tuple[str, ...], tick: int) -> None:
        """Note that the venue does not send these, without names nothing; they are asked for again later."""
        if self.sid is None:
            self.forget()
            self.is_dead = not names
        self.denied |= self.wanted.keys() & set(names)
        self.asked = {name: None for name in self.asked if name not in names}
        self.live -= set(names)
        self.retry_pause = max(self.retry_pause, _PATIENCE_TICKS)
        self._retry_later(tick)

    def retry(self, tick: int) -> bool:
        """Return whether it is time to ask again for what was denied or has died."""
        if self.retry_at is None or tick < self.retry_at:
            return False
        self.retry_at, self.is_dead = None, False
        self.denied.clear()
        return True

    def _retry_later(self, tick: int) -> None:
        due = tick + self.retry_pause
        if self.retry_at is None or due < self.retry_at:
            self.retry_at = due
        self.retry_pause = min(max(2 * self.retry_pause, _FIRST_PAUSE_TICKS), _MOST_PAUSE_TICKS)

    def _subscribe(self, names: tuple[str, ...]) -> Due:
        self.asked, self.asked_all = dict.fromkeys(names), self.wants_all
        is_index = self.channel == venue.INDEX_CHANNEL
        params = SubscribeParams(
            channels=(self.channel,),
            market_tickers=UNSET if is_index or not names else names,
            index_ids=names if is_index else UNSET,
            use_yes_price=True if self.is_book else UNSET,
        )
        return Due("subscribe", params, names)

    def _add(self, names: list[str], chunk: int, tick: int) -> Iterator[Due]:
        for part in batched(names, chunk, strict=False):
            self.asked |= dict.fromkeys(part)
            self.heal_at = max(self.heal_at, tick + _PATIENCE_TICKS)
            yield Due("update_subscription", self._update(_ADD.get(self.channel, "add_markets"), part), part)

    def _delete(self, chunk: int) -> Iterator[Due]:
        gone = [name for name in self.asked if name not in self.wanted]
        for part in batched(gone, chunk, strict=False):
            self.asked = {name: None for name in self.asked if name not in part}
            self.live -= set(part)
            yield Due("update_subscription", self._update(_DELETE.get(self.channel, "delete_markets"), part))

    def _update(self, action: str, names: tuple[str, ...]) -> UpdateParams:
        is_index = self.channel == venue.INDEX_CHANNEL
        return UpdateParams(
            sids=(self.sid or 0,),
            action=action,
            market_tickers=UNSET if is_index else names,
            index_ids=names if is_index else UNSET,
        )


def expect_subscription(channel: str, names: tuple[str, ...]) -> None:
    """Raise ValueError for a channel that we do not read, that needs names, or that knows none."""
    if channel not in venue.CHANNELS:
        raise ValueError(f"expected a channel among {sorted(venue.CHANNELS)}, found {channel!r}")
    if channel in venue.CHANNELS_BY_NAME_ONLY and not names:
        raise ValueError(f"expected markets or indices for {channel}, found none")
    if channel in venue.CHANNELS_WITHOUT_TICKERS and names:
        raise ValueError(f"expected no markets for {channel}, found {names[:3]}")


def is_on_yes_scale(snapshot: OrderbookSnapshot) -> bool:
    """Return whether the NO levels can be YES prices, as asked for: then they lie above all YES bids.

    In NO prices the cheapest NO bid nearly always lies below the best YES bid. ValueError for a price that
    cannot be.
    """
    bids = [price_steps(price) for price, _ in snapshot.levels("yes")]
    asks = [price_steps(price) for price, _ in snapshot.levels("no")]
    return not bids or not asks or max(bids) < min(asks)
