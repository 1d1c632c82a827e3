"""What a book may say about the venue that a replay or a sandbox stands in for."""

from typing import Annotated

from msgspec import Meta, Struct

_NS_PER_MS = 1_000_000

Milliseconds = Annotated[float, Meta(ge=0, le=60_000)]


class VenueModel(Struct, frozen=True, forbid_unknown_fields=True):
    """One set of settings for the replay and for the sandbox.

    `latency_ms` is the time from our decision to the venue's book, one way, for every command.
    `queue_position` makes a resting order wait behind what was shown at its price when it arrived.
    `liquidity_consumption` lets a level be taken once, until the recording shows a new size there.
    """

    latency_ms: Milliseconds = 50.0
    queue_position: bool = True
    liquidity_consumption: bool = True

    @property
    def latency_ns(self) -> int:
        return round(self.latency_ms * _NS_PER_MS)
