"""Where the guardian keeps what a restart must not forget."""

import json
from typing import Any, Protocol

type Plain = dict[str, Any]


class Store(Protocol):
    """A place for plain data under a name.

    What `save` took must be on the disk before the next order leaves, and "switch" when `save` returns.
    """

    def save(self, name: str, plain: Plain) -> None:
        """Keep `plain`, which JSON can say and nobody changes any more, in place of what the name held."""
        ...

    def load(self, name: str) -> Plain | None:
        """Return what the name holds, or None."""
        ...


class MemoryStore:
    """A store that lives as long as its process; it keeps JSON text, as one on disk would."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def save(self, name: str, plain: Plain) -> None:
        self._kept[name] = json.dumps(plain)

    def load(self, name: str) -> Plain | None:
        text = self._kept.get(name)
        if text is None:
            return None
        plain: Plain = json.loads(text)
        return plain
