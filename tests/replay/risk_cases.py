"""One case for each rule: what trips it, what just passes; and which rules there are."""

from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from inspect import getmembers, isclass
from pathlib import Path

from risk_stage import C, H, T, Tape
from toy import SECOND, START

from markets.facts import Condition, DataGap, Method, OraclePrice, VenueCondition
from risk.rules.rule import Rule

HOUSE = Path(__file__).parents[2]
YES, NO, OTHER, FAR = f"{C}:YES", f"{C}:NO", f"{H}:YES", f"{T}:YES"
ONE = [(1, "buy", YES, "100", "0.52")]
BOTH_SIDES = [*ONE, (2, "buy", NO, "100", "0.52")]
TWO = [*ONE, (2, "buy", OTHER, "100", "0.52")]
FALL = Tape(moves={(C, 5): (0.10, 0.14)})
AFTER_FALL = [*ONE, (10, "buy", OTHER, "100", "0.52")]
LOSING = [
    act
    for at in (1, 3)
    for act in ((at, "buy", YES, "10", "0.52"), (at + 1, "sell", YES, "10", "0.48"))
] + [(8, "buy", YES, "10", "0.52")]  # fmt: skip
SIXTY = [(1, "believe", YES, "0", "0.6"), *ONE]
NINETY = [(1, "believe", YES, "0", "0.9"), *ONE]
FED = {"kalshi:KXFED-*": "rates"}


@dataclass
class Case:
    """A script, and the settings with which its rule refuses and passes; `says` is in the refusal."""

    trips: dict
    passes: dict
    acts: list = field(default_factory=lambda: ONE)
    passing_acts: list | None = None
    tape: Tape = field(default_factory=Tape)
    says: str = "limit is"
    before: object = None
    before_passing: object = None
    passing_tape: Tape | None = None
    latency_ms: int = 0


def usd(amount):
    return {"limit": Decimal(str(amount))}


def share(part, **more):
    return {"share": Decimal(str(part))} | more


TAIL = {"confidence": "0.95", "correlation": Decimal("0.5"), "seed": 1}
JUMPY = [(1, "buy", YES, "10", "0.52"), (3, "buy", YES, "10", "0.52"), (6, "buy", YES, "10", "0.62")]
FAILING = [(1, "buy", YES, "10", "0.40"), (2, "buy", YES, "10", "0.40"), (4, "buy", YES, "10", "0.52")]
CANCELS = [
    act for at in (1, 3) for act in ((at, "rest", YES, "10", "0.40"), (at + 1, "cancel", YES, "0", "0"))
]

LATER = [(5, "buy", YES, "10", "0.52")]


def condition(word, at=0):
    told_ns = START + at * SECOND
    return VenueCondition(ts_event=told_ns, ts_init=told_ns, venue="KALSHI", condition=word)


ERRORS = Tape(facts=tuple(condition(Condition.API_ERROR, at) for at in (1, 2)))
PRINTED = Tape(
    facts=(
        OraclePrice(
            ts_event=START + SECOND, ts_init=START + SECOND, source="CFBENCHMARKS", symbol="BRTI",
            value=Decimal(60_000), method=Method.INDEX,
        ),
    )
)  # fmt: skip
TOGETHER = Tape(
    moves={
        (name, at): (0.48 + 0.02 * (at % 2), 0.52 + 0.02 * (at % 2)) for name in (C, T) for at in range(2, 16)
    }
)
AGAIN = [
    act for at in range(1, 6) for act in ((at, "believe", YES, "0", "0.6"), (at, "buy", YES, "1", "0.52"))
] + [(6, "buy", YES, "100", "0.52")]  # fmt: skip
GAP = DataGap(
    ts_event=START + 2 * SECOND, ts_init=START + 3 * SECOND, until_ns=START + 3 * SECOND,
    venue="KALSHI", series="KXFED", market=C, reason="a sequence was missed",
)  # fmt: skip

CASES = {
    "exposure:MaxStakePerOutcome": Case(usd(50), usd(60)),
    "exposure:MaxStakePerMarket": Case(usd(100), usd("105.248"), BOTH_SIDES),
    "exposure:MaxStakePerEvent": Case(usd(100), usd("105.248"), TWO),
    "exposure:MaxStakePerVenue": Case(usd(100), usd("105.248"), TWO),
    "exposure:MaxStakePerShard": Case(usd(100), usd("105.248"), TWO),
    "exposure:MaxDeployed": Case(usd(100), usd("105.248"), TWO),
    "exposure:MaxStakePerCategory": Case(
        usd(100) | {"categories": FED}, usd("105.248") | {"categories": FED}, TWO
    ),
    "exposure:MaxOpenPositions": Case({"limit_markets": 1}, {"limit_markets": 2}, TWO),
    "shares:MaxSharePerMarket": Case(share("0.05"), share("0.06")),
    "shares:MaxSharePerVenue": Case(share("0.05"), share("0.06")),
    "shares:MaxShareDeployed": Case(share("0.05"), share("0.06")),
    "shares:MaxKelly": Case(
        {"fraction": Decimal("0.25"), "cap": Decimal("0.5")},
        {"fraction": Decimal("0.5"), "cap": Decimal("0.5")},
        SIXTY,
    ),
    "liquidity:MinLiquidity": Case({"limit_contracts": 1001}, {"limit_contracts": 1000}),
    "liquidity:MaxShareOfDepth": Case(share("0.1"), share("0.2")),
    "liquidity:MaxSpread": Case(usd("0.03"), usd("0.04")),
    "liquidity:MaxSlippage": Case(usd("0.07"), usd("0.08"), [(1, "buy", YES, "10", "0.60")]),
    "loss:MaxDailyLoss": Case(usd(40), usd(50), AFTER_FALL, tape=FALL),
    "loss:MaxDailyLossShare": Case(share("0.04"), share("0.05"), AFTER_FALL, tape=FALL),
    "loss:MaxWeeklyLoss": Case(usd(40), usd(50), AFTER_FALL, tape=FALL),
    "loss:MaxLossPerTrade": Case(usd("53.24"), usd("53.248")),
    "loss:MaxLossPerTradeShare": Case(share("0.05"), share("0.06")),
    "loss:ConsecutiveLosses": Case(
        {"limit_losses": 2, "pause_secs": 60}, {"limit_losses": 2, "pause_secs": 4}, LOSING
    ),
    "loss:RatchetingDrawdown": Case(usd("0.04"), usd("0.05"), AFTER_FALL, tape=FALL),
    "drawdown:DrawdownSteps": Case(
        share("0.06", steps=[[Decimal("0.04"), Decimal("0.5")]]),
        share("0.06", steps=[[Decimal("0.05"), Decimal("0.5")]]),
        AFTER_FALL, tape=FALL, says="limit is 28.70256 USD an order at 0.5 of full size, about 53.90 contracts",
    ),
    "sanity:StalePrice": Case(
        {"max_age_secs": 3}, {"max_age_secs": 5}, [(5, "buy", YES, "10", "0.52")], tape=Tape(silent=(C,))
    ),
    "sanity:MinimumEdge": Case(usd("0.068"), usd("0.0675"), SIXTY),
    "sanity:PriceOnGrid": Case(
        {}, {}, [(1, "raw", YES, "10", "0.525")], [(1, "raw", YES, "10", "0.52")], says="nearest are 0.52 and"
    ),
    "sanity:SufficientBalance": Case({}, {}, [(1, "buy", YES, "3000", "0.52")], ONE, says="free are 1000"),
    "evidence:PriceJump": Case(
        share("0.15", window_secs=60), share("0.25", window_secs=60), JUMPY,
        tape=Tape(moves={(C, 5): (0.58, 0.62)}), says="away from 0.500",
    ),
    "evidence:CrossedBook": Case({}, {}, ONE, tape=Tape(crossed=True), says="cannot both stand", passing_tape=Tape()),
    "evidence:StaleSource": Case(
        {"max_age_secs": {"BRTI.CFBENCHMARKS": 3}}, {"max_age_secs": {"BRTI.CFBENCHMARKS": 4}}, LATER, tape=PRINTED
    ),
    "evidence:ClockSkew": Case({"limit_secs": 2}, {"limit_secs": 3}, tape=Tape(late_secs=3)),
    "evidence:ConfirmedBook": Case(
        {}, {}, [(5, "buy", YES, "10", "0.52")], tape=Tape(silent=(C,), facts=(GAP,)),
        says="is in doubt since", passing_tape=Tape(facts=(GAP,)),
    ),
    "evidence:MarketUnresolved": Case({"margin_secs": 3600}, {"margin_secs": 3598}),
    "evidence:TooGoodEdge": Case(usd("0.37"), usd("0.38"), NINETY),
    "evidence:ConfidenceFloor": Case({"floor": Decimal("0.61")}, {"floor": Decimal("0.6")}, SIXTY),
    "pace:MaxOrdersPerSecond": Case({"limit_orders": 2}, {"limit_orders": 3}, ONE * 3),
    "pace:MaxTradesPerDay": Case({"limit_trades": 2}, {"limit_trades": 3}, [*TWO, (3, "buy", FAR, "1", "0.52")]),
    "pace:MaxCancelFillRatio": Case(
        {"limit": 1, "least_cancels": 2}, {"limit": 2, "least_cancels": 2}, [*CANCELS, (6, "buy", YES, "10", "0.52")]
    ),
    "costs:NetEdgeAfterCosts": Case(
        usd("0.0675") | {"yearly_rate": 1, "order_usd": 0}, usd("0.0674") | {"yearly_rate": 1, "order_usd": 0}, SIXTY
    ),
    "venue:FailedExecutions": Case(
        {"limit_failures": 2, "window_secs": 60}, {"limit_failures": 2, "window_secs": 2}, FAILING
    ),
    "venue:RejectRate": Case(
        share("0.5", least_answers=1, window_secs=60), share(1, least_answers=1, window_secs=60),
        [(1, "post", YES, "10", "0.60"), (2, "buy", YES, "10", "0.52")], says="limit is a share",
    ),
    "venue:MaxApiErrors": Case(
        {"limit_errors": 2, "window_secs": 60}, {"limit_errors": 2, "window_secs": 2}, LATER, tape=ERRORS
    ),
    "venue:MaxFaults": Case(
        {"limit_faults": 1, "window_secs": 60}, {"limit_faults": 1, "window_secs": 2}, LATER,
        before=lambda guard: guard.memory.tally.break_down(START + 2 * SECOND),
    ),
    "venue:MaxLatency": Case(
        {"limit_secs": Decimal("0.05"), "window_secs": 60}, {"limit_secs": Decimal("0.1"), "window_secs": 60},
        [(1, "rest", YES, "10", "0.40"), (3, "buy", YES, "10", "0.52")], latency_ms=100,
    ),
    "venue:VenueMode": Case(
        {}, {}, says="KALSHI is paused, expected normal", tape=Tape(facts=(condition(Condition.PAUSED),)),
        passing_tape=Tape(facts=(condition(Condition.PAUSED), condition(Condition.NORMAL))),
    ),
    "correlation:MaxPairCorrelation": Case(
        {"limit": Decimal("0.9"), "in_group": Decimal("0.5"), "shrinkage_changes": 1},
        {"limit": Decimal("0.95"), "in_group": Decimal("0.5"), "shrinkage_changes": 1},
        [*ONE, (16, "buy", FAR, "10", "0.54")], tape=TOGETHER,
    ),
    "correlation:CorrelatedSignals": Case(
        share("0.06", limit=Decimal("0.7"), factor=Decimal("0.5"), shrinkage_signals=1),
        share("0.06", limit=Decimal("0.81"), factor=Decimal("0.5"), shrinkage_signals=1),
        AGAIN, says="limit is 29.",
    ),
    "portfolio:MaxLossPerEvent": Case(
        usd("53.24") | {"gross_limit": 99}, usd("53.248") | {"gross_limit": 99}
    ),
    "portfolio:MaxStressLoss": Case(
        share("0.05", move=Decimal("0.1"), sources={}), share("0.06", move=Decimal("0.1"), sources={}),
        says="would be lost if every event of KXFED-27JAN.KALSHI ends at its worst, limit is 50 USD",
    ),
    "portfolio:MaxCorrelatedPositions": Case({"limit_markets": 1}, {"limit_markets": 2}, TWO),
    "portfolio:MaxValueAtRisk": Case(share("0.05", **TAIL), share("0.06", **TAIL)),
    "portfolio:MaxExpectedShortfall": Case(share("0.05", **TAIL), share("0.06", **TAIL)),
}  # fmt: skip


def of_book(name, settings):
    return [{"rule": f"risk.rules.{name}", "config": settings}]


def rules():
    classes = {}
    for file in sorted((HOUSE / "risk/rules").glob("[a-z]*.py")):
        module = import_module(f"risk.rules.{file.stem}")
        for name, kind in getmembers(module, isclass):
            if issubclass(kind, Rule) and kind.__module__ == module.__name__:
                classes[f"{file.stem}:{name}"] = kind
    bases = {base for kind in classes.values() for base in kind.__mro__[1:]} | {Rule}
    return {name: kind for name, kind in classes.items() if kind not in bases}
