"""What a client that trades asks others before it acts, and tells them: a guard and our records."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from nautilus_trader.model import InstrumentId, Price, Quantity, TimeInForce

from markets.facts import Condition

type Objection = str | None
type SecondGuard = Callable[[Any, Quantity, Price | None], Objection | Awaitable[Objection]]
"""Says why an order, or a change of one, may not leave; it may take its time, such as for a disk."""


type OnCondition = Callable[[Condition, str], None]
"""Hears how the venue works, and what it says of it."""


class Remembered(Protocol):
    """What our own records say of an order, and the venue never echoes."""

    @property
    def client_order_id(self) -> str: ...
    @property
    def instrument_id(self) -> InstrumentId: ...
    @property
    def time_in_force(self) -> TimeInForce: ...
    @property
    def is_post_only(self) -> bool: ...
    @property
    def is_reduce_only(self) -> bool: ...


type Memory = Callable[[Sequence[str]], Awaitable[Mapping[str, Remembered]]]
"""Asks our records for orders by client id or the venue's; those that they do not know are left out."""
