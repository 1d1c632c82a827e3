"""Who hears a datum first: always the strategy that was seated first.

The engine hands one datum to its subscribers in an order that it draws by chance for every topic and
run (handler ids are random, run on rc7). Two strategies that act on one quote would then reach the venue
in either order, and a replay would not repeat itself.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

type Hook = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of data: how it is asked for, where it arrives, and what a subscription is for."""

    subscribe: str
    hook: str
    topic_of: Callable[[Any], Hashable]

    @property
    def unsubscribe(self) -> str:
        return f"un{self.subscribe}"


_BY_INSTRUMENT = attrgetter("instrument_id")
CHANNELS = (
    Channel("subscribe_quotes", "on_quote", _BY_INSTRUMENT),
    Channel("subscribe_trades", "on_trade", _BY_INSTRUMENT),
    Channel("subscribe_book_deltas", "on_book_deltas", _BY_INSTRUMENT),
    Channel("subscribe_book_depth", "on_book_depth", _BY_INSTRUMENT),
    Channel("subscribe_instrument_close", "on_instrument_close", _BY_INSTRUMENT),
    Channel("subscribe_instrument_status", "on_instrument_status", _BY_INSTRUMENT),
    Channel("subscribe_instruments", "on_instrument", attrgetter("id.venue")),
    Channel("subscribe_bars", "on_bar", attrgetter("bar_type")),
    Channel("subscribe_data", "on_data", attrgetter("data_type")),
)


class Switchboard:
    """Passes what the first subscriber of a topic receives on to all, in the order of their seats.

    Every strategy stays subscribed at the engine as it asked to be; what the others receive from there
    is a second copy, and is dropped.
    """

    def __init__(self) -> None:
        self._seats = 0
        self._ears: defaultdict[Channel, dict[Hashable, tuple[tuple[int, Hook], ...]]] = defaultdict(dict)

    def join(self) -> int:
        """Return the next seat; who has a lower one hears first."""
        self._seats += 1
        return self._seats

    @property
    def is_shared(self) -> bool:
        """Whether there is more than one strategy, so that an order among them matters."""
        return self._seats > 1

    def add(self, channel: Channel, topic: Hashable, seat: int, hook: Hook) -> None:
        """Let the strategy on `seat` hear `topic`."""
        others = [ear for ear in self._ears[channel].get(topic, ()) if ear[0] != seat]
        self._ears[channel][topic] = tuple(sorted([*others, (seat, hook)], key=lambda ear: ear[0]))

    def remove(self, channel: Channel, topic: Hashable, seat: int) -> None:
        """Let the strategy on `seat` hear `topic` no more."""
        others = tuple(ear for ear in self._ears[channel].pop(topic, ()) if ear[0] != seat)
        if others:
            self._ears[channel][topic] = others

    def deliver(self, channel: Channel, seat: int, datum: Any) -> None:
        """Take what the engine gave to the strategy on `seat`."""
        ears = self._ears[channel].get(channel.topic_of(datum), ())
        if ears and ears[0][0] == seat:
            for _, hook in ears:
                hook(datum)
