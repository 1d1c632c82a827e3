"""Prints and reference prices as facts."""

from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.model import AggressorSide
from polymarket_samples import CONDITION, DOWN, SECOND, START, UP, lines_of, listing

from adapters.polymarket.messages.market_stream import TradeMessage
from adapters.polymarket.messages.past_trades import TradeRow
from adapters.polymarket.messages.prices_stream import (
    BoltFrame,
    PriceFrame,
    decode_bolt_frame,
    decode_rtds_frame,
)
from adapters.polymarket.parsing.oracles import parse_bolt, parse_price, source_of
from adapters.polymarket.parsing.trades import BadTrade, parse_past_trade, parse_trade
from adapters.polymarket.providers.terms import terms_of_listing
from markets.facts import Method, Provenance
from markets.instruments import make_pair

PAIR = make_pair(terms_of_listing(listing(), (START - 60) * SECOND))


def printed(**more):
    said = {"market": CONDITION, "asset_id": UP, "price": "0.110", "size": "219.217767", "side": "BUY"}
    return TradeMessage(**(said | {"timestamp": "1786856400123", "transaction_hash": "0xt"} | more))


def test_a_print_of_either_token_is_one_of_yes():
    tick, provenance = parse_trade(printed(), PAIR, 7)
    assert (str(tick.price), str(tick.size), tick.aggressor_side) == (
        "0.1100",
        "219.217767",
        AggressorSide.BUY,
    )
    assert (tick.ts_event, tick.ts_init) == (1_786_856_400_123_000_000, 7)
    assert (provenance.provenance, provenance.trade_id) == (Provenance.VENUE, str(tick.trade_id))
    other, _ = parse_trade(printed(asset_id=DOWN, price="0.89"), PAIR, 7)
    assert (str(other.price), other.aggressor_side) == ("0.1100", AggressorSide.SELL)


def test_two_prints_have_one_name_only_when_they_say_the_same():
    names = {
        str(parse_trade(one, PAIR, 7)[0].trade_id)
        for one in (
            printed(),
            printed(),
            printed(size="1"),
            printed(side="SELL"),
            printed(transaction_hash=None),
        )
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "1"},
        {"price": "0"},
        {"price": "0.00001"},
        {"size": "0"},
        {"size": "0.0000001"},
        {"asset_id": "9"},
    ],
)
def test_a_print_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadTrade):
        parse_trade(printed(**wrong), PAIR, 7)


def test_a_past_print_is_known_at_its_block_and_its_blurred_price_is_rounded():
    row = TradeRow(
        asset=UP,
        condition_id=CONDITION,
        side="SELL",
        price=Decimal("0.6199999999"),
        size=Decimal("5.4"),
        timestamp=START,
    )
    tick, provenance = parse_past_trade(row, PAIR)
    assert (str(tick.price), tick.aggressor_side) == ("0.6200", AggressorSide.SELL)
    assert tick.ts_init == tick.ts_event == START * SECOND
    assert provenance.provenance is Provenance.CHAIN


def price(text):
    frame = decode_rtds_frame(text)
    assert isinstance(frame, PriceFrame)
    return list(parse_price(frame, 9))


def test_a_price_is_the_exact_one_by_its_source():
    (spot,) = price(
        b'{"topic":"crypto_prices","type":"update","timestamp":2,"payload":{"symbol":"btcusdt","timestamp":1,'
        b'"value":61035.86,"full_accuracy_value":"61035.86000000"}}'
    )
    assert (spot.source, spot.method, spot.value) == ("BINANCE", Method.SPOT, Decimal("61035.86"))
    (mean,) = price(
        b'{"topic":"crypto_prices_twap_sixty","type":"update","timestamp":2,"payload":{"symbol":"btc/usd","timestamp":'
        b'1786856400000,"value":65026.4,"full_accuracy_value":"65026457815000000000000","window_s":60}}'
    )
    assert (mean.source, mean.method, mean.value) == (
        "CHAINLINK_TWAP_60",
        Method.TWAP,
        Decimal("65026.457815"),
    )
    assert mean.identifier == "BTC-USD.CHAINLINK_TWAP_60"
    assert mean.ts_event == START * SECOND


def test_the_past_and_what_is_only_carried_forward_is_no_news():
    assert (
        price(
            b'{"topic":"crypto_prices","type":"subscribe","timestamp":1,"payload":{"symbol":"x","data":[{"timestamp":1,"value":2}]}}'
        )
        == []
    )
    assert (
        price(
            b'{"topic":"equity_prices","type":"update","timestamp":1,"payload":{"symbol":"x","timestamp":1,"value":2,"is_carried_forward":true}}'
        )
        == []
    )


def test_half_a_price_and_a_topic_without_prices_are_refused():
    with pytest.raises(ValueError, match="a value and its time for x"):
        price(b'{"topic":"crypto_prices","type":"update","timestamp":1,"payload":{"symbol":"x","value":2}}')
    with pytest.raises(ValueError, match="a topic among"):
        source_of("comments")


def test_the_documented_frames_of_the_newer_stream_are_prices_but_for_the_snapshot():
    found = []
    for row in lines_of("doc_samples/polybolt_price_stream.jsonl"):
        if "server" in row:
            frame = decode_bolt_frame(msgspec.json.encode(row["server"]))
            found += parse_bolt(frame, 9) if isinstance(frame, BoltFrame) else ()
    assert [(one.source, str(one.value)[:8]) for one in found] == [
        ("PYTH", "65477.01"),
        ("CHAINLINK_TWAP_60", "65470.55"),
    ]
