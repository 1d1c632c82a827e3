"""What a user can type, set or read is documented, and what is documented exists, resolves and runs."""

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect
from nautilus_trader.model import InstrumentId
from typer import Typer
from typer.main import get_command

from engine import Strategy
from risk.rules.rule import Rule
from simulation.generator import GeneratorSettings
from simulation.settings import VenueModel
from system.backtest_command import command as replay
from system.book import Outline, read_book
from system.cli import app
from system.live_command import command as run_live
from system.loading import load
from system.synthetic import read_settings

HOUSE = Path(__file__).parents[2]
DOCS = HOUSE / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), HOUSE / "README.md", HOUSE / "CHANGELOG.md"])
ROOMS = sorted(found.parent.name for found in HOUSE.glob("*/__init__.py"))
VENUES = sorted(found.parent.name for found in HOUSE.glob("adapters/*/__init__.py"))
PAGES_THAT_RUN = ["markets", "engine", "simulation", "adapters"]
SECTIONS = ["Context", "Choice", "What was run to know it", "Its cost", "What would change our mind"]
_ANY = InstrumentId.from_str("ANY-YES.KALSHI")


def page(name):
    return (DOCS / f"{name}.md").read_text()


def code_of(text):
    """Return what stands between backticks, of any number, in running text."""
    without_blocks = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", without_blocks))


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def one_line_of(path):
    return str(path.relative_to(HOUSE))


# Commands


def commands(group, words=("argonaut",)) -> Iterator[tuple[str, list[str]]]:
    """Yield each command that can be typed, and its options."""
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*words, name))
        else:
            yield " ".join((*words, name)), options_of(found)


def options_of(found):
    return [long for one in found.params for long in one.opts if long.startswith("--")]


def typed_commands():
    scripts = {"python run_backtest.py": replay, "python run_live.py": run_live}
    for name, function in scripts.items():
        alone = Typer(add_completion=False)
        alone.command()(function)
        scripts[name] = options_of(get_command(alone))
    return [*commands(get_command(app)), *scripts.items()]


COMMANDS = dict(typed_commands())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_documented_with_all_its_options(command):
    rows = [row for row in page("system").splitlines() if row.startswith(f"| `{command}")]
    assert len(rows) == 1, f"expected one row for `{command}` in docs/system.md, found {len(rows)}"
    assert [option for option in COMMANDS[command] if option not in rows[0]] == []


@pytest.mark.parametrize("path", PAGES, ids=one_line_of)
def test_no_page_names_a_command_that_does_not_exist(path):
    typed = re.findall(r"(?:^|`|\$ )(argonaut(?: [a-z][a-z-]+)+)", path.read_text(), re.MULTILINE)
    unknown = [one for one in typed if not any(f"{real} ".startswith(f"{one} ") for real in COMMANDS)]
    assert [one for one in unknown if not any(one.startswith(f"{real} ") for real in COMMANDS)] == []


# Books


def keys(kind, prefix="") -> Iterator[str]:
    """Yield the path of each key below a type, as a book would be searched for it."""
    match kind:
        case inspect.StructType() | inspect.DataclassType():
            for field in kind.fields:
                yield from keys(field.type, f"{prefix}.{field.encode_name}" if prefix else field.encode_name)
        case inspect.ListType() if isinstance(kind.item_type, inspect.StructType):
            yield from keys(kind.item_type, f"{prefix}[]")
        case inspect.UnionType(types) if any(isinstance(one, inspect.StructType) for one in types):
            for one in types:
                if isinstance(one, inspect.StructType):
                    yield from keys(one, prefix)
        case _:
            yield prefix


KEYS = list(keys(inspect.type_info(Outline.__value__)))
SYNTHETIC_KEYS = list(keys(inspect.type_info(GeneratorSettings)))


def first_column(section):
    """Return what the first cells of a section's tables hold between backticks."""
    text = page("system").partition(f"# {section}\n")[2].partition("\n#")[0]
    return {word for row in text.splitlines() if row.startswith("| `") for word in code_of(row.split("|")[1])}


@pytest.mark.parametrize(
    ("section", "known"), [("The book", KEYS), ("Made-up markets", SYNTHETIC_KEYS)], ids=["book", "synthetic"]
)
def test_the_table_of_keys_is_the_keys_of_a_book(section, known):
    assert first_column(section) == set(known)


def test_the_walk_over_a_book_goes_into_each_of_its_tables():
    assert {"name", "strategies[].config", "risk[].rule", "backtest.synthetic", "live.venues"} <= set(KEYS)
    assert {f"simulation.{name}" for name in VenueModel.__struct_fields__} <= set(KEYS)
    assert {"seed", "makers.lag_ms"} <= set(SYNTHETIC_KEYS)


def books():
    found = [(path, text) for path in PAGES for text in blocks(path, "toml") if "[[strategies]]" in text]
    return [pytest.param(text, id=one_line_of(path)) for path, text in found]


@pytest.mark.parametrize("text", books())
def test_a_book_on_a_page_can_be_loaded(text):
    book = load(read_book(text), lambda name: _ANY)
    if book.backtest and book.backtest.synthetic:
        read_settings(book.backtest.synthetic)


def test_the_pages_show_books():
    assert len(books()) >= 2


# Rules and strategies


def classes_in(folder, kind):
    """Return the classes of one kind that the files of a folder define, each with its file."""
    for file in sorted((HOUSE / folder).glob("*.py")):
        module = import_module(
            ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
        )
        for _, found in getmembers(module, isclass):
            if issubclass(found, kind) and found.__module__ == module.__name__:
                yield file, found


def rules():
    found = {rule: file.stem for file, rule in classes_in("risk/rules", Rule) if rule is not Rule}
    bases = {base for rule in found for base in rule.__mro__[1:]}
    return {f"{file}:{rule.__name__}": rule for rule, file in found.items() if rule not in bases}


@pytest.mark.parametrize("name", rules())
def test_a_rule_is_documented_with_its_settings(name):
    rows = [row for row in page("risk").splitlines() if row.startswith(f"| `{name}`")]
    assert len(rows) == 1, f"expected one row for `{name}` in docs/risk.md, found {len(rows)}"
    settings = code_of(rows[0].split("|")[2])
    assert settings == {field.name for field in msgspec.structs.fields(rules()[name])}


def strategies():
    return {found.__name__: file.name for file, found in classes_in("strategies", Strategy)}


def test_every_strategy_file_and_class_is_documented():
    files = {file.name for file in (HOUSE / "strategies").glob("*.py")} - {"__init__.py"}
    assert files == set(strategies().values())
    rows = [row for row in page("strategies").splitlines() if row.startswith("| `")]
    named = {tuple(re.findall(r"`([^`]+)`", row.split("|")[1])) for row in rows}
    assert [pair for name, file in strategies().items() if (pair := (file, name)) not in named] == []


# Pages


@pytest.mark.parametrize("name", [*ROOMS, *(f"venues/{venue}" for venue in VENUES)])
def test_every_room_and_venue_has_its_page_and_the_map_shows_it(name):
    assert (DOCS / f"{name}.md").exists()
    assert f"]({name}.md)" in page("index")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=one_line_of)
def test_no_page_is_left_off_the_map(path):
    assert path == DOCS / "index.md" or f"({path.relative_to(DOCS)})" in page("index")


def anchors(path):
    """Return what a link into a page may end with, as GitHub makes it of headings."""
    without_blocks = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", without_blocks, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        place = (path.parent / target) if target else path
        is_there = place.exists() and place.resolve().is_relative_to(HOUSE)
        if not is_there or (anchor and anchor not in anchors(place)):
            yield link


@pytest.mark.parametrize("path", PAGES, ids=one_line_of)
def test_every_relative_link_leads_somewhere(path):
    assert list(broken_links(path)) == []


@pytest.mark.parametrize("name", PAGES_THAT_RUN)
def test_the_example_of_a_page_runs(name):
    (example,) = blocks(DOCS / f"{name}.md", "python")
    exec(compile(example, f"docs/{name}.md", "exec"), {"__name__": f"docs_{name}"})


def test_what_the_page_on_strategies_shows_of_kelly_is_what_kelly_says():
    (shown,) = blocks(DOCS / "strategies.md", "python")
    assert shown in (HOUSE / "strategies" / "kelly.py").read_text()


def test_decisions_are_numbered_and_say_what_a_decision_must_say():
    found = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    for path in found:
        headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        for heading, section in zip(headings, SECTIONS, strict=True):
            assert heading.startswith(section), f"expected {section!r} in {path.name}, found {heading!r}"
