"""What a replay promises: it repeats itself, its books balance, and nothing depends on how it was cut."""

import json
from decimal import Decimal

import msgspec
import pytest
from tapes import COIN, EDGE, LIMITS, QUARTER_NS, QUOTE, SERIES, book, made_up, run, strategy

from markets.facts import DataGap
from markets.instruments import MarketTerms, make_pair
from pricing.fees import OrderFees
from research.profit import measure_profit
from simulation.settings import VenueModel
from system.crew import RunFailed
from system.feed import Pace

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def catalog():
    return made_up(markets=3, events_per_second=4.0)


def test_the_same_book_twice_leaves_the_same_fingerprint(catalog):
    first, second = (run(catalog, book(EDGE, QUOTE, COIN)) for _ in range(2))
    assert first.facts.event_log_sha256 == second.facts.event_log_sha256
    assert first.facts.orders > 20
    assert first.fills == second.fills


@pytest.mark.parametrize("pace", [Pace(20 * SECOND, 20 * SECOND), Pace(7200 * SECOND, 7200 * SECOND, 10**9)])
def test_how_the_replay_is_cut_into_windows_changes_nothing(catalog, pace):
    raw = book(EDGE, QUOTE, COIN)
    assert run(catalog, raw, pace=pace).facts.event_log_sha256 == run(catalog, raw).facts.event_log_sha256


def test_the_order_of_strategies_in_the_book_decides_who_hears_first(catalog, tmp_path):
    turned = [EDGE | {"id": "edge-9"}, QUOTE | {"id": "quote-1"}]
    for name, strategies in (("a", turned), ("b", turned[::-1])):
        run(catalog, book(*strategies), log=tmp_path / name)
    firsts = [json.loads((tmp_path / name).read_text().splitlines()[0])["strategy_id"] for name in "ab"]
    assert set(firsts) <= {"edge-9", "quote-1"}


def test_every_fill_of_made_up_markets_is_class_s_and_explains_the_ledger_to_the_last_digit(catalog):
    record = run(catalog, book(EDGE, QUOTE, COIN))
    assert {fill.evidence for fill in record.fills} == {"S"}
    assert measure_profit(record).reconciles
    assert record.facts.ledger_conserved
    assert record.facts.settled_positions == len(record.settlements) > 0


def test_takers_pay_kalshis_fee_and_makers_nothing(catalog):
    record = run(catalog, book(EDGE, QUOTE))
    takers = [fill for fill in record.fills if fill.is_taker]
    makers = [fill for fill in record.fills if not fill.is_taker]
    assert takers
    assert makers
    assert all(fill.fee_usd > 0 for fill in takers)
    assert {fill.fee_usd for fill in makers} == {Decimal(0)}


def test_a_market_is_unknown_before_its_instrument_was_recorded(catalog, tmp_path):
    run(catalog, book(COIN), log=tmp_path / "events")
    openings = {str(one.id): one.ts_init for one in catalog.instruments()}
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert len({event["instrument_id"] for event in events}) == 3
    assert all(event["ts_event"] >= openings[event["instrument_id"]] for event in events)


def test_a_start_in_the_middle_of_a_market_finds_the_book_as_it_was_then(catalog):
    late = catalog.first_ns + QUARTER_NS // 2
    record = run(catalog, book(COIN), start_ns=late)
    assert {fill.market for fill in record.fills} >= {
        catalog.instruments()[0].id.symbol.value[:-4] + ".KALSHI"
    }


def test_positions_without_a_payout_are_marked_at_the_bid(catalog):
    record = run(catalog, book(COIN), end_ns=catalog.first_ns + QUARTER_NS * 2 // 3)
    assert record.settlements == []
    assert set(record.facts.marks) == {fill.instrument for fill in record.fills}
    assert measure_profit(record).reconciles


def test_latency_is_honoured_in_a_quiet_market(catalog, tmp_path):
    run(catalog, book(COIN, latency_ms=137), log=tmp_path / "events")
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    sent = {one["client_order_id"]: one["ts_event"] for one in events if one["event"] == "OrderSubmitted"}
    filled = [one for one in events if one["event"] == "OrderFilled" and one["client_order_id"] in sent]
    assert {one["ts_event"] - sent[one["client_order_id"]] for one in filled} == {137_000_000}


def test_an_order_under_way_at_the_end_arrives_and_is_booked(catalog):
    # On rc7 engine.end() fills such an order without an event: ledger and account differed by its cost.
    first = catalog.instruments()[0]
    quote = next(
        one for one in catalog.quotes(first.id.from_str(str(first.id).replace("-NO.", "-YES.")), 0, 2**62)
        if one.ts_init > first.activation_ns + 100 * SECOND and one.ask_size.raw
    )  # fmt: skip
    actor = strategy("acting:Actor", "actor-1", series=SERIES, outcome="YES", acts=[(100.0, "take", 5)])
    record = run(catalog, book(actor, risk=[], latency_ms=400), end_ns=quote.ts_init + 1)
    assert len(record.fills) == 1
    assert measure_profit(record).reconciles


def test_a_gap_empties_the_book_until_the_recording_speaks_again(catalog):
    blind_ns = catalog.first_ns + 200 * SECOND
    market = catalog.instruments()[0].info["market"]
    gap = DataGap(
        ts_event=blind_ns, ts_init=blind_ns, venue="KALSHI", series="SYNBTC15M",
        market=market, until_ns=blind_ns + 10 * QUARTER_NS, reason="test",
    )  # fmt: skip
    holed = made_up(markets=3, events_per_second=4.0)
    items = holed._items
    items[DataGap].append(gap.as_data())
    for key in list(items):
        if isinstance(key, tuple) and str(key[1]).startswith(f"{market}-"):
            items[key] = [item for item in items[key] if item.ts_init < blind_ns]
    record = run(holed, book(COIN))
    assert f"{market}.KALSHI" not in {fill.market for fill in record.fills}
    assert len({fill.market for fill in record.fills}) == 2


@pytest.mark.parametrize("silent_secs", [300, 10_000])
def test_a_market_whose_book_is_silent_at_first_or_for_ever_is_replayed(silent_secs):
    # The engine raised "No order book data found" for its first quote or trade.
    late = made_up(markets=1)
    for key, items in late._items.items():
        if isinstance(key, tuple) and key[0] == "OrderBookDelta":
            speaks_ns = items[0].ts_init + silent_secs * SECOND
            late._items[key] = [item for item in items if item.ts_init > speaks_ns]
    record = run(late, book(COIN, QUOTE, risk=[]))
    assert record.facts.orders > 0
    assert record.facts.ledger_conserved


def test_an_error_in_a_handler_fails_the_run(catalog, monkeypatch):
    from strategies.coin_flip import CoinFlip

    def broken(self, quote):
        raise KeyError("typo")

    monkeypatch.setattr(CoinFlip, "on_quote", broken)
    with pytest.raises(RunFailed, match=r"coin-3 stopped with KeyError\('typo'\)"):
        run(catalog, book(COIN))


def test_an_order_whose_fee_nobody_knows_is_refused():
    catalog = made_up(markets=1)
    stated = catalog.instruments()[0].info
    own = {name: value for name, value in stated.items() if name not in ("outcome", "complement")}
    pair = make_pair(msgspec.convert(own | {"fees": []}, MarketTerms))
    catalog._instruments = [pair.yes, pair.no]
    record = run(catalog, book(COIN))
    assert record.fills == []
    assert "fee" in record.refusals[0].reason


def test_a_fill_whose_fee_cannot_be_computed_fails_the_run(catalog, monkeypatch):
    def broken(self, quantity, price, signed_cash, is_taker):
        raise ArithmeticError("no such curve")

    monkeypatch.setattr(OrderFees, "charge", broken)
    with pytest.raises(RunFailed, match="the fee of a fill at KALSHI is unknown"):
        run(catalog, book(COIN, risk=[]))


def test_refusals_are_events_with_the_rules_name(catalog):
    tight = [*LIMITS[:2], {"rule": "risk.rules.exposure:MaxStakePerOutcome", "config": {"limit": 1}}]
    record = run(catalog, book(COIN, risk=tight))
    assert record.fills == []
    assert {refusal.rule for refusal in record.refusals} == {"max_stake_per_outcome"}
    assert record.facts.denied == len(record.refusals) == 3


def test_the_ledger_is_held_against_the_engines_account_after_every_fill(catalog, monkeypatch):
    from risk.ledger import Ledger

    honest = Ledger.cash_usd
    monkeypatch.setattr(
        Ledger, "cash_usd",
        lambda self, venue=None: honest(self, venue) + (Decimal("0.000001") if self.positions() else 0),
    )  # fmt: skip
    with pytest.raises(RunFailed, match="in the ledger"):
        run(catalog, book(COIN, risk=[]))


def test_hundreds_of_replays_fit_into_one_process():
    # Each engine holds one of 255 logging guards of the process until it is gone for good.
    tiny = made_up(markets=1, events_per_second=0.05)
    raw = book(COIN, risk=[])
    prints = {run(tiny, raw, end_ns=tiny.first_ns + SECOND).facts.event_log_sha256 for _ in range(270)}
    assert len(prints) == 1


def test_queue_and_latency_are_settings_of_the_book():
    assert VenueModel(latency_ms=0.5).latency_ns == 500_000
