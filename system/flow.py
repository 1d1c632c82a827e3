"""How far the engine is behind the data that a venue's client has given it, so that the client can wait.

rc7 keeps data from its clients in a queue without a bound, and tells 64 of them when another thread has woken it:
a socket that is read faster than that fills the memory, unseen (run on rc7). So every so often an echo goes in
with the data; when it comes out, all that went in before it has been told.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, ClassVar, Final

from nautilus_trader.model import DataType

from markets.facts import Fact

_EVERY: Final = 64
_MOST_WAITING: Final = 1024


class Echo(Fact, frozen=True, forbid_unknown_fields=True):
    """Goes through the engine's queue like any datum: by then `told` data of `venue` had gone in."""

    topic: ClassVar = ("venue",)
    venue: str
    told: int


class Flow:
    """Counts what goes in for one venue, and what has come out again; `spell` is what is told for each datum.

    Before `begin` and after `end` nobody hears the echoes, so there is room always.
    """

    def __init__(self, venue: str, spell: Callable[[Any], Iterable[Any]] | None = None) -> None:
        self.venue = venue
        self._spell = spell
        self._told = self._sent = self._heard = 0
        self._is_heard = False

    @property
    def kind(self) -> DataType:
        """What the echoes are subscribed to by."""
        return Echo.data_type(self.venue)

    def __call__(self, datum: Any) -> Iterable[Any]:
        """Return what to tell for `datum`, now and then with an echo behind it."""
        spelt = self._spell(datum) if self._spell else (datum,)
        self._told += 1
        if self._told - self._sent < _EVERY:
            return spelt
        self._sent = self._told
        return chain(spelt, (Echo(ts_event=0, ts_init=0, venue=self.venue, told=self._told).as_data(),))

    def has_room(self) -> bool:
        """Return whether the engine keeps up."""
        return not self._is_heard or self._told - self._heard < _MOST_WAITING

    def begin(self) -> None:
        """Count from now on."""
        self._is_heard, self._heard = True, self._told

    def end(self) -> None:
        """Count no more."""
        self._is_heard = False

    def hear(self, echo: Any) -> None:
        """Take an echo that the engine told."""
        self._heard = echo.told
