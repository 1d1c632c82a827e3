import numpy as np

from risk.memory import UNTIL_TOLD, Keeper, Memory, recall
from risk.store import MemoryStore


class Counting(MemoryStore):
    """A store that writes down what was saved."""

    def __init__(self):
        super().__init__()
        self.saved = []

    def save(self, name, plain):
        self.saved.append(name)
        super().save(name, plain)


def test_until_told_is_the_last_time_that_a_clock_of_nanoseconds_can_show():
    assert np.iinfo(np.int64).max == UNTIL_TOLD


def test_what_may_not_be_bought_is_remembered_over_a_restart():
    store, memory = MemoryStore(), Memory()
    memory.unsettled["A.V"] = "disputed"
    memory.doubted_ns["B.V"] = 7
    Keeper(memory, store).keep()
    again = recall(store)
    assert (again.unsettled, again.doubted_ns) == ({"A.V": "disputed"}, {"B.V": 7})


def test_only_what_changed_is_written_again():
    store, memory = Counting(), Memory()
    keeper = Keeper(memory, store)
    keeper.keep()
    assert sorted(store.saved) == ["doubted", "marks", "recovery", "switch", "tally", "unsettled"]
    store.saved.clear()
    keeper.keep()
    assert store.saved == []
    memory.unsettled["A.V"] = "disputed"
    keeper.keep()
    assert store.saved == ["unsettled"]
