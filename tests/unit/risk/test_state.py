import pytest

from risk.state import State, StateChange, Switch


def test_a_switch_that_nobody_touched_says_so():
    assert (Switch().state, Switch().cause) == (State.ACTIVE, "started")


def test_it_tightens_by_itself_and_keeps_the_first_cause():
    switch = Switch()
    switch.reduce_only("feed is late", 1)
    switch.halt("venue differs", 2)
    switch.halt("again", 3)
    switch.reduce_only("too late", 4)
    assert (switch.state, switch.cause) == (State.HALTED, "venue differs")
    assert [change.now_ns for change in switch.history] == [1, 2]


def test_only_a_named_operator_with_a_reason_loosens_it():
    switch = Switch()
    switch.halt("venue differs", 2)
    for reason, operator in (("", "ada"), ("checked", " ")):
        with pytest.raises(ValueError, match="expected a reason and an operator's name"):
            switch.resume(reason, operator, 3)
    switch.resume("checked", "ada", 3)
    assert switch.history[-1] == StateChange(State.ACTIVE, "checked", 3, "ada")
