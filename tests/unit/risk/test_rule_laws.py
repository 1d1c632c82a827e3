"""What holds for every rule there is: the missing refuses, NaN refuses, sales of what is held pass."""

from dataclasses import fields
from decimal import Decimal

import pytest
from risk_cases import CASES, rules

from engine.config import decode

ALL = rules()
ALSO_FOR_SALES = {
    "sanity:StalePrice", "sanity:PriceOnGrid", "evidence:PriceJump", "evidence:CrossedBook",
    "evidence:ClockSkew", "evidence:ConfirmedBook", "evidence:StaleSource", "pace:MaxOrdersPerSecond",
    "venue:VenueMode",
}  # fmt: skip
NEED_A_QUOTE = {
    "liquidity:MinLiquidity", "liquidity:MaxShareOfDepth", "liquidity:MaxSpread", "liquidity:MaxSlippage",
    "sanity:StalePrice", "evidence:PriceJump", "evidence:CrossedBook", "evidence:ClockSkew", "evidence:ConfirmedBook",
}  # fmt: skip
NEED_A_BELIEF = {
    "shares:MaxKelly", "sanity:MinimumEdge", "evidence:TooGoodEdge", "evidence:ConfidenceFloor",
    "costs:NetEdgeAfterCosts",
}  # fmt: skip


def lax(name):
    return decode(CASES[name].passes, ALL[name])


def verdict(rule, proposal, standing):
    """Return a refusal or None; what a rule raises, the guardian takes for a refusal."""
    try:
        return rule.refuse(proposal, standing)
    except (ArithmeticError, ValueError, LookupError) as error:
        return error


@pytest.mark.parametrize("name", sorted(ALL.keys() - ALSO_FOR_SALES))
def test_a_sale_of_what_is_held_passes_whatever_else_is_wrong(name, proposal, stands):
    sale = proposal(
        is_reducing=True,
        worst_case_usd=Decimal(0),
        whole_usd=Decimal(0),
        belief=None,
        quote=None,
        free_cash_usd=None,
    )
    bad = stands(**dict.fromkeys(("stake", "event_stake", "deployed", "lost_today", "high_water"), 10**9))
    assert decode(CASES[name].trips, ALL[name]).refuse(sale, bad) is None


@pytest.mark.parametrize("name", sorted(NEED_A_QUOTE))
def test_without_a_quote_it_refuses(name, proposal, stands):
    assert lax(name).refuse(proposal(quote=None), stands()) is not None


@pytest.mark.parametrize("name", sorted(NEED_A_BELIEF))
def test_without_a_belief_it_refuses(name, proposal, stands):
    assert lax(name).refuse(proposal(belief=None), stands()) is not None


def watching(standing):
    """Return a standing like `standing` that writes down which of its figures are read."""
    read = set()

    class Watching(type(standing)):
        def __getattribute__(self, name):
            read.add(name)
            return super().__getattribute__(name)

    return Watching(**{one.name: getattr(standing, one.name) for one in fields(standing)}), read


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("wrong", ["NaN", "sNaN"])
def test_a_figure_that_is_no_number_never_passes_a_rule_that_reads_it(name, wrong, proposal, stands):
    figures = [one.name for one in fields(stands()) if isinstance(getattr(stands(), one.name), Decimal)]
    for figure in figures:
        standing, read = watching(stands(**{figure: wrong}))
        answer = verdict(lax(name), proposal(), standing)
        assert figure not in read or answer is not None, figure


@pytest.mark.parametrize("name", ALL)
def test_each_setting_is_needed(name):
    needed = {field for field in ALL[name].__struct_fields__}
    for left_out in needed:
        settings = {key: value for key, value in CASES[name].passes.items() if key != left_out}
        with pytest.raises(ValueError, match=f"missing required field `{left_out}`"):
            decode(settings, ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_a_rule_is_one_sentence_with_its_settings_in_it(name):
    rule = lax(name)
    sentence = rule.describe()
    assert sentence.endswith(".")
    assert "`" not in sentence.replace("`normal`", "").replace("`down`", ""), sentence
    assert "\n" not in sentence
