"""Every payload that we have of the venue: read by the reader it is meant for, or refused with a reason."""

import gzip
import json
import os
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from adapters.polymarket.messages import clob, gamma, orders, past_trades, portfolio, prices_stream
from adapters.polymarket.messages.market_stream import decode_market_frame
from adapters.polymarket.messages.user_stream import decode_user_frame

SHARED = Path(os.environ.get("ARGONAUT_DATA", "../shared/data"))
FOLDER = SHARED / "polymarket"


def as_type(kind):
    return lambda text: msgspec.json.decode(text, type=kind)


MARKET = as_type(gamma.GammaMarket)
READERS = (  # the first pattern that fits a file's path decides
    ("vectors/*", None),  # hashes and signatures: the tests of those read them
    ("polymarket_us/*", None),  # another venue, which we do not speak
    ("doc_samples/errors.json", None),  # texts of refusals, read in test_execution_statements
    ("doc_samples/order_post_responses.jsonl", None),  # likewise
    ("doc_samples/geoblock.json", as_type(portfolio.Geoblock)),
    ("doc_samples/ws_sports.jsonl", None),  # scores are no market data
    ("doc_samples/clob_market_compact.json", as_type(clob.CompactMarket)),
    ("doc_samples/rtds.jsonl", prices_stream.decode_rtds_frame),
    ("doc_samples/polybolt_price_stream.jsonl", prices_stream.decode_bolt_frame),
    ("*ws_user*", decode_user_frame),
    ("*/ws_messages/order_*", decode_user_frame),
    ("*/ws_messages/user_trade*", decode_user_frame),
    ("*/ws_messages/trades.json", decode_user_frame),
    ("*/ws_messages/*", decode_market_frame),
    ("*/ws_*", decode_market_frame),
    ("*/rtds_*", prices_stream.decode_rtds_frame),
    ("*/gamma_event.json", as_type(tuple[gamma.GammaEvent, ...])),
    ("*/gamma_tags.json", as_type(tuple[dict[str, object], ...])),
    ("*/gamma_market*", MARKET),
    ("*/search_response.json", as_type(gamma.Found)),
    ("*/clob_market_*", as_type(clob.ClobMarket)),
    ("*/clob_book_response.json", as_type(clob.BookAnswer)),
    ("*/clob_fee_rate*", as_type(clob.FeeRateAnswer)),
    ("*/data_api_trades*", as_type(tuple[past_trades.TradeRow, ...])),
    ("*/data_v2_trades*", as_type(tuple[past_trades.TradeRowV2, ...])),
    ("*/data_v2_resolutions*", as_type(tuple[past_trades.ResolutionRow, ...])),
    ("*/data_v2_prices*", as_type(tuple[past_trades.PriceRow, ...])),
    ("*/data_v2_positions*", as_type(tuple[portfolio.PositionRow, ...])),
    ("*/data_v2_*", None),  # activity of a user, and positions of the first generation: nobody asks for them
    ("*/data_api_*", None),
    ("*/http_responses/book.json", as_type(clob.BookAnswer)),
    ("*/http_responses/markets.json", as_type(clob.ClobMarketsPage)),
    ("*/http_responses/market.json", as_type(clob.ClobMarket)),
    ("*/http_responses/market_slug.json", MARKET),
    ("*/http_responses/markets_list.json", as_type(tuple[gamma.GammaMarket, ...])),
    ("*/http_responses/event.json", as_type(gamma.GammaEvent)),
    ("*/http_responses/events_list.json", as_type(tuple[gamma.GammaEvent, ...])),
    ("*/http_responses/trades.json", as_type(tuple[past_trades.TradeRow, ...])),
    ("*/http_balance*", as_type(portfolio.BalanceAnswer)),
    ("*/http_batch_cancel*", as_type(orders.CancelAnswer)),
    ("*/http_cancel*", as_type(orders.CancelAnswer)),
    ("*/http_open_orders_page*", as_type(portfolio.OrdersPage)),
    ("*/http_open_order*", as_type(portfolio.OrderRow)),
    ("*/http_order_response*", as_type(orders.OrderAnswer)),
    ("*/http_signed_order*", as_type(orders.OrderBody)),
    ("*/http_trade_report*", as_type(portfolio.TradeRow)),
    ("*/http_trades_page*", as_type(portfolio.TradesPage)),
    ("*/gamma_events_negrisk*", as_type(gamma.GammaEvent)),
    ("*/clob_price_midpoint*", None),  # prices that are not to be traded on
    ("*/clob_prices_history*", as_type(tuple[clob.PricePoint, ...])),
)


def reader_of(path):
    return next(read for pattern, read in READERS if Path(path).match(pattern))


def rows_of(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return [json.loads(path.read_text())]


def documents_in(path):
    """Yield what the venue sent, without the wrapping of whoever kept it."""
    for row in rows_of(path):
        if not isinstance(row, dict):
            yield row
        elif "gamma_events" in row:
            yield from row["gamma_events"]
        elif "market_count" in row:
            yield from (bucket["history"] for market in row["markets"] for bucket in market["buckets"])
        elif not ("client" in row or "client" in str(row.get("note", ""))):  # that is what we would say
            yield next((row[name] for name in ("frame", "server", "raw") if name in row), row)


def test_every_payload_is_read_or_refused_with_a_reason_and_none_crashes():
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name != "MANIFEST.md")
    if not files:
        pytest.skip(f"no payloads at {FOLDER}")
    read, refused, left_out = Counter(), [], 0
    for path in files:
        name = str(path.relative_to(FOLDER))
        reader = reader_of(name)
        for document in documents_in(path):
            if reader is None:
                left_out += 1
                continue
            try:
                reader(json.dumps(document).encode())
                read[path.parent.name] += 1
            except msgspec.MsgspecError as error:
                refused.append(f"{name}: {error}")
    sys.stdout.write(
        f"{len(files)} files: read {sum(read.values())} {dict(read)}, refused {len(refused)}, "
        f"left to other readers or not ours {left_out}\n" + "".join(f"  refused {one}\n" for one in refused)
    )
    assert sum(read.values()) > 500
    assert len(refused) < 10
    assert all(len(one.partition(": ")[2]) > len("Expected") for one in refused)


def test_the_catalogues_of_real_captures_are_read_whole():
    file = SHARED / "real" / "api_samples" / "iran_polymarket_raw.json.gz"
    if not file.exists():
        pytest.skip(f"no capture at {file}")
    events = msgspec.json.decode(gzip.decompress(file.read_bytes()), type=tuple[gamma.GammaEvent, ...])
    markets = [market for event in events for market in event.markets]
    assert len(events) > 10
    assert len(markets) > 100
    assert all(len(market.tokens) == len(market.labels) == 2 for market in markets if market.tokens)


def test_what_the_catalogue_writes_as_text_within_text_is_a_list_and_numbers_stay_exact():
    text = (
        b'{"conditionId":"0xc","question":"q","slug":"s","clobTokenIds":"[\\"1\\", \\"2\\"]",'
        b'"outcomes":["Up","Down"],"orderPriceMinTickSize":0.001,"feeSchedule":{"rate":0.07,"exponent":1}}'
    )
    market = msgspec.json.decode(text, type=gamma.GammaMarket)
    assert market.tokens == ("1", "2")
    assert market.labels == ("Up", "Down")
    assert market.prices == ()
    assert str(market.order_price_min_tick_size) == "0.001"
    assert str(market.fee_schedule.rate) == "0.07"


@pytest.mark.parametrize("said", ['"x"', '"[1]"', '"{}"'])
def test_a_list_that_is_none_is_refused(said):
    text = f'{{"conditionId":"0xc","question":"q","slug":"s","clobTokenIds":{said}}}'
    market = msgspec.json.decode(text, type=gamma.GammaMarket)
    with pytest.raises(msgspec.MsgspecError):
        _ = market.tokens


def test_prices_of_a_topic_that_we_do_not_read_keep_their_envelope():
    frame = b'{"topic":"comments","type":"comment_created","timestamp":1,"payload":{"body":"x"}}'
    assert type(prices_stream.decode_rtds_frame(frame)) is prices_stream.Envelope
    answer = prices_stream.decode_bolt_frame(
        b'{"op":"error","rid":"2","channel":"price.crypto","code":"sub_limit"}'
    )
    assert answer.code == "sub_limit"
