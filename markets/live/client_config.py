"""What Nautilus passes on to the factory of a data client, whichever venue it is."""

from collections.abc import Callable, Iterable
from typing import Any, Self

from nautilus_trader.config import DataClientConfig

from markets.live.outlet import Note, note_nothing

type Tap = Callable[[bytes, int, int], None]
type Respell = Callable[[Any], Iterable[Any]]


class FollowingConfig[S, P](DataClientConfig):
    """A venue's `settings`, and what a caller wants beside.

    `series` are listed at the start and followed, `markets` are listed by their names at the venue, at the venue's usual
    `pace` or another. `tap` gets each raw frame before anybody else, `note` what no frame tells (`Following`): what a
    recorder needs. `respell` says what the engine is told for each datum: a simulated venue wants prints spelt out.
    While `has_room()` is false, frames wait: the engine is behind.
    """

    def __new__(cls, *, settings: S, **wanted: Any) -> Self:
        engine = {name: value for name, value in wanted.items() if name not in _OURS}
        return super().__new__(cls, **engine)

    def __init__(  # noqa: PLR0913  each is one thing that a caller may want
        self,
        *,
        settings: S,
        series: tuple[str, ...] = (),
        markets: tuple[str, ...] = (),
        pace: P | None = None,
        tap: Tap | None = None,
        respell: Respell | None = None,
        note: Note = note_nothing,
        has_room: Callable[[], bool] = lambda: True,
        **_engine: Any,
    ) -> None:
        self.settings = settings
        self.series = series
        self.markets = markets
        self.pace = pace
        self.tap = tap
        self.respell = respell
        self.note = note
        self.has_room = has_room


_OURS = frozenset({"series", "markets", "pace", "tap", "respell", "note", "has_room"})
