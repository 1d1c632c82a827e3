"""No strategy of the house reaches for what could take an order past the guard."""

import ast
from pathlib import Path

import pytest

from engine.sealed import WAYS_OUT

HOUSE = Path(__file__).parents[2]
FILES = sorted((HOUSE / "strategies").glob("*.py"))
INNARDS = {
    "__class__",
    "__mro__",
    "mro",
    "__bases__",
    "__base__",
    "__subclasses__",
    "__dict__",
    "__getattribute__",
}
MAY_BE_IMPORTED = {
    "nautilus_trader.model",
    "nautilus_trader.persistence",
}  # the latter is for a control that cheats
CALLS = {
    "super",
    "getattr",
    "setattr",
    "vars",
    "eval",
    "exec",
    "globals",
    "locals",
    "compile",
    "__import__",
    "type",
}


def ways_around(text):
    """Return what in a strategy's text could reach Nautilus' own methods, with the line."""
    nodes = list(ast.walk(ast.parse(text)))
    return [(node.lineno, way) for node in nodes for way in (*ways_of_names(node), *ways_of_imports(node))]


def ways_of_names(node):
    match node:
        case ast.Attribute(attr=name, value=ast.Name(id="self")) if name in WAYS_OUT:
            return []
        case ast.Attribute(attr=name) if name in INNARDS | WAYS_OUT or name.endswith("__door"):
            return [name]
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            return [name]
    return []


def ways_of_imports(node):
    match node:
        case ast.ImportFrom(module=str(module)):
            modules = [module]
        case ast.Import(names=names):
            modules = [one.name for one in names]
        case _:
            modules = []
    return [one for one in modules if one.startswith("nautilus_trader") and one not in MAY_BE_IMPORTED]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_strategy_knows_no_way_around_the_guard(file):
    assert ways_around(file.read_text()) == []


@pytest.mark.parametrize(
    "breach",
    [
        "trading.Strategy.submit_order(self, order)",
        "super().submit_order(order)",
        "super(Strategy, self).submit_order(order)",
        "getattr(Strategy, 'submit' + '_order')(self, order)",
        "self.__class__.__mro__[2].submit_order(self, order)",
        "type(self).__mro__",
        "self._Strategy__door.submit_order(order)",
        "vars(Strategy)['submit_order'](self, order)",
        "from nautilus_trader.trading import Strategy",
        "from nautilus_trader import trading",
        "import nautilus_trader.trading",
        "send = order.submit_order",
    ],
)
def test_each_way_around_is_found(breach):
    assert ways_around(breach) != []
