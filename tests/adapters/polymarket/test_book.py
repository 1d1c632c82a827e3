"""A token's book against recorded production books, and against streams of our own."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.polymarket.messages.market_stream import (
    BookMessage,
    Level,
    PriceChange,
    PriceChangeMessage,
    decode_market_frame,
)
from adapters.polymarket.parsing.book import BrokenBook, Terms, TokenBook, implied_prices

DATA = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "polymarket"
TERMS = Terms("5", is_neg_risk=False)


def lines_of(name):
    file = DATA / name
    if not file.exists():
        pytest.skip(f"no recording at {file}")
    return [json.loads(line) for line in file.read_text().splitlines()]


def messages_of(row):
    return decode_market_frame(json.dumps(row["frame"]).encode())


def book_message(bids=(), asks=(), **more):
    sides = {"bids": [Level(*one) for one in bids], "asks": [Level(*one) for one in asks]}
    terms = {"market": "0xm", "asset_id": "1", "timestamp": "1000", "hash": "", "tick_size": "0.01"}
    return BookMessage(**(terms | {"last_trade_price": ""} | sides | more))


def change(side, price, size, **more):
    return PriceChange(**({"asset_id": "1", "price": price, "size": size, "side": side} | more))


def known(*args, **more):
    book = TokenBook("0xm", "1", TERMS)
    book.take_book(book_message(*args, **more))
    return book


def test_120_production_books_of_april_hash_as_the_venue_says():
    book, right = None, 0
    for row in lines_of("recorded/ws_market_book_frames_btc5m_2026-04-16.jsonl"):
        for message in messages_of(row):
            book = book or TokenBook(message.market, message.asset_id, TERMS)
            book.take_book(message)
            right += book.verify(message.hash, [row["ltp_implied_by_hash"]])
    assert right == 120


def test_a_stream_hashes_as_the_venue_says_but_for_the_half_of_a_burst():
    books, wrong, compared = {}, [], 0
    for number, row in enumerate(lines_of("synthetic/ws_market_stream_with_hashes.jsonl")):
        hashes = {}
        for message in messages_of(row):
            if isinstance(message, BookMessage):
                terms = Terms("5", is_neg_risk=True)
                book = books.setdefault(message.asset_id, TokenBook(message.market, message.asset_id, terms))
                book.take_book(message)
                hashes[message.asset_id] = (message.hash, ())
            if isinstance(message, PriceChangeMessage):
                for one in message.price_changes:
                    assert books[one.asset_id].take_change(one, int(message.timestamp))
                    hashes[one.asset_id] = (one.hash, implied_prices(one))
        for token, (wanted, implied) in hashes.items():
            compared += 1
            others = [book.last_price for book in books.values()]
            if not books[token].verify(wanted, [*implied, *others]):
                wrong.append((number, row["note"]))
    assert compared == 16
    assert wrong == [(4, "first half of one revision: hash already that of the final state")] * 2


def test_the_recipe_gives_the_hashes_of_two_production_books():
    file = DATA / "vectors" / "book_hash.json"
    if not file.exists():
        pytest.skip(f"no vectors at {file}")
    vectors = json.loads(file.read_text())["vectors"]
    for vector in (one for one in vectors if one["name"].startswith("production")):
        said = vector["payload_with_empty_hash"]
        terms = Terms(said["min_order_size"], is_neg_risk=said["neg_risk"])
        book = TokenBook(said["market"], said["asset_id"], terms)
        message = {key: value for key, value in said.items() if key not in ("min_order_size", "neg_risk")}
        book.take_book(msgspec.convert(message | {"event_type": "book"}, BookMessage))
        assert book.hash_with(said["last_trade_price"]) == vector["sha1"], vector["name"]


def test_a_repeated_and_swapped_burst_changes_nothing():
    book = known([("0.4", "10")], [("0.6", "10")])
    burst = [change("BUY", "0.41", "5"), change("SELL", "0.6", "0")]
    for one in (*burst, *reversed(burst), *burst):
        book.take_change(one, 2000)
    assert {steps: level.size for steps, level in book.bids.items()} == {4000: "10", 4100: "5"}
    assert book.asks == {}
    assert book.top == (4100, 10_000)


def test_a_change_that_is_older_than_the_book_is_dropped():
    book = known([("0.4", "10")], timestamp="2000")
    assert not book.take_change(change("BUY", "0.4", "0"), 1999)
    assert book.take_change(change("BUY", "0.4", "7"), 2000)
    assert book.bids[4000].size == "7"


def test_the_top_is_compared_with_what_the_burst_says():
    book = known([("0.4", "10")], [("0.6", "10")])
    assert book.agrees_with(change("BUY", "0.4", "10", best_bid="0.4", best_ask="0.6"))
    assert not book.agrees_with(change("BUY", "0.4", "10", best_bid="0.41", best_ask="0.6"))
    assert known().agrees_with(change("BUY", "0.4", "0", best_bid="0", best_ask="1"))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (book_message(asset_id="2"), "token 1, found 2"),
        (book_message([("0.6", "1")], [("0.6", "1")]), "bids below asks"),
        (book_message([("1.2", "1")]), "a price in \\(0, 1\\) dollars, found '1.2'"),
        (book_message([("0.00001", "1")]), "at most 4 digits"),
    ],
)
def test_a_book_that_cannot_be_is_refused_and_nothing_is_changed(message, words):
    book = known([("0.4", "10")], [("0.6", "10")])
    with pytest.raises(BrokenBook, match=words):
        book.take_book(message)
    assert book.top == (4000, 6000)


@given(
    st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 99), st.integers(0, 50)), max_size=40)
)
def test_bursts_set_levels_and_only_the_last_word_on_a_level_counts(changes):
    book = known()
    for side, cents, size in changes:
        book.take_change(change(side, f"{cents / 100:g}", str(size)), 2000)
    assert book.top == (max(book.bids, default=0), min(book.asks, default=10_000))
    last = {(side, cents): size for side, cents, size in changes}
    for side, levels in (("BUY", book.bids), ("SELL", book.asks)):
        wanted = {cents * 100: str(size) for (of, cents), size in last.items() if of == side and size}
        assert {steps: level.size for steps, level in levels.items()} == wanted
