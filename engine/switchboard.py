"""Who hears a datum first: always the strategy that was seated first.

The engine hands one datum to its subscribers in an order that it draws by chance for every topic and
run (handler ids are random, run on rc7). Two strategies that act on one quote would then reach the venue
in either order, and a replay would not repeat itself.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import attrgetter, itemgetter
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


class _Topic:
    """Who hears a topic, by seat, and whose copy of the last datum is still to come."""

    __slots__ = ("ears", "owed", "seats")

    def __init__(self) -> None:
        self.set_ears(())
        self.owed: set[int] = set()

    def set_ears(self, ears: Iterable[tuple[int, Hook]]) -> None:
        self.ears = tuple(sorted(ears, key=itemgetter(0)))
        self.seats = frozenset(seat for seat, _ in self.ears)


class Switchboard:
    """Passes the first copy of a datum that arrives on to all subscribers, in the order of their seats.

    Every strategy stays subscribed at the engine as it asked to be; the other copies are dropped. Who
    gets one is fixed when the engine begins to hand them out (run on rc7): a strategy that unsubscribes
    when it hears a datum still gets its copy, and none is sent to one that subscribes meanwhile.
    """

    def __init__(self) -> None:
        self._seats = 0
        self._topics: defaultdict[Channel, defaultdict[Hashable, _Topic]] = defaultdict(
            lambda: defaultdict(_Topic)
        )

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
        line = self._topics[channel][topic]
        line.set_ears([*(ear for ear in line.ears if ear[0] != seat), (seat, hook)])

    def remove(self, channel: Channel, topic: Hashable, seat: int) -> None:
        """Let the strategy on `seat` hear `topic` no more."""
        line = self._topics[channel][topic]
        line.set_ears(ear for ear in line.ears if ear[0] != seat)

    def deliver(self, channel: Channel, seat: int, datum: Any) -> None:
        """Take what the engine gave to the strategy on `seat`."""
        line = self._topics[channel][channel.topic_of(datum)]
        if seat in line.owed:
            line.owed.remove(seat)
            return
        line.owed = set(line.seats - {seat})
        for _, hook in line.ears:
            hook(datum)
