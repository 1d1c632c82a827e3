"""Other people's recordings of Polymarket, told by the books that tell the stream."""

import gzip
import json
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nautilus_trader.model import BarType, ClientId, CustomData, OrderBookDelta, QuoteTick, TradeTick
from polymarket_samples import CONDITION, DOWN, START, UP, gamma_market
from true_books import Stage
from typer.testing import CliRunner

from adapters.polymarket.data.answers import Answers
from adapters.polymarket.history import archive_lines, find_archive
from adapters.polymarket.messages.clob import PricePoint
from markets.facts import DataGap, MarketResolution, TradeProvenance
from markets.instruments import pairs_among
from storage.reading import CatalogReader
from system.cli import app
from system.retelling import tell_archives

SECOND = 1_000_000_000
DAY = 86_400
BLOCK = START + 20


def row(**more):
    said = msgspec.to_builtins(gamma_market(), str_keys=True, enc_hook=str)
    said |= {
        "conditionId": CONDITION,
        "clobTokenIds": json.dumps([UP, DOWN]),
        "outcomes": '["Up", "Down"]',
        "closed": True,
        "acceptingOrders": False,
        "closedTime": "2026-08-16 05:05:40+00",
        "outcomePrices": '["1", "0"]',
        "umaResolutionStatus": "resolved",
        "events": [{"id": "5", "slug": said["slug"], "seriesSlug": "btc-up-or-down-5m"}],
    }
    return {name: value for name, value in (said | more).items() if value is not None}


def frames():
    """Return both opening books and one burst, with true hashes."""
    stage = Stage(CONDITION, (UP, DOWN))
    books = [
        msgspec.to_builtins(one)
        for one in stage.messages([("0.4", "10")], [("0.6", "5")], at_ms=START * 1000)
    ]
    change = msgspec.to_builtins(stage.change(("BUY", "0.41", "7"), at_ms=(START + 30) * 1000))
    return books, change


def trade(price, size, at_secs, side="BUY", token=UP):
    return {"asset": token, "conditionId": CONDITION, "side": side, "price": price, "size": size,
            "timestamp": at_secs, "transactionHash": f"0x{at_secs:x}"}  # fmt: skip


def archive(folder, trades=(), silence_secs=0, **more):
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / "markets.jsonl.gz", "wt") as file:
        file.write(json.dumps({"raw": row(**more), "note": "of its author"}) + "\n")
    books, change = frames()
    lines = [{"recv": START + 0.25, "frame": books}, {"recv": START + 30.5 + silence_secs, "frame": change}]
    (folder / "day.frames.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    if trades:
        (folder / "day.trades.jsonl").write_text("".join(json.dumps(one) + "\n" for one in trades))
    return find_archive(folder)


def told(found):
    instruments, data, problems = [], [], []
    for about, portion in tell_archives([found]):
        instruments += portion.instruments
        data += portion.data
        problems = about.problems
    return instruments, data, problems


def facts(data, kind):
    return [one.data for one in data if isinstance(one, CustomData) and isinstance(one.data, kind)]


def test_an_archive_becomes_a_market_with_its_book_and_its_result(tmp_path):
    instruments, data, problems = told(archive(tmp_path / "somebody"))
    assert problems == []
    (pair,) = pairs_among(instruments)
    assert pair.yes.info["name"] == f"btc-updown-5m-{START}"
    quotes = [one for one in data if isinstance(one, QuoteTick)]
    assert [(str(one.bid_price), one.ts_init) for one in quotes] == [
        ("0.4000", START * SECOND + SECOND // 4),
        ("0.4100", START * SECOND + 30_500_000_000),
    ]
    assert any(isinstance(one, OrderBookDelta) for one in data)
    (result,) = facts(data, MarketResolution)
    assert (result.payout, result.is_final) == (Decimal(1), True)
    assert result.ts_init == 1_786_856_740 * SECOND  # the closing time, not that of the listing


def test_nothing_is_known_of_a_result_before_the_market_closed(tmp_path):
    lines = [json.loads(line) for line in archive_lines(archive(tmp_path / "somebody"))]
    listing = next(one for one in lines if one.get("control") == "listing")["info"]
    for said in (listing["market"], listing["says"]):
        assert (said["closed"], said["outcomePrices"], said["closedTime"]) == (False, None, None)
        assert said["umaResolutionStatus"] is None
    assert [one["recv_ns"] for one in lines] == sorted(one["recv_ns"] for one in lines)


@pytest.mark.parametrize("generation", [1, 2])
def test_past_trades_are_known_at_their_blocks_and_the_chain_vouches_for_them(tmp_path, generation):
    rows = [
        trade(0.55, 2.5, BLOCK + 1),
        trade(0.42, 3, BLOCK, "SELL", DOWN),
        trade(0.42, 3, BLOCK, "SELL", DOWN),
    ]
    if generation == 2:
        words = {"asset": "token_id", "conditionId": "condition_id", "transactionHash": "transaction_hash"}
        rows = [{words.get(name, name): value for name, value in one.items()} for one in rows]
    _, data, problems = told(archive(tmp_path / "somebody", rows))
    assert problems == []
    ticks = [one for one in data if isinstance(one, TradeTick)]
    assert [(str(one.price), str(one.size), one.ts_event, one.aggressor_side.name) for one in ticks] == [
        ("0.5800", "3.000000", BLOCK * SECOND, "BUY"),
        ("0.5500", "2.500000", (BLOCK + 1) * SECOND, "BUY"),
    ]
    assert Counter(one.provenance.value for one in facts(data, TradeProvenance)) == {"chain": 2}


def test_a_long_silence_is_a_gap(tmp_path):
    _, data, _ = told(archive(tmp_path / "somebody", silence_secs=90))
    gaps = facts(data, DataGap)
    assert [one.reason for one in gaps] == ["no connection: no frame for a while"]
    assert gaps[0].ts_event == START * SECOND + SECOND // 4


def test_frames_in_parquet_say_the_same(tmp_path):
    found = archive(tmp_path / "lines")
    books, change = frames()
    rows = [(START + 0.25, one) for one in books] + [(START + 30.5, change)]
    table = pa.table(
        {
            "timestamp": [at for at, _ in rows],
            "raw_data": [json.dumps(said) for _, said in rows],
            "slug": ["x"] * 3,
        }
    )
    (tmp_path / "columns").mkdir()
    pq.write_table(table, tmp_path / "columns" / "day.parquet")
    (tmp_path / "columns" / "markets.jsonl").write_text(json.dumps(row()) + "\n")
    there, here = told(found)[1], told(find_archive(tmp_path / "columns"))[1]
    quotes = [[str(one) for one in data if isinstance(one, QuoteTick)] for data in (there, here)]
    assert quotes[0] == quotes[1]


def test_a_book_that_cannot_prove_itself_is_no_book(tmp_path):
    found = archive(tmp_path / "somebody")
    file = tmp_path / "somebody" / "day.frames.jsonl"
    lie = file.read_text().replace('"size": "10"', '"size": "11"')
    file.write_text(lie)
    _, data, _ = told(found)
    assert facts(data, DataGap) != []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "day.frames.jsonl:1"),
        ('{"frame": []}', "expected recv_ns or recv"),
        ('{"recv": 1}', "expected a frame"),
    ],
)
def test_a_line_that_is_none_is_named_by_its_place(tmp_path, text, reason):
    found = archive(tmp_path / "somebody")
    (tmp_path / "somebody" / "day.frames.jsonl").write_text(text + "\n")
    with pytest.raises(ValueError, match=reason):
        list(archive_lines(found))


def test_a_folder_without_rows_of_markets_is_no_archive(tmp_path):
    assert find_archive(tmp_path) is None
    assert find_archive(tmp_path / "missing") is None


def test_an_archive_is_imported_by_the_same_command_as_a_recording(tmp_path):
    archive(tmp_path / "somebody", [trade(0.55, 2.5, BLOCK)])
    words = [
        "import",
        "polymarket-recording",
        str(tmp_path / "somebody"),
        "--catalog",
        str(tmp_path / "catalog"),
    ]
    done = CliRunner().invoke(app, [*words, "--strict", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert (rows["TradeTick"], rows["MarketResolution"]) == (1, 1)
    (market,) = CatalogReader(tmp_path / "catalog").instruments()[:1]
    assert market.id.venue.value == "POLYMARKET"


def test_past_prices_of_many_weeks_are_asked_for_in_parts():
    asked, answered = [], []

    class Http:
        async def get_prices_history(self, token, start_secs, end_secs, fidelity_mins):
            asked.append((end_secs - start_secs, fidelity_mins))
            return (PricePoint(start_secs, Decimal("0.5")),)

    import asyncio

    side = f"{CONDITION}-{UP}.POLYMARKET"
    market = SimpleNamespace(
        book=SimpleNamespace(yes_token=UP), pair=SimpleNamespace(no=SimpleNamespace(id=None))
    )
    request = SimpleNamespace(
        bar_type=BarType.from_str(f"{side}-1-DAY-MID-EXTERNAL"),
        start_ns=START * SECOND,
        end_ns=(START + 40 * DAY) * SECOND,
        limit=None,
        request_id=None,
        params=None,
    )
    answers = Answers(Http(), ClientId("POLYMARKET"), answered.append, lambda: 1)
    answers._tell_bars = lambda _request, bars: answered.append(bars)
    asyncio.run(answers.bars(request, market))
    assert asked == [(15 * DAY, 1), (15 * DAY, 1), (10 * DAY, 1)]
    assert len(answered[0]) == 3
