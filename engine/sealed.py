"""What a subclass may not do: replace a method marked `@final`, or misspell a hook."""

from difflib import get_close_matches


def hooks_of(native: type) -> list[str]:
    """Return the names of the methods of `native` that the engine calls and expects nothing from."""
    return [name for name in dir(native) if name.startswith("on_") and name not in ("on_save", "on_load")]


def refuse_broken_seals(cls: type) -> None:
    """Raise TypeError when `cls` replaces a method that one of its bases marked `typing.final`."""
    for name in vars(cls):
        for base in cls.__mro__[1:]:
            if _is_final(vars(base).get(name)):
                raise TypeError(f"{cls.__qualname__}.{name} is sealed by {base.__qualname__}")


def refuse_unknown_hooks(cls: type, known: type) -> None:
    """Raise TypeError when `cls` has an `on_...` method that is no hook of `known`: it would never be called."""
    for name in vars(cls):
        if name.startswith("on_") and not hasattr(known, name):
            near = get_close_matches(name, hooks_of(known), n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise TypeError(f"{cls.__qualname__}.{name} is no hook of the engine{hint}")


def _is_final(attribute: object) -> bool:
    function = getattr(attribute, "fget", None) or getattr(attribute, "__wrapped__", attribute)
    return getattr(function, "__final__", False)
