"""Presets: what they hold, how a book tightens and loosens them, and that one of them trades."""

from decimal import Decimal

import pytest
from risk_stage import C, Tape, play

from system.book import BadBook
from system.loading import load
from system.presets import looser_settings, preset_names

PRESETS = ["agents", "hedge_fund", "micro_arbitrage", "roadmap", "sports", "strict"]
SMALL = [(1, "believe", f"{C}:YES", "0", "0.7"), (1, "buy", f"{C}:YES", "30", "0.52")]
DEEP = Tape(size=5000)


def book_under(preset, *risk, **more):
    raw = {"name": "test", "instruments": [], "strategies": [], "risk": list(risk)}
    return load(raw | ({"preset": preset} if preset else {}) | more)


def rule(name, **config):
    return {"rule": f"risk.rules.{name}", "config": config}


def rules_of(preset, *risk, **more):
    return {type(entry.config).__name__: entry.config for entry in book_under(preset, *risk, **more).risk}


def test_these_are_the_presets():
    assert preset_names() == PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_under_each_preset_a_small_order_with_an_edge_is_filled(preset):
    record = play([], SMALL, DEEP, preset=preset)
    assert record.refusals == []
    assert len(record.fills) == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_under_each_preset_an_order_for_half_the_money_is_refused(preset):
    record = play([], [SMALL[0], (1, "buy", f"{C}:YES", "1000", "0.52")], DEEP, preset=preset)
    assert len(record.refusals) == 1
    assert record.fills == []


def test_strict_is_the_strictest_of_each_line_of_the_others():
    strict = rules_of("strict")
    others = [rules_of(preset) for preset in PRESETS if preset != "strict"]
    assert strict.keys() == {name for one in others for name in one}
    for one in others:
        for name, given in one.items():
            assert looser_settings(strict[name], given) == [], name
    for name, own in strict.items():
        for setting in own.__struct_fields__:
            assert any(getattr(own, setting) == getattr(one[name], setting) for one in others if name in one)


def test_a_book_may_tighten_a_preset_and_add_to_it():
    tighter, more = rule("loss:MaxLossPerTrade", limit=10), rule("liquidity:MaxSpread", limit=Decimal("0.05"))
    found = rules_of("strict", tighter, more)
    assert found["MaxLossPerTrade"].limit == 10
    assert found.keys() == rules_of("strict").keys() | {"MaxSpread"}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (
            rule("loss:MaxLossPerTrade", limit=21),
            r"expected limit .* strict, 20, .* found 21 - at `\$.risk\[0\]",
        ),
        (rule("sanity:MinimumEdge", limit=Decimal("0.04")), r"expected limit .* found 0.04"),
        (rule("liquidity:MinLiquidity", limit_contracts=4999), "expected limit_contracts .* found 4999"),
        (rule("loss:ConsecutiveLosses", limit_losses=2, pause_secs=60), "expected pause_secs"),
    ],
)
def test_a_book_that_loosens_a_preset_without_a_reason_is_refused(own, says):
    with pytest.raises(BadBook, match=says):
        book_under("strict", own)


def test_a_reason_loosens_and_is_printed_first():
    own = rule("loss:MaxLossPerTrade", limit=21)
    first, *rest = book_under("strict", own, loosen={"reason": "one more dollar"}).risk
    assert first.config.describe() == "Loosened: Loosen the preset strict in this book: one more dollar."
    assert [one.config.limit for one in rest if "MaxLossPerTrade" in one.rule[-15:]] == [21]


def test_a_reason_is_no_empty_word_and_needs_a_preset():
    with pytest.raises(BadBook, match="expected a reason to loosen a preset, found none"):
        book_under("strict", loosen={"reason": " "})
    with pytest.raises(BadBook, match=r"expected a preset to loosen, found none - at `\$.loosen`"):
        book_under(None, loosen={"reason": "why not"})


def test_a_preset_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(BadBook, match=r"expected one of the presets agents, .*, strict, found 'lax'"):
        book_under("lax")
