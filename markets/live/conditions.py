"""How the venue works, said once each time it changes."""

from collections.abc import Callable
from typing import Any, Final

from markets.facts import Condition, VenueCondition
from markets.live.outlet import Note, note_nothing

_OF_A_MOMENT: Final = frozenset({Condition.FAILURE, Condition.API_ERROR})


class Conditions:
    """Tells `emit` what sockets and REST show of a venue.

    The venue is normal when REST says so and a message has come since the connection ended last;
    `last_message_ns` tells when that was. `note` hears of trouble, which nobody else has told.
    """

    def __init__(
        self,
        venue: str,
        emit: Callable[[Any], None],
        now_ns: Callable[[], int],
        last_message_ns: Callable[[], int],
        note: Note = note_nothing,
    ) -> None:
        self._venue = venue
        self._emit = emit
        self._note = note
        self._now_ns = now_ns
        self._last_message_ns = last_message_ns
        self._ended_ns = 0
        self._last: Condition | None = None

    def end(self, reason: str, at_ns: int) -> None:
        """Take note that the connection ended."""
        self._ended_ns = at_ns
        self._say(Condition.DOWN, reason)

    def take_status(self, *, is_paused: bool) -> None:
        """Take what REST says of the exchange as a whole."""
        if is_paused:
            self._say(Condition.PAUSED, "the exchange or its trading is not active")
        elif self._last_message_ns() > self._ended_ns:
            self._say(Condition.NORMAL, "")

    def take_trouble(self, what: str) -> None:
        """Take note of a request that ended in an error."""
        self._note("trouble", {"what": what}, self._now_ns())
        self._say(Condition.API_ERROR, what)

    def _say(self, condition: Condition, detail: str) -> None:
        if condition not in _OF_A_MOMENT:
            if condition == self._last:
                return
            self._last = condition
        now_ns = self._now_ns()
        fact = VenueCondition(
            ts_event=now_ns, ts_init=now_ns, venue=self._venue, condition=condition, detail=detail
        )
        self._emit(fact.as_data())
