"""Make the mutants of a module: one small fault each, by the operators of mutmut.

mutmut itself skips every decorated function, and here each rule's verdict is decorated (`@override`);
it skips class bodies and constants too, which hold settings. So only its operators are used.
"""

from collections import Counter
from dataclasses import dataclass
from difflib import unified_diff
from hashlib import sha256
from typing import Any, override

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

_LEFT_ALONE = {"len", "isinstance", "issubclass", "super", "cast"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault: where, the lines that differ, and all of its text.

    `nth` tells faults apart that read the same, as of a line that a function has twice.
    """

    module: str
    function: str
    line: int
    minus: str
    plus: str
    nth: int
    text: str
    is_in_function: bool

    @property
    def key(self) -> str:
        """A name that survives changes elsewhere in the module."""
        words = "\n".join((self.module, self.function, self.minus, self.plus, str(self.nth)))
        return sha256(words.encode()).hexdigest()[:16]


def mutants_of(module: str, text: str, every: int = 1) -> list[Mutant]:
    """Return each `every`-th mutant of a module, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    visitor = _Visitor(wrapper)
    wrapper.visit(visitor)
    found: dict[str, Mutant] = {}  # by text: two operators may make the same fault
    seen: Counter[tuple[str, str, str]] = Counter()
    pieces = [wrapper.module.code_for_node(statement) for statement in wrapper.module.body]
    head = wrapper.module.with_changes(body=(), footer=()).code
    for change in visitor.changes[::every]:
        before = pieces[change.place]
        statement = wrapper.module.body[change.place].deep_replace(change.old, change.new)
        after = wrapper.module.code_for_node(statement)
        if after == before:
            continue
        minus, plus = _difference(before, after)
        changed = head + "".join([*pieces[: change.place], after, *pieces[change.place + 1 :]])
        if changed not in found:
            alike = change.function, minus, plus
            found[changed] = Mutant(
                module, change.function, change.line, minus, plus, seen[alike], changed, change.is_in_function
            )
            seen[alike] += 1
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Change:
    place: int
    function: str
    line: int
    is_in_function: bool
    old: cst.CSTNode
    new: Any


class _Visitor(cst.CSTVisitor):
    """Collects the changes; wording, annotations and imports are left alone."""

    def __init__(self, wrapper: MetadataWrapper) -> None:
        super().__init__()
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._names: list[str] = []
        self._places = {id(one): place for place, one in enumerate(wrapper.module.body)}
        self._place = -1
        self._depth = 0
        self.changes: list[_Change] = []

    @override
    def on_visit(self, node: cst.CSTNode) -> bool:
        self._place = self._places.get(id(node), self._place)
        if self._is_left_alone(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
            self._depth += isinstance(node, cst.FunctionDef)
        for kind, operator in mutation_operators:
            if not isinstance(node, kind) or (operator is operator_string and self._is_wording(node)):
                continue
            for changed in operator(node):
                if _is_redundant(node, changed):
                    continue
                line = self._positions[node].start.line if node in self._positions else 0
                self.changes.append(
                    _Change(self._place, ".".join(self._names), line, self._depth > 0, node, changed)
                )
        return True

    @override
    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef) and not self._is_left_alone(
            original_node
        ):
            self._names.pop()
            self._depth -= isinstance(original_node, cst.FunctionDef)

    def _is_left_alone(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom | cst.TypeAlias):
            return True
        if isinstance(node, cst.Call) and m.matches(node.func, m.Name()):
            return cst.ensure_type(node.func, cst.Name).value in _LEFT_ALONE
        return False

    def _is_wording(self, node: cst.CSTNode) -> bool:
        """Return whether a literal text is (part of) a sentence for people: it has a blank, or is a piece of one."""
        is_piece = isinstance(self._parents.get(node), cst.ConcatenatedString | cst.FormattedString)
        return is_piece or _is_sentence(node)


def _is_sentence(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleString) and " " in node.value


def _is_redundant(before: cst.CSTNode, after: Any) -> bool:
    """Return whether a fault says nothing new.

    An argument that is gone is nearly always an error of the call, and None in its place is tried too. Of
    a text in three other spellings one is enough. Of an argument that is a sentence nobody computes with.
    """
    if isinstance(before, cst.SimpleString) and isinstance(after, cst.SimpleString):
        return "XX" not in after.value
    if not (isinstance(before, cst.Call) and isinstance(after, cst.Call)):
        return False
    lost = [one for one in before.args if all(one is not kept for kept in after.args)]
    return len(after.args) < len(before.args) or (bool(lost) and all(_is_sentence(one.value) for one in lost))


def _difference(before: str, after: str) -> tuple[str, str]:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    minus = [line[1:].strip() for line in lines if line.startswith("-")]
    plus = [line[1:].strip() for line in lines if line.startswith("+")]
    return "\n".join(minus), "\n".join(plus)
