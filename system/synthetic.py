"""Fill a catalog with made-up markets, for demos and tests: evidence class S, which proves nothing."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert

from simulation.generator import GeneratorSettings, generate
from storage.catalog import CatalogWriter
from system.book import BadBook, Raw, outline


def read_settings(raw: dict[str, Any]) -> GeneratorSettings:
    """Return the generator's settings as a book states them; BadBook names a wrong one by its path."""
    _refuse_unknown(raw, GeneratorSettings, "$.backtest.synthetic")
    try:
        return convert(raw, GeneratorSettings, strict=False)
    except ValidationError as error:
        raise BadBook(f"{error} - below `$.backtest.synthetic`") from error


def settings_of_book(raw: Raw) -> GeneratorSettings:
    """Return the settings by which a book makes up its catalog; BadBook for a book that does not."""
    backtest = outline(raw).backtest
    if backtest is None or backtest.synthetic is None:
        raise BadBook("expected a table `$.backtest.synthetic` in the book, found none")
    return read_settings(backtest.synthetic)


def fill_catalog(root: Path, settings: GeneratorSettings, on_market: Callable[[int], None]) -> int:
    """Write the generated markets to the catalog at `root`, all or none; return the rows written."""
    rows = 0
    with CatalogWriter(root) as writer:
        for done, tape in enumerate(generate(settings), 1):
            writer.write(tape.instruments, tape.data)
            rows += len(tape.data)
            on_market(done)
    return rows


def _refuse_unknown(raw: dict[str, Any], kind: type[Any], path: str) -> None:
    """Refuse a misspelt name, which would leave the setting at its default: msgspec passes it over."""
    known = {one.name: one.type for one in fields(kind)}
    for name, value in raw.items():
        if name not in known:
            raise BadBook(f"expected one of {', '.join(known)}, found {name!r} - at `{path}`")
        part = known[name]
        if isinstance(part, type) and is_dataclass(part) and isinstance(value, dict):
            _refuse_unknown(value, part, f"{path}.{name}")
