"""What our own recordings note about Polymarket beside its frames."""

from msgspec import Struct


class Down(Struct, frozen=True):
    """`down`: the connection of these tokens ended."""

    tokens: tuple[str, ...]
    reason: str
