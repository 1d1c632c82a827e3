from decimal import Decimal

import pytest
from nautilus_trader.model import InstrumentId

from system.book import BadBook, read_book, read_book_file
from system.loading import load

BOOK = """
name = "fed_decision"
instruments = ["KXFED-27JAN-C-YES.KALSHI", "KXFED-27JAN-C-NO.KALSHI"]

[[strategies]]
strategy = "strategies.kelly:Kelly"
id = "kelly-1"
config = { instrument_id = "KXFED-27JAN-C-YES.KALSHI", probability = 0.6, bankroll = 1000.10 }

[[risk]]
rule = "risk.rules.exposure:MaxStakePerOutcome"
config = { limit = 100 }

[backtest]
catalog = "catalog"
start = 2026-10-01T00:00:00Z
end = 2026-10-31T00:00:00Z
starting_usd = { KALSHI = 1000 }

[live]
venues = ["KALSHI"]
"""


def test_money_in_a_book_was_never_a_binary_float():
    book = load(read_book(BOOK))
    assert book.strategies[0].config.bankroll == Decimal("1000.10")
    assert book.strategies[0].config.probability == 0.6
    assert book.risk[0].config.limit == 100


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("probability", "probabilty", "unknown field `probabilty` - at `$.strategies[0].config`"),
        ("0.6", "1.6", "Expected `float` < 1.0 - at `$.strategies[0].config.probability`"),
        ("0.6", '"high"', "got `str` - at `$.strategies[0].config.probability`"),
        (", bankroll = 1000.10", "", "missing required field `bankroll` - at `$.strategies[0].config`"),
        ("1000.10", "-5", "found -5 - at `$.strategies[0].config.bankroll`"),
        ("1000.10", "nan", "at `$.strategies[0].config.bankroll`"),
        ("1000.10", '"lots"', "found 'lots' - at `$.strategies[0].config.bankroll`"),
        (
            '{ instrument_id = "KXFED-27JAN-C-YES.KALSHI"',
            '{ instrument_id = "FED"',
            "at `$.strategies[0].config.instrument_id`",
        ),
        ("limit = 100", "limit = true", "found True - at `$.risk[0].config.limit`"),
        ("end = ", "ende = ", "unknown field `ende` - at `$.backtest`"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_path(right, wrong, complaint):
    assert right in BOOK
    with pytest.raises(BadBook) as caught:
        load(read_book(BOOK.replace(right, wrong)))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("path", ["pricing.sizing:kelly_share", "nautilus_trader.trading:Strategy"])
def test_only_our_own_strategies_can_be_named(path):
    with pytest.raises(BadBook, match=r"to name a subclass of engine\.strategy\.Strategy"):
        load(read_book(BOOK.replace("strategies.kelly:Kelly", path)))


def test_ids_that_would_share_their_order_ids_are_refused():
    twice = BOOK.replace("[[risk]]", BOOK[BOOK.index("[[strategies]]") : BOOK.index("[[risk]]")] + "[[risk]]")
    with pytest.raises(BadBook, match="ids that differ after their last dash"):
        load(read_book(twice))


def test_a_readable_name_becomes_an_id_where_a_setting_wants_one():
    named = read_book(BOOK.replace('{ instrument_id = "KXFED-27JAN-C-YES.KALSHI"', '{ instrument_id = "fed"'))
    book = load(named, resolve=lambda name: InstrumentId.from_str(f"{name.upper()}-YES.KALSHI"))
    assert str(book.strategies[0].config.instrument_id) == "FED-YES.KALSHI"


def test_a_file_that_is_no_book_is_refused_with_its_name(tmp_path):
    (tmp_path / "broken.toml").write_text("name = ")
    with pytest.raises(BadBook, match=r"broken\.toml: expected a TOML file"):
        read_book_file(tmp_path / "broken.toml")
    with pytest.raises(BadBook, match=r"expected a book at .*absent\.toml, found none"):
        read_book_file(tmp_path / "absent.toml")
