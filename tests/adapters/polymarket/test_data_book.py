"""A market's book as the client keeps it: proved by hash, top and mirror, told once and never half."""

import asyncio
import json
from collections import Counter

import msgspec
import pytest
from nautilus_trader.model import BookAction
from polymarket_samples import SECOND, gamma_market, lines_of, listing
from true_books import T0, Stage, burst, entry

from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.dispatch import Followers
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.data.stream import MarketStream
from adapters.polymarket.messages.market_stream import (
    BookMessage,
    PriceChangeMessage,
    TickSizeMessage,
    TradeMessage,
    decode_market_frame,
)
from adapters.polymarket.parsing.book import BrokenBook, Terms, TokenBook

OPENING = ([("0.4", "10"), ("0.39", "20.5")], [("0.6", "30"), ("0.61", "40.000001")])


def test_a_book_is_told_when_both_tokens_are_there_and_as_one_message_per_side():
    stage = Stage()
    first, second = stage.messages(*OPENING)
    stage.book.take_book(first, T0)
    assert stage.told == []
    stage.book.take_book(second, T0)
    assert [len(one.deltas) for one in stage.deltas()] == [5]
    assert [len(one.deltas) for one in stage.deltas(stage.pair.no.id)] == [5]
    assert stage.quotes() == [("0.4000", "0.6000")]
    assert "40.000001" in {str(one.order.size) for one in stage.deltas()[0].deltas}
    assert stage.counts["proofs"] == 1


@pytest.mark.card("polymarket", "AR-D03")
def test_a_burst_is_told_once_however_often_and_in_which_order_it_comes():
    stage = Stage()
    stage.open(*OPENING)
    message = stage.change(("BUY", "0.41", "5"), ("SELL", "0.6", "0"))
    swapped = burst([msgspec.to_builtins(one) for one in reversed(message.price_changes)], 2000)
    for one in (message, swapped, message):
        stage.take(one)
    assert [[str(d.order.price) for d in one.deltas] for one in stage.deltas()[1:]] == [["0.4100", "0.6000"]]
    assert stage.quotes()[-1] == ("0.4100", "0.6100")
    assert stage.counts["proofs_failed"] == 0


@pytest.mark.card("polymarket", "AR-D04")
def test_half_a_burst_is_held_back_until_the_other_half_has_come():
    stage = Stage()
    stage.open(*OPENING)
    entries = [
        msgspec.to_builtins(one)
        for one in stage.change(("SELL", "0.6", "0"), ("BUY", "0.6", "7")).price_changes
    ]
    stage.take(burst(entries[2:], 2000))  # the bid that crosses comes first
    assert len(stage.deltas()) == 1
    assert stage.book.overdue_ns is not None
    stage.take(burst(entries[:2], 2000))
    assert [len(one.deltas) for one in stage.deltas()] == [5, 2]
    assert stage.quotes()[-1] == ("0.6000", "0.6100")
    assert stage.book.overdue_ns is None


@pytest.mark.card("polymarket", "AR-D02")
def test_a_book_that_cannot_prove_itself_is_broken_after_its_patience_and_not_before():
    stage = Stage()
    stage.open(*OPENING)
    stage.change(("BUY", "0.2", "5"))  # this burst is lost on the way
    stage.take(stage.change(("BUY", "0.41", "5"), at_ms=3000))
    assert stage.counts["proofs_failed"] == 1
    assert stage.quotes()[-1] == ("0.4100", "0.6000")
    stage.now_ns += 2 * SECOND
    with pytest.raises(BrokenBook, match="within 2 s"):
        stage.take(stage.change(("BUY", "0.41", "6"), at_ms=4000))


def test_a_doubt_is_noticed_also_when_nothing_more_comes():
    stage = Stage()
    stage.open(*OPENING)
    stage.change(("BUY", "0.2", "5"))
    stage.take(stage.change(("BUY", "0.41", "5"), at_ms=3000))
    stage.book.must_not_be_overdue(stage.now_ns + SECOND)
    with pytest.raises(BrokenBook):
        stage.book.must_not_be_overdue(stage.now_ns + 2 * SECOND)


def test_a_lost_book_comes_back_by_rest_with_what_the_stream_said_meanwhile():
    stage = Stage()
    stage.open(*OPENING)
    stage.change(("BUY", "0.2", "5"))  # lost
    stage.book.lose(stage.now_ns, stage.now_ns, "a test")
    assert stage.deltas()[-1].deltas[0].action == BookAction.CLEAR
    stage.take(stage.change(("BUY", "0.3", "1"), at_ms=3000))
    answers = stage.answers()
    stage.take(stage.change(("BUY", "0.41", "5"), at_ms=4000))
    before = len(stage.deltas())
    blind = stage.book.take_answers(answers, stage.now_ns)
    assert blind.reason == "a test"
    levels = {str(d.order.price) for d in stage.deltas()[before].deltas[1:]}
    assert levels == {"0.2000", "0.3000", "0.3900", "0.4000", "0.4100", "0.6000", "0.6100"}
    assert stage.book.is_proven
    assert stage.quotes()[-1] == ("0.4100", "0.6000")


def test_an_answer_without_one_token_is_no_book():
    stage = Stage()
    stage.open(*OPENING)
    stage.book.lose(T0, T0, "a test")
    with pytest.raises(BrokenBook, match="found none of 2"):
        stage.book.take_answers(stage.answers()[:1], T0)


@pytest.mark.card("polymarket", "AR-D06")
def test_books_that_do_not_mirror_each_other_prove_nothing():
    stage = Stage()
    stage.open(*OPENING)
    message = stage.change(("BUY", "0.41", "5"))
    other = stage.theirs[1]
    other.asks[5900] = msgspec.structs.replace(other.asks[5900], size="6")
    entries = [msgspec.to_builtins(one) for one in message.price_changes]
    entries[1] |= {"size": "6", "hash": other.hash_with(other.last_price)}
    stage.take(burst(entries, 2000))
    assert stage.counts["proofs_failed"] == 1


def test_a_trade_enters_the_hash_before_it_is_told():
    stage = Stage()
    stage.open(*OPENING)
    for theirs in stage.theirs:
        theirs.last_price = "0.600"
    stage.take(stage.change(("SELL", "0.6", "29")))
    assert (stage.counts["proofs"], stage.counts["proofs_failed"]) == (2, 0)
    for theirs in stage.theirs:
        theirs.last_price = "0.123"
    stage.book.take_last_price("0.123")
    stage.take(stage.change(("BUY", "0.3", "1"), at_ms=3000))
    assert (stage.counts["proofs"], stage.counts["proofs_failed"]) == (3, 0)


def test_a_new_tick_keeps_the_book_and_is_proved():
    stage = Stage()
    stage.open(*OPENING)
    for theirs, token in zip(stage.theirs, stage.tokens, strict=True):
        theirs.tick = "0.001"
        stage.book.take_tick(token, "0.001")
    stage.take(stage.change(("BUY", "0.405", "1")))
    assert (stage.counts["proofs"], stage.counts["proofs_failed"]) == (2, 0)


def test_proofs_are_as_frequent_as_is_wished():
    stage = Stage(proving=Proving(every_ns=SECOND))
    stage.open(*OPENING)
    for at_ms in range(2000, 4000, 10):  # two seconds, as `take` moves time
        stage.take(stage.change(("BUY", "0.3", str(at_ms)), at_ms=at_ms))
    assert 2 <= stage.counts["proofs"] <= 4
    assert stage.counts["proofs_failed"] == 0


def test_a_whole_book_after_a_trade_tells_only_what_is_new():
    stage = Stage()
    stage.open(*OPENING)
    stage.open([("0.4", "9"), ("0.39", "20.5")], OPENING[1], at_ms=2000)
    assert [len(one.deltas) for one in stage.deltas()] == [5, 1]
    stage.open([("0.4", "9"), ("0.39", "20.5")], OPENING[1], at_ms=3000)
    assert len(stage.deltas()) == 2


def test_older_changes_and_other_tokens_change_nothing():
    stage = Stage()
    stage.open(*OPENING, at_ms=5000)
    stage.take(stage.change(("BUY", "0.41", "5"), at_ms=4999))
    stage.take(burst([entry("77", "BUY", "0.41", "5")], 6000))
    assert len(stage.deltas()) == 1
    assert stage.counts["stale_changes"] == 2


def hear(book, message, now_ns):
    """Give a message to a book as the client's stream does."""
    match message:
        case BookMessage():
            book.take_book(message, now_ns)
        case PriceChangeMessage():
            book.take_changes(message, now_ns)
        case TradeMessage():
            book.take_last_price(message.price)
        case TickSizeMessage():
            book.take_tick(message.asset_id, message.new_tick_size)


def run_recorded(rows, stage_of, *, extra=lambda row: ()):
    """Take recorded frames through the client's book; return it, which frames were unproven, and how often it was judged."""
    stage, unproven = None, []
    for number, row in enumerate(rows):
        failed = 0 if stage is None else stage.counts["proofs_failed"]
        for message in decode_market_frame(json.dumps(row["frame"]).encode()):
            stage = stage or stage_of(message)
            for price in extra(row):
                stage.book.take_last_price(price)
            hear(stage.book, message, round(row["recv"] * 1e9))
        if stage.counts["proofs_failed"] > failed:
            unproven.append((number, row.get("note")))
    return stage, unproven, stage.counts["proofs"] + stage.counts["proofs_failed"]


def test_a_stream_of_hashes_proves_itself_on_every_frame_but_the_half_burst():
    rows = lines_of("synthetic/ws_market_stream_with_hashes.jsonl")
    tokens = [one["asset_id"] for one in rows[0]["frame"]]

    def stage_of(message):
        return Stage(message.market, tokens, is_neg_risk=True)

    stage, unproven, judged = run_recorded(rows, stage_of)
    assert judged == 9
    assert unproven == [(4, "first half of one revision: hash already that of the final state")]
    assert stage.quotes()[-1] == ("0.1070", "0.1090")
    tops = [(row["expect"]["yes"]) for row in rows if "expect" in row]
    assert stage.quotes()[-1] == tuple(f"{float(one):.4f}" for one in tops[-1])


def test_the_opening_book_of_october_proves_itself_both_tokens():
    rows = lines_of("recorded/ws_market_opening_book_2026-10-04.jsonl")
    tokens = [one["asset_id"] for one in rows[0]["frame"]]
    stage, unproven, judged = run_recorded(
        rows, lambda message: Stage(message.market, tokens, is_neg_risk=True)
    )
    assert (unproven, judged) == ([], 1)
    levels = sum(len(rows[0]["frame"][0][side]) for side in ("bids", "asks"))
    assert len(stage.deltas()[0].deltas) == 1 + levels


def test_120_books_of_april_prove_themselves_with_their_mirror():
    rows = lines_of("recorded/ws_market_book_frames_btc5m_2026-04-16.jsonl")

    def with_mirror():
        """The recorder kept one token: the other follows, with the hash that the venue would give it."""
        theirs = TokenBook("", "2", Terms("5", is_neg_risk=False))
        for row in rows:
            frame = row["frame"][0] if isinstance(row["frame"], list) else row["frame"]
            theirs.market = frame["market"]
            other = frame | {
                "asset_id": "2",
                "bids": mirrored(frame["asks"]),
                "asks": mirrored(frame["bids"]),
            }
            theirs.take_book(msgspec.convert(other, BookMessage))
            other["hash"] = theirs.hash_with(row["ltp_implied_by_hash"])
            yield row | {"frame": [frame, other]}

    def stage_of(message):
        return Stage(message.market, [message.asset_id, "2"])

    stage, unproven, judged = run_recorded(
        with_mirror(), stage_of, extra=lambda row: [row["ltp_implied_by_hash"]]
    )
    assert (unproven, judged) == ([], 239)  # one for the opening, two for each of 119 frames
    assert stage.book.is_proven


def mirrored(levels):
    return [
        {"price": f"{1 - float(one['price']):.2f}".rstrip("0").rstrip("."), "size": one["size"]}
        for one in levels
    ]


def test_a_busy_client_gives_a_book_up_by_what_was_said_and_not_by_the_clock():
    """Frames that would prove it may wait to be handled: a timer must not be faster than they are."""

    async def run():
        counts, is_behind = Counter(), [True]
        markets = Markets(lambda _: None, lambda _: None, lambda: now[0], counts, proving=Proving(0, SECOND))
        now = [T0]
        market = markets.add(listing(gamma_market(conditionId="0xc0c6", clobTokenIds='["1", "2"]')))
        assert isinstance(market, LiveMarket)
        renewed = []
        followers = Followers(
            renew_book=renewed.append,
            on_change=lambda _: None,
            on_result=lambda _: None,
            on_doubt=lambda doubted: stream.watch(doubted),
            on_end=lambda *_: None,
        )
        stream = MarketStream(markets, followers, lambda: now[0], counts, lambda: is_behind[0])
        stage = Stage("0xc0c6", ("1", "2"))
        for message in stage.messages(*OPENING):
            stream.dispatch.take(message, T0)
        stage.change(("BUY", "0.2", "5"))  # lost
        stream.dispatch.take(stage.change(("BUY", "0.41", "5"), at_ms=3000), T0)
        now[0] = T0 + 10 * SECOND
        await asyncio.sleep(0.05)
        assert renewed == []
        is_behind[0] = False
        async with asyncio.timeout(10):
            while not renewed:
                await asyncio.sleep(0.01)
        stream.stop()

    asyncio.run(run())
