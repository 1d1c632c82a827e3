"""A scope of the journal that keeps plain data by name, such as what a guardian must not forget."""

from collections.abc import Callable, Collection

from storage.journal.journal import Journal
from storage.journal.reading import kept_in
from storage.journal.records import Kept, Plain


class JournalStore:
    """What `risk.store.Store` asks for: it is on the disk before any intent that is told after it.

    So what a guardian saves before an order leaves is never younger than the order. A name among `at_once`
    is on the disk when `save` returns: some milliseconds, for what happens once a day and must not be lost.
    """

    def __init__(
        self,
        journal: Journal,
        scope: str,
        run: str,
        now_ns: Callable[[], int],
        at_once: Collection[str] = ("switch",),
    ) -> None:
        self._journal = journal
        self._scope = scope
        self._run = run
        self._now_ns = now_ns
        self._at_once = at_once
        self._kept = journal.find(lambda connection: kept_in(connection, scope))

    def save(self, name: str, plain: Plain) -> None:
        """Keep `plain`, which the caller does not change any more; JournalLost when it cannot be kept."""
        record = Kept(run=self._run, at_ns=self._now_ns(), scope=self._scope, name=name, plain=plain)
        if name in self._at_once:
            self._journal.secure(record)
        else:
            self._journal.note(record)
        self._kept[name] = plain

    def load(self, name: str) -> Plain | None:
        """Return what the name holds, or None."""
        return self._kept.get(name)
