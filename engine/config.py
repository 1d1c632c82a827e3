"""What a strategy's settings are made of: frozen, bounded, and refused by name when wrong."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, convert
from nautilus_trader.model import InstrumentId

from markets.names import Series

Probability = Annotated[float, Meta(gt=0, lt=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
PositiveSecs = Annotated[float, Meta(gt=0, le=31_536_000)]

type Resolver = Callable[[str], InstrumentId]


class Usd(Decimal):
    """An amount of money in the venue's dollar: finite, not negative, exact."""

    def __new__(cls, amount: Decimal | int | str) -> Self:
        exact = isinstance(amount, Decimal | int | str) and not isinstance(amount, bool)
        with suppress(InvalidOperation):
            if exact and (value := super().__new__(cls, amount)).is_finite() and value >= 0:
                return value
        raise ValueError(f"expected an exact amount of at least 0 USD, found {amount!r}")


class Price(Usd):
    """A price or an edge per contract, in dollars: in [0, 1], exact."""

    def __new__(cls, amount: Decimal | int | str) -> Self:
        value = super().__new__(cls, amount)
        if value <= 1:
            return value
        raise ValueError(f"expected dollars per contract in [0, 1], found {amount!r}")


class StrategyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every strategy's settings."""


def decode(value: object, into: Any, resolve: Resolver = InstrumentId.from_str) -> Any:
    """Return `value`, as read from a book, in the shape `into`; a wrong field is named by its path.

    `resolve` turns what a book calls an instrument into its id, and raises LookupError or ValueError
    when it cannot.
    """
    return convert(value, into, dec_hook=partial(_to_house_type, resolve))


def _to_house_type(resolve: Resolver, kind: type, value: Any) -> object:
    if issubclass(kind, Usd):
        return kind(value)
    if kind is InstrumentId:
        try:
            return resolve(value)
        except LookupError as error:  # msgspec adds the path to ValueErrors only
            raise ValueError(error.args[0]) from error
    if kind is Series:
        return Series(value)
    raise NotImplementedError(f"a config field cannot be a {kind.__name__}")
