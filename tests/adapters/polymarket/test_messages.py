"""The streams' payloads: our own of the documented shapes, and the recorded ones where they are."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from adapters.polymarket.messages.market_stream import (
    BookMessage,
    OtherMessage,
    PriceChangeMessage,
    Subscribe,
    decode_market_frame,
)
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.messages.user_stream import Auth, Login, decode_user_frame

DATA = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "polymarket"
BOOK = b'{"event_type":"book","market":"0xm","asset_id":"1","timestamp":"5","hash":"h","bids":[],"asks":[]}'


def test_a_frame_is_one_message_or_an_array_of_them():
    assert [type(one) for one in decode_market_frame(BOOK)] == [BookMessage]
    assert [type(one) for one in decode_market_frame(b"[" + BOOK + b"," + BOOK + b"]")] == [BookMessage] * 2
    assert decode_market_frame(b"[]") == []


def test_a_new_type_is_told_apart_and_the_others_of_its_frame_are_kept():
    frame = b'[{"event_type":"halo","x":1},' + BOOK + b',{"x":2}]'
    found = decode_market_frame(frame)
    assert [type(one) for one in found] == [OtherMessage, BookMessage, OtherMessage]
    assert found[0].kind == "halo"


@pytest.mark.parametrize(
    "frame", [b"{", b"[1]", b'{"event_type":"book"}', b'[{"event_type":"book"}]', b"PONG"]
)
def test_a_malformed_message_is_refused(frame):
    with pytest.raises(msgspec.MsgspecError):
        decode_market_frame(frame)


def test_a_price_change_names_both_tokens_and_ignores_what_is_new():
    frame = (
        b'{"event_type":"price_change","market":"0xm","timestamp":"5","new":1,"price_changes":[{"asset_id":"1",'
        b'"price":".48","size":"0","side":"BUY","hash":"h","best_bid":"0","best_ask":"1","more":2}]}'
    )
    (message,) = decode_market_frame(frame)
    assert isinstance(message, PriceChangeMessage)
    assert decimal_of(message.price_changes[0].price) == decimal_of("0.48")


def test_what_we_say_is_spelt_as_the_venue_wants_it():
    said = msgspec.json.encode(Subscribe(assets_ids=("1",)))
    assert json.loads(said) == {"assets_ids": ["1"], "type": "market", "custom_feature_enabled": True}
    login = Login(auth=Auth(api_key="k", secret="s", passphrase="p"), type="user")
    assert json.loads(msgspec.json.encode(login)) == {
        "auth": {"apiKey": "k", "secret": "s", "passphrase": "p"},
        "type": "user",
    }
    assert "'s'" not in repr(login)


def test_seconds_milliseconds_and_both_iso_forms_are_one_time():
    for text in ("1784851216", "1784851216000", 1784851216, "2026-07-24 00:00:16+00", "2026-07-24T00:00:16Z"):
        assert time_ns(text) == 1_784_851_216_000_000_000
    with pytest.raises(ValueError, match="found 'soon'"):
        time_ns("soon")


@pytest.mark.parametrize("text", ["", "NaN", "1e400000000", "Infinity", "0,5"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="expected a decimal number"):
        decimal_of(text)


def frames_in(path):
    """Yield (stream, frame) of a file that holds recorded or documented frames of the two CLOB streams."""
    stream = (
        "user" if "user" in path.name or "order_" in path.name or path.name == "trades.json" else "market"
    )
    if path.suffix == ".jsonl":
        for line in path.read_text().splitlines():
            if (frame := json.loads(line).get("frame")) is not None:
                yield stream, frame
    else:
        yield stream, json.loads(path.read_text())


def test_every_recorded_or_documented_frame_is_read_or_refused_with_a_reason():
    files = [
        *DATA.glob("recorded/ws_market*"),
        *DATA.glob("synthetic/*"),
        *DATA.glob("doc_samples/ws_market*"),
        *DATA.glob("doc_samples/ws_user*"),
        *DATA.glob("nautilus_rust/ws_*.json"),
        *DATA.glob("nautilus_python/ws_messages/*.json"),
    ]
    if not files:
        pytest.skip(f"no payloads at {DATA}")
    read, refused = Counter(), []
    for path in files:
        for stream, frame in frames_in(path):
            decode = decode_market_frame if stream == "market" else decode_user_frame
            try:
                found = decode(json.dumps(frame).encode())
            except msgspec.MsgspecError as error:
                refused.append((path.name, str(error)))
                continue
            for one in found if isinstance(found, list) else [found]:
                read[type(one).__name__] += 1

    sys.stdout.write(f"read {dict(read)}, refused {refused}\n")
    assert sum(read.values()) > 200
    assert all(reason for _, reason in refused)
