import pytest

from engine.desk import Belief
from risk.lookout import Lookout
from risk.memory import Memory
from risk.rules.correlation import CorrelatedSignals

RULE = CorrelatedSignals(limit=0.7, share=0.5, factor=0.5, shrinkage_signals=1)


def heard(proposals, rules=(RULE,)):
    memory = Memory()
    lookout = Lookout(memory, rules)
    for one in proposals:
        lookout.hear(one)
    return memory.signals.correlation("toy-1", 1)


def test_edges_above_and_below_the_mid_by_turns_are_told_apart(proposal, toy):
    beliefs = [proposal(belief=Belief(p, toy.start + at)) for at, p in enumerate((0.6, 0.4, 0.6, 0.4, 0.6))]
    assert heard(beliefs) == pytest.approx(-4 / 5)


def test_the_edge_is_what_is_believed_less_the_mid(proposal, toy):
    # Beliefs and mids rise and fall alike: the edge is the same each time, and repeats itself.
    same = [
        proposal(
            belief=Belief(0.6 + at % 2 / 10, toy.start + at),
            quote=toy.quote_at(toy.start, bid=f"0.{48 + 10 * (at % 2)}00", ask=f"0.{52 + 10 * (at % 2)}00"),
        )
        for at in range(4)
    ]
    assert heard(same) == pytest.approx(3 / 4)


def test_a_belief_that_was_seen_counts_once_on_each_instrument(proposal, toy):
    belief = Belief(0.6, toy.start)
    assert heard([proposal(belief=belief)] * 3) == 0
    assert heard([proposal(belief=belief, instrument=name) for name in ("a", "b", "c")]) == pytest.approx(
        2 / 3
    )


def test_nothing_is_heard_without_a_belief_or_for_a_book_that_does_not_ask(proposal, toy):
    beliefs = [proposal(belief=Belief(0.6, toy.start + at)) for at in range(3)]
    assert heard([proposal(belief=None)] * 3) == 0
    assert heard(beliefs, rules=()) == 0
    assert heard(beliefs) == pytest.approx(2 / 3)
