"""What a trading client tells of its venue reaches the guard, and whoever reads alerts."""

from types import SimpleNamespace

import pytest

from markets.facts import Condition
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.state import State
from storage.journal.records import Alert
from system.desk_words import desk_wish


@pytest.fixture
def desk():
    notes = []
    journal = SimpleNamespace(run="r-1", note=notes.append)
    plan = SimpleNamespace(journal=journal, settings_of=lambda venue: {"of": venue})
    crew = SimpleNamespace(guardian=Guardian([], Ledger()), second_look=None)
    wish = desk_wish("KALSHI", plan, crew, lambda: 7)
    return SimpleNamespace(wish=wish, guardian=crew.guardian, notes=notes)


def test_a_difference_lets_only_sales_out_there_and_is_an_alert(desk):
    desk.wish.on_difference("settlement of T paid 1 USD, our contracts were worth 2 USD")
    assert desk.guardian.doubts == {"KALSHI": "settlement of T paid 1 USD, our contracts were worth 2 USD"}
    (alert,) = desk.notes
    assert isinstance(alert, Alert)
    assert (alert.at_ns, alert.severity) == (7, "error")
    assert alert.text == ("KALSHI and we differ: settlement of T paid 1 USD, our contracts were worth 2 USD")


def test_that_a_venue_works_again_is_no_alert_and_counts_for_the_desk_alone(desk):
    desk.guardian.note_health("KALSHI", "normal", 5)
    desk.wish.on_condition(Condition.CANCEL_ONLY, "every shard pauses")
    assert desk.guardian.memory.tally.mode_of("KALSHI") == Condition.CANCEL_ONLY
    assert desk.guardian.state == State.ACTIVE
    desk.wish.on_condition(Condition.NORMAL, "")
    assert desk.guardian.memory.tally.mode_of("KALSHI") == Condition.NORMAL
    desk.guardian.note_health("KALSHI", "down", 6)
    assert desk.guardian.memory.tally.mode_of("KALSHI") == Condition.DOWN
    assert [note.text for note in desk.notes] == ["KALSHI is cancel_only: every shard pauses"]


def test_an_account_that_is_refused_may_only_sell_until_an_operator_resumes(desk):
    desk.wish.on_condition(Condition.CLOSED_ONLY, "403 forbidden")
    desk.wish.on_condition(Condition.NORMAL, "")
    assert (desk.guardian.state, desk.guardian.switch.cause) == (State.REDUCE_ONLY, "KALSHI says closed_only")


def test_without_a_journal_the_guard_hears_all_the_same():
    crew = SimpleNamespace(guardian=Guardian([], Ledger()), second_look="look")
    plan = SimpleNamespace(journal=None, settings_of=lambda venue: {})
    wish = desk_wish("KALSHI", plan, crew, lambda: 7)
    wish.on_difference("cash")
    assert (wish.second_guard, wish.memory) == ("look", None)
    assert crew.guardian.doubts == {"KALSHI": "cash"}
