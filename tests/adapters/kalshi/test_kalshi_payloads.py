"""Every payload and example that we have is read, or refused with a place; the counts are stated."""

import csv
import gzip
import json
from collections import Counter, defaultdict

import msgspec
import pytest

from adapters.kalshi.messages import frames, market_data, orders, portfolio, recordings, reference
from adapters.kalshi.messages.refusals import read_refusal
from adapters.kalshi.websocket.subscriptions import is_on_yes_scale

EXAMPLES = {
    "CreateOrderV2Request": orders.CreateOrder,
    "CreateOrderV2Response": orders.CreatedOrder,
    "CancelOrderV2Response": orders.CanceledOrder,
    "DecreaseOrderV2Request": orders.DecreaseOrder,
    "DecreaseOrderV2Response": orders.DecreasedOrder,
    "AmendOrderV2Request": orders.AmendOrder,
    "AmendOrderV2Response": orders.AmendedOrder,
    "BatchCreateOrdersV2Request": orders.CreateOrders,
    "BatchCreateOrdersV2Response": orders.CreatedItems,
    "BatchCancelOrdersV2Request": orders.CancelOrders,
    "BatchCancelOrdersV2Response": orders.CanceledOrders,
    "PriceLevelDollarsCountFp": tuple[str, str],
}
RESPONSES = {
    "amend_order": orders.AmendedOrder,
    "cancel_order": orders.CanceledOrder,
    "create_order": orders.CreatedOrder,
    "decrease_order": orders.DecreasedOrder,
    "batch_cancel_orders": orders.CanceledOrders,
    "batch_create_orders": orders.CreatedItems,
    "candlesticks_batch": market_data.BatchCandlesticksAnswer,
    "event_candlesticks": market_data.EventCandlesticksAnswer,
    "event_single": reference.EventAndMarkets,
    "events_list": reference.EventsPage,
    "events_multivariate_list": reference.EventsPage,
    "exchange_schedule": reference.ScheduleAnswer,
    "exchange_status": reference.ExchangeStatus,
    "market_single": reference.MarketAnswer,
    "markets_list": reference.MarketsPage,
    "order_group_create": orders.CreatedOrderGroup,
    "order_group_delete": orders.Empty,
    "order_group_reset": orders.Empty,
    "order_group_single": orders.OrderGroupDetails,
    "order_groups_list": orders.OrderGroupsAnswer,
    "order_queue_positions": portfolio.QueuePositionsAnswer,
    "orderbook": market_data.OrderbookAnswer,
    "portfolio_balance": portfolio.Balance,
    "portfolio_fills": portfolio.FillsPage,
    "portfolio_order_single": portfolio.OrderAnswer,
    "portfolio_orders": portfolio.OrdersPage,
    "portfolio_positions": portfolio.PositionsPage,
    "portfolio_settlements": portfolio.SettlementsPage,
    "series_candlesticks": market_data.CandlesticksAnswer,
    "series_fee_changes": reference.SeriesFeeChangesAnswer,
    "series_list": reference.SeriesListAnswer,
    "series_single": reference.SeriesAnswer,
    "trades_list": market_data.TradesPage,
    "user_data_timestamp": reference.UserDataTimestamp,
}
SINGLE = {
    "rest.trade": market_data.Trade,
    "rest.candle.live": market_data.Candlestick,
    "rest.candle.live.no_trade": market_data.Candlestick,
    "rest.candle.historical": market_data.Candlestick,
    "rest.historical.cutoff": reference.HistoricalCutoff,
    "rest.orderbook": market_data.OrderbookAnswer,
    "rest.market.finalized": reference.MarketAnswer,
    "rest.series.fee_change": reference.SeriesFeeChange,
}
STEPS = {
    "market_payload": reference.MarketAnswer,
    "orderbook": market_data.OrderbookAnswer,
    "fills_by_creator_order_id": portfolio.FillsPage,
    "api_limits": portfolio.AccountLimits,
    "endpoint_costs": portfolio.EndpointCosts,
}


@pytest.fixture
def kalshi(data):
    return data / "kalshi"


class Tally:
    """Counts what was read, what was refused with its place, and what is not ours to read."""

    def __init__(self):
        self.counts = Counter()
        self.refused = defaultdict(list)

    def read(self, kind, payload, name=""):
        try:
            value = msgspec.json.decode(msgspec.json.encode(payload), type=kind)
        except msgspec.ValidationError as error:
            assert "$" in str(error) or "missing required field" in str(error)
            self.refused[name].append(str(error))
            self.counts["refused"] += 1
            return None
        self.counts["read"] += 1
        return value


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_example_of_the_descriptions_is_read(kalshi, rest_schema):
    tally, unread = Tally(), Counter()
    for row in lines(kalshi / "schema/spec_examples.jsonl"):
        example, name = row["example"], row["at"].split("/")[-1]
        if row["spec"].startswith("rest"):
            if name in EXAMPLES:
                tally.read(EXAMPLES[name], example, name)
            else:
                unread["rest"] += 1
        elif isinstance(example, str) or "cmd" in example:
            unread["ping" if isinstance(example, str) else "command"] += 1
        else:
            frame = frames.decode_frame(msgspec.json.encode(example))
            if isinstance(frame, frames.OtherFrame):
                unread["other frame"] += 1
            else:
                assert frame.sending_ts_ms == example["sending_ts_ms"]
                tally.counts["frames"] += 1
    # The one refusal is ours: a cancel in the examples names no market, and we never send one without.
    assert [*tally.refused] == ["BatchCancelOrdersV2Request"]
    assert tally.counts == {"read": 11, "refused": 1, "frames": 25}
    assert unread == {"command": 26, "other frame": 20, "ping": 4, "rest": 2}


def test_every_single_payload_is_read(kalshi):
    tally = Tally()
    for row in lines(kalshi / "misc/single_payloads.jsonl"):
        kind, payload = row["kind"], row["payload"]
        if kind.startswith("ws."):
            assert not isinstance(frames.decode_frame(msgspec.json.encode(payload)), frames.OtherFrame)
            tally.counts["frames"] += 1
        elif kind.startswith("error."):
            reason = read_refusal(msgspec.json.encode(payload["body"]))
            assert reason.text != "no words"
            tally.counts["errors"] += 1
        else:
            tally.read(SINGLE[kind], payload, kind)
    assert tally.refused == {}
    assert tally.counts == {"read": 13, "frames": 5, "errors": 7}


def test_real_fills_and_positions_are_read(kalshi):
    tally = Tally()
    for row in lines(kalshi / "portfolio/prod_fills_btc15m_2026-05-07_11.jsonl"):
        fill = tally.read(portfolio.Fill, row, "fills")
        assert fill.bought == row["side"]
        assert fill.happened_ns // 1_000_000_000 == row["ts"]
    for row in lines(kalshi / "portfolio/prod_positions_btc15m_2026-05.jsonl"):
        tally.read(portfolio.MarketPosition, row, "positions")
    page = json.loads((kalshi / "portfolio/prod_positions_2026-07-26.json").read_text())
    tally.read(portfolio.PositionsPage, page, "page")
    assert tally.refused == {}
    assert tally.counts == {"read": 316 + 62 + 1}


def test_demo_scenarios_are_read(kalshi):
    tally, unread = Tally(), Counter()
    for path in sorted((kalshi / "rfq_demo_2026-07").glob("*.jsonl")):
        for row in lines(path):
            step, content = row["step"], row["data"]
            if step in STEPS:
                tally.read(STEPS[step], content, step)
            elif step.startswith(("before_", "after_")):
                tally.read(portfolio.Balance, content["balance"], step)
                positions = content["positions"]
                tally.read(
                    portfolio.PositionsPage,
                    positions if isinstance(positions, dict) else {"market_positions": positions},
                )
            else:
                unread[step.split("_")[0]] += 1
    assert tally.refused == {}
    assert tally.counts == {"read": 28}
    assert sum(unread.values()) == 52


def test_current_reference_data_are_read(kalshi):
    tally = Tally()
    folder = kalshi / "rest_current"
    event = tally.read(
        reference.EventAndMarkets, json.loads((folder / "event_KXNBAMENTION-26MAY09OKCLAL.json").read_text())
    )
    assert event.markets or event.event.markets
    markets = json.loads((folder / "markets_mve_2026-06-21.json").read_text())
    rows = markets["markets"] if isinstance(markets, dict) else markets
    for row in rows:
        tally.read(reference.Market, row)
    for row in lines(folder / "orderbooks_esports_2026-07-23.jsonl"):
        book = row["response"]["orderbook_fp"]
        found = tally.read(market_data.RestOrderbook, book)
        snapshot = market_data.MarketOrderbook(
            "M", market_data.OrderbookAnswer(found).orderbook_fp
        ).snapshot()
        assert not is_on_yes_scale(snapshot)  # REST shows NO prices: on all of them the check is sharp
    assert tally.refused == {}
    assert tally.counts == {"read": 1 + len(rows) + 140}


def test_old_answers_are_read_or_refused_with_their_place(kalshi):
    tally = Tally()
    unread = []
    for path in sorted((kalshi / "rest_legacy_2026-01").glob("*.json")):
        if path.stem in RESPONSES:
            tally.read(RESPONSES[path.stem], json.loads(path.read_text())["response"], path.stem)
        else:
            unread.append(path.stem)
    # Before March 2026 money was in cents, sizes were whole, and orders came inside an envelope.
    assert {name: reasons[0].partition("`")[2] for name, reasons in tally.refused.items()} == REFUSED_OLD
    assert tally.counts["read"] == len(RESPONSES) - len(REFUSED_OLD)
    assert len(unread) == 15


REFUSED_OLD = {
    "amend_order": "order_id`",
    "cancel_order": "order_id`",
    "create_order": "order_id`",
    "decrease_order": "order_id`",
    "order_queue_positions": "queue_position_fp` - at `$.queue_positions[0]`",
    "orderbook": "orderbook_fp`",
    "portfolio_balance": "balance_dollars`",
    "portfolio_fills": "count_fp` - at `$.fills[0]`",
    "portfolio_order_single": "outcome_side` - at `$.order`",
    "portfolio_orders": "outcome_side` - at `$.orders[0]`",
    "portfolio_positions": "position_fp` - at `$.market_positions[0]`",
    "portfolio_settlements": "yes_count_fp` - at `$.settlements[0]`",
}


def test_older_events_trades_and_markets_are_read(kalshi):
    tally = Tally()
    tally.read(
        reference.EventAndMarkets,
        json.loads((kalshi / "rest_legacy_2024/event_kxhighny_2024-11-10.json").read_text()),
    )
    mention = json.loads((kalshi / "rest_transition_2026-03/markets_KXFEDMENTION.json").read_text())
    for row in mention["markets"] if isinstance(mention, dict) else mention:
        tally.read(reference.Market, row)
    with gzip.open(kalshi / "rest_legacy_2024/trades_kxhighny_2024-11-10.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            numbers = {key: int(row[key]) for key in ("count", "yes_price") if key in row}
            tally.read(market_data.Trade, row | numbers)
    assert tally.refused == {}
    assert tally.counts["read"] == 1 + 12 + 6_693


def test_every_recorded_frame_of_the_raw_file_is_a_frame_of_the_socket(kalshi):
    kinds = Counter()
    for row in lines(kalshi / "ws/kxbtc_20260418_raw_frames.jsonl"):
        frame = frames.decode_frame(msgspec.json.encode(row.get("frame", row)))
        kinds[type(frame).__name__] += 1
    assert sum(kinds.values()) == 74
    assert kinds["ErrorFrame"] == 3


def test_the_recorders_and_the_socket_read_the_same_frames():
    line = b'{"type":"orderbook_delta","sid":2,"seq":9,"msg":{"market_ticker":"M","side":"no"}}'
    _, recorded = recordings.decode_raw(b'{"recv_ns":7,"frame":' + line + b"}")
    assert recorded == frames.decode_frame(line)


@pytest.mark.parametrize("strike", ["NaN", "Infinity"])
def test_a_strike_that_is_no_number_is_refused_by_name(strike):
    market = {"ticker": "M", "open_time": "t", "close_time": "t", "floor_strike": strike}
    with pytest.raises(msgspec.ValidationError, match="floor_strike"):
        msgspec.convert(market, reference.Market)
