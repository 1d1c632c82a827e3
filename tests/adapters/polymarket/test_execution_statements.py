import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.json import decode
from nautilus_trader.model import TradeId

from adapters.polymarket.execution.statements import name_of_fill, of_order, of_trade
from adapters.polymarket.messages import refusals
from adapters.polymarket.messages.orders import OrderAnswer
from adapters.polymarket.messages.user_stream import decode_user_frame
from network.outcomes import Done, Refused, Unknown

HASH = "0x" + "ab" * 32
ORDER = (
    b'{"event_type":"order","id":"'
    + HASH.encode()
    + b'","market":"0xc","asset_id":"7","side":"BUY","price":"0.6",'
    b'"original_size":"12","size_matched":"%s","type":"%s","status":"%s","timestamp":"1777824065000"}'
)


@pytest.mark.parametrize(
    ("matched", "kind", "status", "end"),
    [
        (b"0", b"PLACEMENT", b"LIVE", None),
        (b"4", b"UPDATE", b"LIVE", None),
        (b"12", b"UPDATE", b"MATCHED", "executed"),
        (b"11.995", b"UPDATE", b"MATCHED", "executed"),
        (b"", b"CANCELLATION", b"CANCELED", "canceled"),
        (b"4", b"CANCELLATION", b"CANCELED_EXPIRED_ORDER", "expired"),
        (b"", b"CANCELLATION", b"INVALID", "canceled"),
        (
            b"",
            b"CANCELLATION",
            b"CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed.",
            "canceled",
        ),
    ],
)
def test_how_an_order_ended_is_read_from_the_words_of_the_venue(matched, kind, status, end):
    assert of_order(decode_user_frame(ORDER % (matched, kind, status))).end == end


def test_a_maker_is_told_its_own_token_and_price_and_stands_with_the_taker_on_the_complement():
    # The shape of a recorded frame of 2024: a buy of one token met by a buy of the other, entries without a side.
    frame = (
        b'{"event_type":"trade","id":"83b5c849-620e-4c23-b63b-2e779c04a6e7","market":"0xc","asset_id":"1","side":"BUY",'
        b'"size":"15","price":"0.518","status":"MATCHED","taker_order_id":"0xt","trader_side":"MAKER","match_time":"1725868859",'
        b'"maker_orders":[{"order_id":"0x1","asset_id":"2","matched_amount":"10","price":"0.482","owner":"me"},'
        b'{"order_id":"0x2","asset_id":"1","matched_amount":"5","price":"0.518","owner":"me"},'
        b'{"order_id":"0x3","asset_id":"1","matched_amount":"5","price":"0.518","owner":"other"}]}'
    )
    fills = list(of_trade(decode_user_frame(frame), lambda _order, owner, _wallet: owner == "me"))
    assert [(fill.order_id, fill.side, str(fill.price), fill.is_taker) for fill in fills] == [
        ("0x1", "BUY", "0.482", False),
        ("0x2", "SELL", "0.518", False),
    ]
    assert sum(fill.shares for fill in fills) == Decimal(15)


def test_a_fill_has_a_name_of_its_own_per_order_that_the_engine_takes():
    trade = "83b5c849-620e-4c23-b63b-2e779c04a6e7"
    names = {name_of_fill(trade, f"0x{number:064x}") for number in range(500)}
    assert len(names) == 500
    assert all(TradeId(name).value == name for name in names)


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (400, "invalid post-only order: order crosses book", Refused, "post_only"),
        (400, "order 0x is invalid. Price (0.5) breaks minimum tick size rule: 0.01", Refused, "tick"),
        (400, "not enough balance / allowance: the balance is not enough -> balance: 0", Refused, "funds"),
        (400, "order 0x is invalid. Duplicated.", Unknown, "duplicate"),
        (400, "order match delayed due to market conditions", Unknown, "delayed"),
        (400, "something that nobody has read before", Unknown, ""),
        (403, "Trading restricted in your region, please refer to available regions", Refused, "region"),
        (425, "engine restarting", Unknown, "restarting"),
        (500, "FOK orders are filled or killed", Unknown, "killed"),
        (503, "post-only mode: only post-only orders and cancels are allowed", Unknown, "post_only_mode"),
        (503, "Trading is currently cancel-only. New orders are not accepted", Unknown, "cancel_only"),
        (429, "Too Many Requests", Unknown, ""),
    ],
)
def test_only_a_text_on_the_list_refuses_and_a_failure_of_the_server_never_does(status, text, kind, code):
    judged = refusals.judge(Refused(status, "", text))
    assert isinstance(judged, kind)
    assert judged.code == code


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"success": True, "order_id": HASH, "status": "live"}, Done),
        ({"success": True, "order_id": HASH, "status": "delayed", "error_text": ""}, Done),
        ({"success": True, "order_id": HASH, "status": "unmatched"}, Unknown),
        ({"success": True, "order_id": "", "status": ""}, Unknown),
        ({"success": True, "order_id": "", "error_text": "not enough balance / allowance: 0"}, Refused),
        ({"success": True, "order_id": "0x" + "cd" * 32, "status": "live"}, Unknown),
    ],
)
def test_an_answer_counts_only_for_the_hash_that_was_signed(answer, kind):
    assert isinstance(refusals.judge_answer(OrderAnswer(**answer), HASH), kind)


def samples():
    root = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "polymarket" / "doc_samples"
    if not root.exists():
        pytest.skip(f"no payloads at {root}")
    return root


def test_every_documented_refusal_of_an_order_is_on_the_list():
    # The others are of requests that we do not make, or say that the venue failed.
    told = json.loads((samples() / "errors.json").read_text())["errors"]
    ours = [one for one in told if one["group"] in ("place order", "order processing") and one["http"] < 500]
    unread = [one["error"] for one in ours if refusals.kind_of(one["error"], one["http"]) is None]
    assert unread == []
    assert len(ours) > 15


def test_every_documented_answer_to_a_post_ends_as_it_is_described():
    ends = {
        "rests": Done,
        "matched": Done,
        "taker delay": Done,
        "refused": Refused,
        "engine": Unknown,
        "post-only": Unknown,
    }
    ends |= {"edge rate": Unknown}
    seen = 0
    for line in (samples() / "order_post_responses.jsonl").read_text().splitlines():
        told = json.loads(line)
        wanted = next((kind for beginning, kind in ends.items() if told["note"].startswith(beginning)), None)
        if wanted is None:
            continue
        body = json.dumps(told["body"]).encode()
        if told["http"] == 200:
            answer = decode(body, type=OrderAnswer)
            found = refusals.judge_answer(answer, answer.order_id or HASH)
        else:
            found = refusals.judge(Refused(told["http"], "", told["body"]["error"], body))
        assert isinstance(found, wanted), told["note"]
        seen += 1
    assert seen > 7
