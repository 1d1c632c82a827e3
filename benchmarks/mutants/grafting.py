"""Put a fault into functions that are loaded already: only their code is replaced."""

import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType

from benchmarks.mutants.making import Mutant
from benchmarks.mutants.plan import HOUSE

type Key = tuple[str, str, int]
"""A function's file, name and first line."""

type Live = Mapping[Key, list[FunctionType]]
"""Loaded functions."""


@dataclass(frozen=True, slots=True)
class Graft:
    """Code to replace."""

    old: CodeType
    new: CodeType

    @property
    def lines(self) -> set[int]:
        """The lines of the function."""
        return {line for _, _, line in self.old.co_lines() if line is not None}


def graft_of(mutant: Mutant, live: Live) -> Graft | None:
    """Return what to replace, or None for a fault that is not in one loaded function alone."""
    path = str(HOUSE / mutant.module)
    pairs = _pairs(_compiled(path), compile(mutant.text, path, "exec"))
    if pairs is None:
        return None
    differing = [(old, new) for old, new in pairs if not _are_alike(old, new)]
    if len(differing) != 1:
        return None
    old, new = differing[0]
    if old.co_freevars != new.co_freevars or not live.get(key_of(old)):
        return None
    return Graft(old, new)


def put_in_place(graft: Graft, live: Live) -> None:
    """Break the function in this process."""
    for function in live[key_of(graft.old)]:
        function.__code__ = graft.new


def live_functions() -> Live:
    """Return all functions of this process."""
    found: dict[Key, list[FunctionType]] = {}
    for one in gc.get_objects():
        if type(one) is FunctionType:
            found.setdefault(key_of(one.__code__), []).append(one)
    return found


def key_of(code: CodeType) -> Key:
    """Return by what a function is found again."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


@lru_cache(maxsize=2)
def _compiled(path: str) -> CodeType:
    return compile(Path(path).read_text(), path, "exec")


def _pairs(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """Return the functions of a module or class before and after; None when it differs itself."""
    if _shape(old) != _shape(new):
        return None
    found: list[tuple[CodeType, CodeType]] = []
    for before, after in zip(_inner(old), _inner(new), strict=True):
        if before.co_flags & CO_OPTIMIZED and not before.co_name.startswith("<generic"):
            found.append((before, after))
            continue
        deeper = _pairs(before, after)
        if deeper is None:
            return None
        found += deeper
    return found


def _are_alike(old: CodeType, new: CodeType) -> bool:
    inner = zip(_inner(old), _inner(new), strict=False)
    return _shape(old) == _shape(new) and all(_are_alike(one, other) for one, other in inner)


def _shape(code: CodeType) -> tuple[object, ...]:
    # A class keeps the line on which it begins; a fault may move it.
    constants = [
        repr(one) for one in code.co_consts if not isinstance(one, CodeType) and one != code.co_firstlineno
    ]
    counts = code.co_argcount, code.co_kwonlyargcount, len(list(_inner(code)))
    return code.co_code, code.co_names, code.co_varnames, code.co_exceptiontable, counts, constants


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (one for one in code.co_consts if isinstance(one, CodeType))
