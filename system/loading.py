"""Give every entry of a book its class, and its settings their types."""

from importlib import import_module
from typing import Any

from msgspec import ValidationError, structs
from nautilus_trader.model import InstrumentId

from engine import Strategy
from engine.config import Resolver, decode
from risk.rules.rule import Rule
from system.book import BadBook, Book, Raw, RuleEntry, StrategyEntry, outline
from system.presets import combine, read_preset

type Loaded = Book[tuple[StrategyEntry[Any], ...], tuple[RuleEntry[Rule], ...]]


def load(raw: Raw, resolve: Resolver = InstrumentId.from_str) -> Loaded:
    """Return the book with every setting typed; BadBook names what is wrong by its path in the file."""
    plan = outline(raw)
    _refuse_twins([entry.id for entry in plan.strategies])
    strategies = [
        _of(StrategyEntry, find(entry.strategy, Strategy).config_type()) for entry in plan.strategies
    ]
    rules = [_of(RuleEntry, find(entry.rule, Rule)) for entry in plan.risk]
    try:
        book: Loaded = decode(raw, _of(Book, _of(tuple, *strategies), _of(tuple, *rules)), resolve)
    except ValidationError as error:
        raise BadBook(str(error)) from error
    return structs.replace(book, risk=_under_preset(book, resolve))


def _under_preset(book: Loaded, resolve: Resolver) -> tuple[RuleEntry[Rule], ...]:
    if book.preset is None:
        if book.loosen:
            raise BadBook("expected a preset to loosen, found none - at `$.loosen`")
        return book.risk
    entries = read_preset(book.preset)
    kinds = [_of(RuleEntry, find(entry["rule"], Rule)) for entry in entries]
    try:
        given: tuple[RuleEntry[Rule], ...] = decode(entries, _of(tuple, *kinds), resolve)
    except ValidationError as error:
        raise BadBook(f"preset {book.preset}: {error}") from error
    return combine(book.preset, given, book.risk, book.loosen)


def find[T](path: str, kind: type[T]) -> type[T]:
    """Return the class that `path` names as "module:Class", if it is one of `kind`."""
    module, _, name = path.partition(":")
    wanted = f"expected {path!r} to name a subclass of {kind.__module__}.{kind.__name__} as `module:Class`"
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadBook(f"{wanted}, found {error}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise BadBook(f"{wanted}, found {found!r}")
    return found


def _refuse_twins(ids: list[str]) -> None:
    tags = [one.rpartition("-")[2] for one in ids]  # Nautilus puts it into every order id of the strategy
    twins = sorted(one for one, tag in zip(ids, tags, strict=True) if tags.count(tag) > 1)
    if twins:
        raise BadBook(f"expected ids that differ after their last dash, as edge-1 and coin-2, found {twins}")


def _of(generic: Any, *arguments: Any) -> Any:
    """Return a type that exists only at run time, which a checker cannot follow."""
    return generic[arguments]
