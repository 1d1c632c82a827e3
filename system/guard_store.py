"""What the guardian keeps in the journal, and how a halt reaches one that does not live yet. Loads no Nautilus."""

from typing import Any, Final

from risk.state import Switch
from storage.journal.records import RiskEvent
from system.run_journal import RunJournal

_SWITCH: Final = "switch"


class GuardStore:
    """The guardian's store: a halt holds for the mode, whatever run comes next; the rest is the run's own.

    Each change of the state is written down as a risk event, too.
    """

    def __init__(self, journal: RunJournal) -> None:
        self._journal = journal
        self._own = journal.store("guardian")
        self._lasting = journal.store_of_mode("guardian", at_once=(_SWITCH,))

    def save(self, name: str, plain: dict[str, Any]) -> None:
        """Keep `plain`; a change of the state is on the disk when this returns."""
        if name != _SWITCH:
            self._own.save(name, plain)
            return
        known = (self._lasting.load(name) or {"history": []})["history"]
        if plain["history"] == known:
            return
        for change in plain["history"][len(known) :]:
            self._journal.note(
                RiskEvent(
                    run=self._journal.run,
                    at_ns=change["now_ns"],
                    kind="state",
                    state=change["state"],
                    cause=change["cause"],
                    operator=change["operator"],
                )
            )
        self._lasting.save(name, plain)

    def load(self, name: str) -> dict[str, Any] | None:
        """Return what the name holds, or None."""
        return (self._lasting if name == _SWITCH else self._own).load(name)


def halt_next_start(journal: RunJournal, cause: str) -> None:
    """Have the next node of this mode start halted; it is on the disk when this returns. For dead nodes only."""
    store = GuardStore(journal)
    switch = Switch.from_plain(store.load(_SWITCH) or {"history": []})
    switch.halt(cause, journal.now_ns())
    store.save(_SWITCH, switch.as_plain())
