from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from research.console import tables
from research.findings import study


@pytest.fixture
def show():
    def shown(record):
        out = StringIO()
        Console(file=out, width=100, color_system=None).print(tables(study(record)))
        return out.getvalue()

    return shown


def test_the_report_fits_a_hundred_columns_and_says_it_all_without_colour(show, small_record):
    text = show(small_record)
    assert max(len(line) for line in text.splitlines()) <= 100
    for words in ("verdict: too few events", "+13.03 USD", "yes, exactly", "max_stake", "kelly-1", "B, C"):
        assert words in text
    assert "never" not in text  # no class D or S here
    assert "one <gap> of 3 s" in text


def test_synthetic_data_is_named_in_the_title(show, small_record):
    fills = [replace(fill, evidence="S") for fill in small_record.fills]
    text = show(replace(small_record, fills=fills))
    assert "SYNTHETIC DATA: fed_decision" in text
    assert "never" in text


def test_names_are_not_read_as_markup(show, small_record):
    fills = [replace(fill, strategy="[red]odd[/nothing]") for fill in small_record.fills]
    assert "[red]odd[/nothing]" in show(replace(small_record, fills=fills))


def test_of_many_events_the_best_and_the_worst_are_shown(show, make_fill, make_facts, make_record):
    fills = [make_fill(event=f"EVENT{number:02d}") for number in range(30)]
    marks = {fill.instrument: fill.price for fill in fills}
    text = show(make_record(make_facts(marks=marks), fills=fills))
    assert "... 20 more events" in text
    assert "NO, +5.10 USD left" in text  # 30 fees of 0.17 that this ledger does not know


def test_a_run_without_fills_is_shown(show, make_record):
    assert "verdict: no trades" in show(make_record())
