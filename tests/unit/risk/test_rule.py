import time
from decimal import Decimal

import pytest

from engine import Usd
from risk.rules.rule import Rule, as_usd, until_text


class Told(Rule, frozen=True):
    """Refuse after `wait_ms`, beyond `most_bps`, above `part` or `limit`, `times` times.

    Never printed.
    """

    wait_ms: int
    most_bps: int
    part: float
    limit: Usd
    times: int


class Silent(Rule, frozen=True):
    __doc__ = None


def test_a_sentence_has_its_settings_with_their_units():
    rule = Told(wait_ms=5, most_bps=20, part=0.1 + 0.2, limit=Usd(7), times=3)
    assert rule.describe() == "Told: Refuse after 5 ms, beyond 20 bps, above 0.3 or 7 USD, 3 times."


def test_a_rule_without_a_sentence_has_a_name():
    assert Silent().describe() == "Silent: "


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_time_is_told_in_utc_wherever_we_are(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert until_text(1_999_999_999) == "1970-01-01 00:00:01 UTC"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("amount", "text"), [("10.50", "10.5"), ("10.00", "10"), ("100", "100"), ("1E+2", "100")]
)
def test_an_amount_is_told_without_zeros_that_say_nothing(amount, text):
    assert as_usd(Decimal(amount)) == f"{text} USD"
