from decimal import Decimal
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog
from stage import Stage
from toy import START, book

from engine import Strategy, StrategyConfig
from markets.facts import (
    FACTS,
    BookDoubt,
    Condition,
    DataGap,
    MarketPhase,
    MarketResolution,
    Method,
    OraclePrice,
    Phase,
    Provenance,
    TradeProvenance,
    VenueCondition,
)

HAPPENED, KNOWN = START + 123_456_789, START + 987_654_321
ODD = 'KX "FED" — 日本'


def times(happened=HAPPENED, known=KNOWN):
    return {"ts_event": happened, "ts_init": known}


def resolution(payout="1", **changes):
    given = {"venue": "KALSHI", "series": "KXFED", "market": "KXFED-27JAN-C", "source": ODD, "is_final": True}
    return MarketResolution(**(times() | given | {"payout": Decimal(payout)} | changes))


def oracle(value="65432.123456789012345678", **changes):
    given = {"source": "COINBASE", "symbol": "BTC-USD", "method": Method.TWAP}
    return OraclePrice(**(times() | given | {"value": Decimal(value)} | changes))


EXAMPLES = [
    resolution("0.37", is_disputed=True),
    MarketPhase(**times(), venue="KALSHI", series="KXFED", market=ODD, phase=Phase.PAUSED, closes_ns=2**62 + 1),
    oracle(),
    TradeProvenance(
        **times(), venue="KALSHI", instrument="KXFED-27JAN-C-YES", trade_id="t-1", provenance=Provenance.CHAIN,
        is_block=True,
    ),
    DataGap(
        **times(), venue="KALSHI", series="KXFED", market="KXFED-27JAN-C", until_ns=KNOWN + 1, reason="",
    ),
    BookDoubt(**times(), venue="KALSHI", series="KXFED", market=ODD, is_over=False, reason=ODD),
    VenueCondition(**times(), venue="KALSHI", condition=Condition.CLOSED_ONLY, detail=ODD),
]  # fmt: skip
each_fact = pytest.mark.parametrize("fact", EXAMPLES, ids=lambda fact: type(fact).__name__)


def test_every_kind_of_fact_has_an_example_here():
    assert {type(fact) for fact in EXAMPLES} == set(FACTS)


@each_fact
def test_a_fact_comes_out_of_the_catalog_exactly_as_it_went_in(fact, tmp_path):
    kind = type(fact)
    later = msgspec.structs.replace(fact, ts_event=fact.ts_event + 1, ts_init=fact.ts_init + 1)
    catalog = ParquetDataCatalog(str(tmp_path))
    catalog.write_custom_data([fact.as_data(), later.as_data()])
    found = catalog.query_custom_data(NautilusDataType.Custom(kind.__name__), identifiers=[fact.identifier])
    assert [data.data for data in found] == [fact, later]
    assert [(data.ts_event, data.ts_init) for data in found] == [(HAPPENED, KNOWN), (HAPPENED + 1, KNOWN + 1)]
    assert [data.data_type for data in found] == [kind.data_type(fact.identifier)] * 2


@each_fact
def test_a_fact_comes_out_of_json_exactly_as_it_went_in(fact):
    assert type(fact).from_json(fact.to_json()) == fact
    assert type(fact).from_dict(fact.to_dict()) == fact


@given(value=st.decimals("1e-18", "1e18", allow_nan=False), at=st.integers(0, 2**63 - 1))
def test_no_digit_and_no_nanosecond_is_lost(value, at):
    price = oracle(value, ts_event=at, ts_init=at)
    [found] = OraclePrice.decode_record_batch_py({}, price.encode_record_batch_py([price]))
    assert found == price
    assert found.value.as_tuple() == value.as_tuple()


def test_facts_are_found_under_what_they_are_about():
    assert [fact.identifier for fact in EXAMPLES] == [
        "KXFED.KALSHI",
        "KXFED.KALSHI",
        "BTC-USD.COINBASE",
        "KXFED-27JAN-C-YES.KALSHI",
        "KXFED.KALSHI",
        "KXFED.KALSHI",
        "KALSHI",
    ]


@pytest.mark.parametrize("payout", ["-0.01", "1.01", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_payout_that_no_contract_can_have_is_refused(payout):
    with pytest.raises(ValueError, match=r"expected a payout in \[0, 1\] for KXFED-27JAN-C, found"):
        resolution(payout)


@pytest.mark.parametrize("payout", ["0", "1", "0.5", "0.37"])
def test_a_payout_between_nothing_and_a_dollar_is_taken(payout):
    assert resolution(payout).payout == Decimal(payout)


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "sNaN", "Infinity"])
def test_what_cannot_be_a_price_is_refused(value):
    with pytest.raises(ValueError, match="expected a price above 0 for BTC-USD, found"):
        oracle(value)


def test_a_stored_fact_that_cannot_be_true_is_refused_when_it_is_read():
    with pytest.raises(msgspec.ValidationError, match="expected a payout"):
        MarketResolution.from_dict(resolution().to_dict() | {"payout": "NaN"})
    with pytest.raises(msgspec.ValidationError, match="phase"):
        MarketPhase.from_dict(EXAMPLES[1].to_dict() | {"phase": "asleep"})


class Nothing(StrategyConfig, frozen=True):
    pass


class Listener(Strategy[Nothing]):
    def on_start(self):
        self.heard = []
        for fact in EXAMPLES:
            self.subscribe_data(type(fact).data_type(fact.identifier))

    def note(self, hook, fact):
        self.heard.append((hook, fact, self.clock.timestamp_ns()))

    def on_oracle(self, price):
        self.note("on_oracle", price)

    def on_phase(self, phase):
        self.note("on_phase", phase)

    def on_resolution(self, resolution):
        self.note("on_resolution", resolution)

    def on_fact(self, fact):
        self.note("on_fact", fact)


def test_a_replay_tells_each_fact_when_it_became_known_to_the_hook_that_is_for_it():
    facts = [
        msgspec.structs.replace(fact, ts_event=START + 7, ts_init=START + place * 1_000_000_007)
        for place, fact in enumerate(EXAMPLES, 1)
    ]
    strangers = [
        msgspec.structs.replace(facts[2], symbol="ETH-USD"),
        msgspec.structs.replace(facts[0], series="KXCPI"),
    ]
    with Stage(partial(Listener, Nothing())) as stage:
        stage.play(book(0.48, 0.52, 9), [*facts, *strangers])
        [listener] = stage.strategies
        assert stage.door.faults == {}
    hooks = ["on_resolution", "on_phase", "on_oracle", "on_fact", "on_fact", "on_fact", "on_fact"]
    assert listener.heard == [(hook, fact, fact.ts_init) for hook, fact in zip(hooks, facts, strict=True)]
