"""Each rule, through the engine: a case that trips it, one that just passes, and none without it."""

import pytest
from risk_cases import CASES, of_book, rules
from risk_stage import play


def found(record, name, case):
    wanted = rules()[name].__name__.lower()
    return [
        one.reason
        for one in record.refusals
        if one.rule.replace("_", "") == wanted and case.says in one.reason
    ]


@pytest.mark.parametrize("name", rules())
def test_a_rule_trips_through_the_engine_and_without_it_nothing_is_refused(name):
    case = CASES[name]
    record = play(of_book(name, case.trips), case.acts, case.tape, case.before, case.latency_ms)
    assert found(record, name, case), record.refusals
    assert play([], case.acts, case.tape, case.before, case.latency_ms).refusals == []


@pytest.mark.parametrize("name", rules())
def test_what_just_passes_a_rule_is_filled(name):
    case = CASES[name]
    record = play(
        of_book(name, case.passes),
        case.passing_acts or case.acts,
        case.passing_tape or case.tape,
        case.before_passing or case.before,
        case.latency_ms,
    )
    assert found(record, name, case) == []
    assert record.fills


def test_every_case_is_of_a_rule():
    assert CASES.keys() == rules().keys()
