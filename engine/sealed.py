"""What a subclass may not do: replace a method marked `@final`, call past one, or misspell a hook."""

from collections.abc import Iterator
from difflib import get_close_matches
from dis import get_instructions
from types import CodeType
from typing import Final

WAYS_OUT: Final = frozenset(
    {
        *("submit_order", "submit_order_list", "modify_order", "modify_orders"),
        *("close_position", "close_all_positions", "market_exit", "deny_order", "modify_order_in_place"),
    }
)
"""The methods by which an order leaves or grows; each may be called on `self` alone."""


def hooks_of(native: type) -> list[str]:
    """Return the names of the methods of `native` that the engine calls and expects nothing from."""
    return [name for name in dir(native) if name.startswith("on_") and name not in ("on_save", "on_load")]


def refuse_broken_seals(cls: type) -> None:
    """Raise TypeError when `cls` replaces a method that one of its bases marked `typing.final`."""
    for name in vars(cls):
        for base in cls.__mro__[1:]:
            if _is_final(vars(base).get(name)):
                raise TypeError(f"{cls.__qualname__}.{name} is sealed by {base.__qualname__}")


def refuse_ways_around(cls: type) -> None:
    """Raise TypeError when a method of `cls` takes a way out from anything but `self`.

    `super().submit_order`, `trading.Strategy.submit_order(self, ...)` and the like reach Nautilus' own methods,
    which ask nobody, and Python cannot hide those. Read is the compiled code, so a name that is put together at
    run time goes unseen here; an order that leaves like that halts all trading with its first event.
    """
    for name, attribute in vars(cls).items():
        for code in _codes_of(attribute):
            before: object = None
            for step in get_instructions(code):
                if step.argval in WAYS_OUT and step.opname in ("LOAD_ATTR", "LOAD_SUPER_ATTR"):
                    on_self = step.opname == "LOAD_ATTR" and _is_self(before)
                    if not on_self:
                        raise TypeError(
                            f"{cls.__qualname__}.{name} goes past the guard: expected self.{step.argval}, "
                            f"found {step.argval} of something else"
                        )
                before = step.argval


def refuse_unknown_hooks(cls: type, known: type) -> None:
    """Raise TypeError when `cls` has an `on_...` method that is no hook of `known`: it would never be called."""
    for name in vars(cls):
        if name.startswith("on_") and not hasattr(known, name):
            near = get_close_matches(name, hooks_of(known), n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise TypeError(f"{cls.__qualname__}.{name} is no hook of the engine{hint}")


def _codes_of(attribute: object) -> Iterator[CodeType]:
    """Yield the code of a method, static, class or property as well, and of all functions within it."""
    function = getattr(attribute, "fget", None) or getattr(attribute, "__wrapped__", attribute)
    code = attribute if isinstance(attribute, CodeType) else getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        yield code
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from _codes_of(constant)


def _is_self(loaded: object) -> bool:
    return loaded == "self" or (isinstance(loaded, tuple) and loaded[-1:] == ("self",))


def _is_final(attribute: object) -> bool:
    function = getattr(attribute, "fget", None) or getattr(attribute, "__wrapped__", attribute)
    return getattr(function, "__final__", False)
