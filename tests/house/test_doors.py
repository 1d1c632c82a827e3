import ast
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from system.entry import OPERATING
from system.operating import COMMANDS

HOUSE = Path(__file__).parents[2]
SETTINGS = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]
ROOMS = {found.parent.name for found in HOUSE.glob("*/__init__.py")}
WIRE_FILES = ("constants", "config", "messages", "signing", "http", "websocket")  # these outlive a dead node
WIRE = sorted(
    ".".join(file.relative_to(HOUSE).with_suffix("").parts)
    for name in WIRE_FILES
    for file in [*HOUSE.glob(f"adapters/*/{name}.py"), *HOUSE.glob(f"adapters/*/{name}/[a-z]*.py")]
)


def test_what_must_outlive_the_node_never_loads_nautilus():
    modules = [
        "pricing.fees",
        "storage.journal.store",
        "system.book",
        "run_live",
        "system.operating",
        "system.entry",
        "system.supervisor",
        "simulation.settings",
        *WIRE,
    ]
    code = f"import sys, {', '.join(modules)}; print('nautilus_trader' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_every_list_of_rooms_is_the_same_list():
    assert set(SETTINGS["importlinter"]["root_packages"]) == ROOMS
    assert set(SETTINGS["uv"]["build-backend"]["module-name"]) == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_is_ours_and_not_a_strangers(room):
    assert Path(find_spec(room).origin).is_relative_to(HOUSE)


def test_doorways_are_bare():
    inits = [file for room in ROOMS - {"engine"} for file in (HOUSE / room).rglob("__init__.py")]
    crowded = [file for file in inits if len(ast.parse(file.read_text()).body) != 1]
    assert crowded == []


def test_nothing_but_source_folders_lives_in_adapters():
    strays = [file.name for file in (HOUSE / "adapters").glob("*.py") if file.name != "__init__.py"]
    assert strays == []


def test_the_commands_that_load_no_nautilus_are_those_of_an_operator():
    assert set(COMMANDS) == OPERATING
