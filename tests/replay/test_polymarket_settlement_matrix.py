"""How a position in a market that Polymarket lists can end, through the engine, to the millionth of a pUSD."""

from decimal import Decimal

import pytest
from polymarket_listed import NAMES, SERIES, markets, said
from risk_stage import Tape, play

from markets.currencies import PUSD

ANN = "will-ann-win"
YES, NO = f"{ANN}:YES", f"{ANN}:NO"
TAKE = [(1, "buy", YES, "100", "0.52")]
ODD = {"size": 33.333333}


def ended(acts, facts, tape=None, listed=None):
    how = {"facts": tuple(facts)} | (tape or {})
    record = play(
        [], acts, Tape(**how), pairs=markets(**(listed or {})), series=SERIES,
        backtest={"starting_usd": {"POLYMARKET": 1000}},
    )  # fmt: skip
    assert record.refusals == []
    return record


def cash_of(record):
    """Return what is left, of which a run knows that the engine's account says the same to the millionth."""
    assert not record.facts.marks, "something is still held"
    return 1000 + record.facts.ledger_net_usd


# Each row: the acts, the tape, the listing, and the cash at a payout of 1, 0 and 0.5. Orders are in hundredths of a
# share, fills in millionths; half of an odd millionth is rounded to the even one, as the simulated account does.
WAYS = {
    "taken": (TAKE, {}, {}, "1046.752", "946.752", "996.752"),  # -52 - 1.248
    "the other side taken": (
        [(1, "buy", NO, "100", "0.52")], {}, {}, "946.752", "1046.752", "996.752"
    ),
    "left resting orders": (
        [*TAKE, (2, "rest", YES, "50", "0.40"), (2, "rest", NO, "50", "0.40")], {}, {},
        "1046.752", "946.752", "996.752",
    ),
    "rested, where makers pay nothing": (
        [(1, "rest", YES, "100", "0.40")], {"moves": {(ANN, 5): (0.36, 0.40)}}, {}, "1060", "960", "1010"
    ),
    "filled in part to the millionth": (TAKE, ODD, {}, "1015.584", "982.250667", "998.917333"),  # -17.333333 - 0.416
    "sold early, in full": ([*TAKE, (5, "sell", YES, "100", "0.48")], {}, {}, "993.504", "993.504", "993.504"),
    "sold early, but for dust": (  # + 15.9984 - 0.41596, and 0.003333 shares stay
        [*TAKE, (5, "sell", YES, "33.33", "0.48")], ODD, {}, "997.83644", "997.833107", "997.834773"
    ),
    "sold early, but for dust that rounds up": (  # half of 0.003335 shares is 0.0016675
        [*TAKE, (5, "sell", YES, "33.33", "0.48")], {"size": 33.333335}, {}, "997.836441", "997.833106", "997.834774"
    ),
    "both sides": (  # -20.8 - 0.4992
        [*TAKE, (3, "buy", NO, "40", "0.52")], {}, {}, "1025.4528", "965.4528", "995.4528"
    ),
    "without fees": (TAKE, {}, {"rate": "0"}, "1048", "948", "998"),
    "with a fee between two units": (  # 9.71 x 0.07 x 0.25 = 0.169925, half up
        [(1, "buy", YES, "9.71", "0.50")], {"moves": {(ANN, 0): (0.46, 0.50)}}, {"rate": "0.07"},
        "1004.68507", "994.97507", "999.83007",
    ),
    "over a change of fees": (  # bought at 5 %, -1.248, 30 sold at 3 %, +14.4 - 0.22464
        [*TAKE, (5, "sell", YES, "30", "0.48")], {}, {"later_rate": "0.03", "later_secs": 3},
        "1030.92736", "960.92736", "995.92736",
    ),
    "before a change of fees": (TAKE, {}, {"later_rate": "0.03", "later_secs": 2}, "1046.752", "946.752", "996.752"),
    "after a change of fees": (TAKE, {}, {"later_rate": "0.03", "later_secs": 1}, "1047.2512", "947.2512", "997.2512"),
}  # fmt: skip
CASES = [
    pytest.param(way, payout, cash, id=f"{way}-{payout}")
    for way, (*_, one, nothing, half) in WAYS.items()
    for payout, cash in (("1", one), ("0", nothing), ("0.5", half))
]


@pytest.mark.parametrize(("way", "payout", "cash"), CASES)
def test_a_position_at_polymarket_ends_with_this_cash_in_a_backtest(way, payout, cash):
    acts, tape, listed = WAYS[way][:3]
    assert cash_of(ended(acts, [said("ann", payout)], tape, listed)) == Decimal(cash)


def test_the_markets_of_this_matrix_are_as_polymarket_lists_them():
    for pair in markets().values():
        says = pair.info
        assert (pair.yes.quote_currency, pair.yes.size_precision) == (PUSD, 6)
        assert (says["neg_risk"], says["mutually_exclusive"], says["takers_spend"]) == (True, True, True)
        assert [one["rounding"] for one in says["fees"]] == ["half_up"]
        assert [str(side.id).split("-")[1] for side in (pair.yes, pair.no)] == [
            f"{token}.POLYMARKET" for token in says["tokens"]
        ]


@pytest.mark.parametrize("final", ["1", "0", "0.5"])
def test_only_the_final_result_pays_although_another_was_said_and_disputed(final):
    first = str(1 - Decimal(final))
    story = [
        said("ann", first, 8, is_final=False),
        said("ann", first, 9, is_disputed=True),
        said("ann", final, 12),
        said("ann", first, 13),  # too late: what is settled is settled
    ]
    assert cash_of(ended(TAKE, story)) == Decimal("946.752") + 100 * Decimal(final)


@pytest.mark.parametrize("winner", NAMES)
def test_a_set_in_which_one_wins_pays_a_dollar_a_share_whoever_that_is(winner):
    acts = [(1, "buy", f"{name}:YES", "7", "0.52") for name in markets()]
    facts = [said(name, str(int(name == winner))) for name in NAMES]
    # 7 x 0.52 three times, and 0.05 x 7 x 0.2496 of fees
    assert cash_of(ended(acts, facts)) == 1000 - 3 * (Decimal("3.64") + Decimal("0.08736")) + 7


@pytest.mark.parametrize("winner", NAMES)
def test_no_of_all_but_one_pays_a_dollar_a_share_for_each_that_loses(winner):
    acts = [(1, "buy", f"will-{name}-win:NO", "7", "0.52") for name in NAMES[:2]]
    facts = [said(name, str(int(name == winner))) for name in NAMES]
    paid = 7 * sum(name != winner for name in NAMES[:2])
    assert cash_of(ended(acts, facts)) == 1000 - 2 * (Decimal("3.64") + Decimal("0.08736")) + paid
