"""What was run, by hash: the book's file and the file of every class that it names, the same in every mode."""

from collections.abc import Mapping
from hashlib import sha256
from inspect import getfile
from pathlib import Path

from engine import Strategy
from risk.rules.rule import Rule
from system.loading import Loaded, find
from system.presets import preset_file


def identity_of(book_file: Path, book: Loaded) -> Mapping[str, str]:
    """Return SHA-256 by name: `book`, `preset` if there is one, and each class as the book writes it."""
    classes: dict[str, type] = {entry.strategy: find(entry.strategy, Strategy) for entry in book.strategies}
    classes |= {entry.rule: find(entry.rule, Rule) for entry in book.risk}
    files = {"book": book_file} | ({"preset": preset_file(book.preset)} if book.preset else {})
    files |= {name: Path(getfile(found)) for name, found in sorted(classes.items())}
    return {name: sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
