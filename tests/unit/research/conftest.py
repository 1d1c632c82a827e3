from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from research.record import EquityPoint, Fill, Forecast, Outcome, PricePoint, Record, Refusal, RunFacts

START_NS = 1_790_000_000_000_000_000


def _fill(**changes: Any) -> Fill:
    event = changes.get("event", "E1")
    outcome = changes.get("outcome", "YES")
    market = changes.get("market", f"{event}-M")
    said = {
        "ts_ns": START_NS,
        "strategy": "kelly-1",
        "instrument": f"{market}-{outcome}",
        "market": market,
        "event": event,
        "outcome": outcome,
        "side": "BUY",
        "quantity": Decimal(10),
        "price": Decimal("0.40"),
        "fee_usd": Decimal("0.17"),
        "is_taker": True,
        "evidence": "B",
    }
    return Fill(**(said | changes))


def _facts(**changes: Any) -> RunFacts:
    said = {
        "book": "fed_decision",
        "mode": "backtest",
        "engine": "nautilus_trader 2.0.0rc7",
        "catalog": "catalog",
        "start_ns": START_NS,
        "end_ns": START_NS + 3_600_000_000_000,
        "events": 1000,
        "wall_secs": 2.0,
        "peak_rss_mb": 300.0,
        "orders": 4,
        "denied": 1,
        "rejected": 0,
        "settled_positions": 2,
        "ledger_net_usd": Decimal(0),
        "ledger_conserved": True,
        "event_log_sha256": "ab" * 32,
        "starting_usd": Decimal(1000),
        "trials_before": 0,
    }
    return RunFacts(**(said | changes))


def _record(facts: RunFacts | None = None, **parts: Any) -> Record:
    nothing: dict[str, Any] = dict.fromkeys(
        ("fills", "refusals", "settlements", "forecasts", "outcomes", "prices", "equity"), ()
    )
    return Record(facts=facts or _facts(), **(nothing | parts))


@pytest.fixture
def make_fill() -> Callable[..., Fill]:
    return _fill


@pytest.fixture
def make_facts() -> Callable[..., RunFacts]:
    return _facts


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return _record


@pytest.fixture
def small_record() -> Record:
    """Two events, both paid out; worked by hand.

    E1 paid 1: 10 YES bought at 0.40, fee 0.17, gives 10 * 0.60 - 0.17 = 5.83 (class B).
    E2 paid 0: 20 NO bought at 0.70 as maker, no fee, gives 20 * 0.30 = 6 (class C);
    5 YES sold at 0.25, fee 0.05, gives 5 * 0.25 - 0.05 = 1.20 (class B). Net 13.03, fees 0.22.
    """
    fills = (
        _fill(),
        _fill(
            event="E2", outcome="NO", price=Decimal("0.70"), quantity=Decimal(20), fee_usd=Decimal(0),
            is_taker=False, evidence="C", strategy="quoter-1", ts_ns=START_NS + 10**9,
        ),
        _fill(
            event="E2", side="SELL", price=Decimal("0.25"), quantity=Decimal(5), fee_usd=Decimal("0.05"),
            ts_ns=START_NS + 2 * 10**9,
        ),
    )  # fmt: skip
    return _record(
        _facts(ledger_net_usd=Decimal("13.03"), notes=("one <gap> of 3 s",)),
        fills=fills,
        refusals=(Refusal(START_NS, "kelly-1", "E1-M-YES", "max_stake", "61 USD at stake, limit is <60>"),),
        forecasts=(
            Forecast(START_NS, "kelly-1", "E1-M", "E1", 0.9, Decimal("0.5")),
            Forecast(START_NS, "kelly-1", "E1-M", "E1", 0.7, Decimal("0.5")),
            Forecast(START_NS, "kelly-1", "E2-M", "E2", 0.5, Decimal("0.2")),
        ),
        outcomes=(Outcome("E1-M", "E1", Decimal(1)), Outcome("E2-M", "E2", Decimal(0))),
        prices=(
            PricePoint(START_NS, "E1-M", Decimal("0.39"), Decimal("0.40")),
            PricePoint(START_NS + 10**9, "E1-M", None, Decimal("0.41")),
        ),
        equity=(
            EquityPoint(START_NS, Decimal(990), Decimal(980)),
            EquityPoint(START_NS + 10**9, Decimal("1013.03"), Decimal("1013.03")),
        ),
    )
