"""Who hears what comes out of the engine's queue of data, for whoever must know how full it is."""

from collections.abc import Sequence
from typing import Any, Protocol, Self, final, override

from nautilus_trader.common import DataActor
from nautilus_trader.model import ClientId, CustomData, DataType


class Source(Protocol):
    """What sends echoes into the queue of one venue."""

    @property
    def venue(self) -> str:
        """The venue, and the name of its data client."""

    @property
    def kind(self) -> DataType:
        """What they are subscribed to by."""

    def begin(self) -> None:
        """Know that they are heard from now on."""

    def end(self) -> None:
        """Know that they are heard no more."""

    def hear(self, echo: Any) -> None:
        """Take one that has come out."""


@final
class EchoEar(DataActor):
    """Passes each echo on to its source, from start to stop; the clients know nothing of them."""

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls)

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self._sources = {source.kind.topic: source for source in sources}

    @override
    def on_start(self) -> None:
        for source in self._sources.values():
            self.subscribe_data(source.kind, ClientId(source.venue))
            source.begin()

    @override
    def on_data(self, data: CustomData) -> None:
        self._sources[data.data_type.topic].hear(data.data)

    @override
    def on_stop(self) -> None:
        for source in self._sources.values():
            source.end()
