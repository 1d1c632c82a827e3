"""Sets of rules under a name; a book may tighten one, and loosens it only with a reason."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, override

from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule
from risk.standing import Standing
from system.book import BadBook, Loosen, Raw, RuleEntry, read_book_file

_FOLDER = Path(__file__).parents[1] / "configs" / "risk"

type Entries = tuple[RuleEntry[Rule], ...]


class Loosened(Rule, frozen=True):
    """Loosen the preset `preset` in this book: `reason`."""

    preset: str
    reason: str

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        return None


def preset_names() -> list[str]:
    """Return the presets there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def preset_file(name: str) -> Path:
    """Return where a preset is written."""
    return _FOLDER / f"{name}.toml"


def read_preset(name: str) -> list[Raw]:
    """Return the rules of a preset as plain data; BadBook names those there are when it is none."""
    if name not in preset_names():
        raise BadBook(
            f"expected one of the presets {', '.join(preset_names())}, found {name!r} - at `$.preset`"
        )
    entries: list[Raw] = read_book_file(preset_file(name))["risk"]
    return entries


def combine(preset: str, given: Entries, own: Entries, loosen: Loosen | None) -> Entries:
    """Return the preset's rules with the book's own in place of theirs, then the rest of the book's own.

    BadBook names the first setting of the book that is looser than the preset's, unless `loosen` has a
    reason: it then comes first, so that it is printed at start.
    """
    mine = {type(entry.config) for entry in own}
    if loosen is None:
        for entry in given:
            _must_be_tighter(preset, entry, own)
    kept = tuple(entry for entry in given if type(entry.config) not in mine)
    if loosen is None:
        return (*kept, *own)
    note = RuleEntry[Rule]("system.presets:Loosened", Loosened(preset=preset, reason=loosen.reason))
    return (note, *kept, *own)


def looser_settings(own: Rule, given: Rule) -> Sequence[str]:
    """Return the settings of `own` that are looser than those of `given`, a rule of the same class.

    Of numbers the lower is tighter, unless the rule says otherwise (`higher_is_tighter`); anything else
    must be the same.
    """
    return [
        name
        for name in own.__struct_fields__
        if not _is_as_tight(getattr(own, name), getattr(given, name), name in own.higher_is_tighter)
    ]


def _must_be_tighter(preset: str, given: RuleEntry[Rule], own: Entries) -> None:
    for place, entry in enumerate(own):
        if type(entry.config) is not type(given.config):
            continue
        for name in looser_settings(entry.config, given.config):
            raise BadBook(
                f"expected {name} to be as tight as in preset {preset}, {getattr(given.config, name)}, or a "
                f"loosen.reason, found {getattr(entry.config, name)} - at `$.risk[{place}].config.{name}`"
            )


def _is_as_tight(own: Any, given: Any, higher_is_tighter: bool) -> bool:
    if own == given:
        return True
    try:
        mine, theirs = Decimal(str(own)), Decimal(str(given))
    except InvalidOperation:
        return False
    return mine >= theirs if higher_is_tighter else mine <= theirs
