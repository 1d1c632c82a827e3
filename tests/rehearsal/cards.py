"""Acceptance cards: what a venue's adapter must show, which tests and named gaps answer, and how a run went.

`tests/adapters/cards.toml` holds the cards, `tests/adapters/card_gaps.toml` what is not shown yet, with the
reason. A test carries `@pytest.mark.card("venue", "id", ...)`.
"""

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

TESTS = Path(__file__).parents[1]
CARDS_FILE = TESTS / "adapters" / "cards.toml"
GAPS_FILE = TESTS / "adapters" / "card_gaps.toml"
EVERY_CARD = "*"

type State = Literal["passed", "no (asserted)", "failed", "skipped", "gap", "missing"]
type Gaps = Mapping[str, Mapping[str, str]]
type Key = tuple[str, str]  # venue, card id

BAD_STATES = ("failed", "skipped", "missing")


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One card; `applies` says per venue "yes", "partly: what differs" or "no: why"."""

    id: str
    kind: Literal["data", "execution"]
    group: str
    origin: Literal["nautilus", "argonaut"]
    title: str
    when: str
    expect: str
    applies: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run says about one card at one venue."""

    state: State
    applies: str
    reason: str = ""
    tests: dict[str, str] = field(default_factory=dict)


def load_cards(path=CARDS_FILE) -> dict[str, Card]:
    rows = tomllib.loads(path.read_text())["card"]
    cards = [msgspec.convert(row, Card) for row in rows]
    assert len({card.id for card in cards}) == len(cards), "expected each card id once"
    return {card.id: card for card in cards}


def load_gaps(path=GAPS_FILE) -> dict[str, dict[str, str]]:
    return msgspec.convert(tomllib.loads(path.read_text()), dict[str, dict[str, str]])


def venues_of(cards: Mapping[str, Card]) -> list[str]:
    return sorted({venue for card in cards.values() for venue in card.applies})


def gap_of(gaps: Gaps, venue: str, card_id: str) -> str | None:
    """Return why a card is not shown at a venue: the card's own gap, else that of the longest pattern."""
    named = gaps.get(venue, {})
    if card_id in named:
        return named[card_id]
    fitting = [pattern for pattern in named if fnmatchcase(card_id, pattern)]
    return named[max(fitting, key=len)] if fitting else None


def markers(folder=TESTS) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield where a test file carries a card marker, and what its arguments are; None for one that is no literal."""
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.card"):
                place = f"{file.relative_to(folder)}:{node.lineno}"
                yield place, tuple(one.value if isinstance(one, ast.Constant) else None for one in node.args)


def keys_of(args: tuple[object, ...]) -> list[Key]:
    venue, *card_ids = args
    return [(venue, card_id) for card_id in card_ids]


def problems_of_marker(cards: Mapping[str, Card], args: tuple[object, ...]) -> Iterator[str]:
    """Say what is wrong with the arguments of one marker."""
    if len(args) < 2 or not all(isinstance(one, str) for one in args):
        yield f"expected a venue and card ids in plain text, found {args}"
        return
    for venue, card_id in keys_of(args):
        if card_id not in cards:
            yield f"expected a card of {CARDS_FILE.name}, found {card_id!r}"
        elif venue not in cards[card_id].applies:
            yield f"expected a venue of {venues_of(cards)}, found {venue!r}"


def problems(cards: Mapping[str, Card], gaps: Gaps, marked: Iterable[Key]) -> Iterator[str]:
    """Say which cards nobody answers, and which gaps mean nothing or hide a test."""
    tested = set(marked)
    for venue in venues_of(cards):
        for card_id in cards:
            if (venue, card_id) not in tested and gap_of(gaps, venue, card_id) is None:
                yield f"{venue} {card_id}: neither a test nor a gap"
    for venue, named in gaps.items():
        yield from _problems_of_gaps(cards, venue, named, tested)


def _problems_of_gaps(
    cards: Mapping[str, Card], venue: str, named: Mapping[str, str], tested: set[Key]
) -> Iterator[str]:
    for pattern, reason in named.items():
        if not any(
            venue in card.applies and fnmatchcase(card_id, pattern) for card_id, card in cards.items()
        ):
            yield f"{venue} {pattern}: a gap of no card"
        if (venue, pattern) in tested:
            yield f"{venue} {pattern}: has a test, so the gap is over"
        if not reason.strip():
            yield f"{venue} {pattern}: a gap without a reason"


def answers(
    cards: Mapping[str, Card], gaps: Gaps, outcomes: Mapping[Key, Mapping[str, str]]
) -> dict[Key, Answer]:
    """Judge each card at each venue by the tests of one run: test name to "passed", "failed" or "skipped"."""
    return {
        (venue, card_id): _answer(
            card.applies[venue], gap_of(gaps, venue, card_id), dict(outcomes.get((venue, card_id), {}))
        )
        for venue in venues_of(cards)
        for card_id, card in cards.items()
    }


def _answer(applies: str, gap: str | None, tests: dict[str, str]) -> Answer:
    if not tests:
        return Answer("missing" if gap is None else "gap", applies, gap or "no test of this card ran")
    for state in ("failed", "skipped"):
        bad = [name for name, outcome in tests.items() if outcome == state]
        if bad:
            return Answer(state, applies, bad[0], tests)
    return Answer("no (asserted)" if applies.startswith("no") else "passed", applies, "", tests)


def matrix(cards: Mapping[str, Card], gaps: Gaps, found: Mapping[Key, Answer]) -> Iterator[str]:
    """Yield the lines of a table: one row a card, one column a venue; then the counts and the reasons."""
    venues = venues_of(cards)
    group = None
    yield f"{'card':8}" + "".join(f"{venue:16}" for venue in venues)
    for card_id, card in cards.items():
        if (card.kind, card.group) != group:
            group = card.kind, card.group
            yield f"-- {card.kind}: {card.group}"
        cells = [_cell(gaps, venue, found[venue, card_id]) for venue in venues]
        yield f"{card_id:8}" + "".join(f"{cell:16}" for cell in cells) + card.title
    yield ""
    for venue in venues:
        yield f"{venue}: {_counts_text(gaps, venue, found)}"
    for (venue, card_id), answer in found.items():
        if answer.state in BAD_STATES or (answer.state == "gap" and not _has_no_adapter(gaps, venue)):
            yield f"{answer.state:8} {venue} {card_id}: {answer.reason}"


def counts(venue: str, found: Mapping[Key, Answer]) -> dict[str, int]:
    states = [answer.state for (where, _), answer in found.items() if where == venue]
    return {state: states.count(state) for state in sorted(set(states))}


def _counts_text(gaps: Gaps, venue: str, found: Mapping[Key, Answer]) -> str:
    counted = counts(venue, found)
    if _has_no_adapter(gaps, venue) and set(counted) == {"gap"}:
        return gaps[venue][EVERY_CARD]
    return ", ".join(f"{number} {state}" for state, number in counted.items())


def _cell(gaps: Gaps, venue: str, answer: Answer) -> str:
    return "." if answer.state == "gap" and _has_no_adapter(gaps, venue) else answer.state


def _has_no_adapter(gaps: Gaps, venue: str) -> bool:
    return EVERY_CARD in gaps.get(venue, {})


def report(cards: Mapping[str, Card], found: Mapping[Key, Answer]) -> bytes:
    """Return a run as JSON: per venue the counts, and each card with its state, reason and tests."""
    told = {
        venue: {
            "counts": counts(venue, found),
            "cards": {card_id: found[venue, card_id] for card_id in cards},
        }
        for venue in venues_of(cards)
    }
    return msgspec.json.format(msgspec.json.encode({"venues": told}))
