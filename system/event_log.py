"""Every order and position event of a run, one line each, and the fingerprint of them all."""

from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from msgspec import json
from nautilus_trader.model import LiquiditySide, OrderSide, OrderType, TimeInForce

_FIELDS = (
    "ts_event",
    "strategy_id",
    "instrument_id",
    "client_order_id",
    "order_side",
    "order_type",
    "time_in_force",
    "quantity",
    "price",
    "post_only",
    "reduce_only",
    "last_qty",
    "last_px",
    "commission",
    "liquidity_side",
    "realized_pnl",
    "reason",
)
_KNOWN: dict[type, tuple[str, ...]] = {}  # which of these a kind of event has
_SETTLEMENT = "EXPIRATION-"
_PLAIN = frozenset({int, bool, str})
_NAMED = (LiquiditySide, OrderSide, OrderType, TimeInForce)


class EventLog:
    """Writes what happened to a file and hashes it: two runs that did the same have one fingerprint.

    Times are those of the replay. Ids that the engine draws by chance (event ids, the orders that settle
    a position) are left out, so a fingerprint depends on the book, the catalog and the code alone. With
    `keeps_up` each line is in the file at once, after those of a process that died, for runs that may die.
    """

    def __init__(self, path: Path | None = None, *, keeps_up: bool = False) -> None:
        self._hash = sha256()
        self._file = path.open("ab" if keeps_up else "wb", buffering=0 if keeps_up else -1) if path else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, event: Any) -> None:
        """Add one event of Nautilus."""
        line: dict[str, object] = {"event": type(event).__name__} | plain_of(event)
        if str(line.get("client_order_id", "")).startswith(_SETTLEMENT):
            line["client_order_id"] = _SETTLEMENT
        data = json.encode(line) + b"\n"
        self._hash.update(data)
        if self._file:
            self._file.write(data)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all lines so far, in hexadecimal."""
        return self._hash.hexdigest()


def plain_of(event: Any) -> dict[str, object]:
    """Return what an event of Nautilus says, in numbers, flags and words."""
    plain: dict[str, object] = {}
    kind = type(event)
    fields = _KNOWN.get(kind)
    if fields is None:
        fields = _KNOWN[kind] = tuple(name for name in _FIELDS if hasattr(event, name))
    for name in fields:
        value = getattr(event, name)
        if value is not None:
            plain[name] = value if type(value) in _PLAIN else _text(value)
    return plain


def is_settlement(event: Any) -> bool:
    """Return whether `event` belongs to an order with which the engine pays out a position."""
    return str(getattr(event, "client_order_id", "")).startswith(_SETTLEMENT)


def _text(value: object) -> str:
    return value.name if isinstance(value, _NAMED) else str(value)
