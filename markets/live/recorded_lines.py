"""The lines of our own recordings: a frame exactly as it came, or a note of what no frame tells."""

import base64
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder


class Line(Struct, frozen=True):
    """A line: when it was received (nanoseconds since the epoch), on which connection, and what it holds.

    `base64` holds a frame that is no single line of JSON. `control` is the kind of a note, `info` what it says.
    """

    recv_ns: int
    epoch: int = 0
    frame: Raw | UnsetType = UNSET
    base64: str = ""
    control: str = ""
    info: Raw = Raw(b"null")


class Head(Struct, frozen=True):
    """`recording`: a part begins, of this run."""

    run: str


class Down(Struct, frozen=True):
    """`down`: the connection ended."""

    reason: str


class Unwatched(Struct, frozen=True):
    """`unwatched`: nobody wants the book of a market any more."""

    market: str


class Trouble(Struct, frozen=True):
    """`trouble`: a request of ours ended in an error."""

    what: str


class Blind(Struct, frozen=True):
    """`blind`: so many lines since then could not be recorded."""

    since_ns: int
    lost: int


decode_line: Final = Decoder(Line).decode
decode_head: Final = Decoder(Head).decode


def frame_of(line: Line) -> bytes:
    """Return the frame of a line as it was received; ValueError for a broken `base64`."""
    return base64.b64decode(line.base64) if line.frame is UNSET else bytes(line.frame)
