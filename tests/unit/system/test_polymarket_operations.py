"""Operations on chain as they are typed: dry by default, sent behind every lock, booked by their receipts."""

import asyncio
import json
import threading
from contextlib import contextmanager
from decimal import Decimal

import msgspec
import pytest
from aiohttp import web
from fake_node import SPENDER, Node, paid
from typer.testing import CliRunner

from adapters.polymarket.signing.keys import Owner
from risk.contract import Outcome
from risk.ledger import Ledger
from risk.trades import Settlement
from system.cli import app
from system.polymarket_operations import Wish, operate
from system.polymarket_receipts import Receipt, post

CONDITION = "0x" + "ab" * 32
KEY = "1" * 64
OWNER = Owner.from_hex(KEY).address
MARKET = {
    "c": CONDITION,
    "t": [{"t": "71", "o": "Yes"}, {"t": "82", "o": "No"}],
    "mts": 0.01,
    "mos": 5,
    "nr": True,
}
BOOK = """
name = "hand"
instruments = ["polymarket:btc-updown-5m-*"]
strategies = []
risk = []
[live]
venues = ["POLYMARKET"]
mode = "{mode}"
[live.settings.POLYMARKET]
rest_url = "{url}"
gamma_url = "{url}"
data_url = "{url}"
socket_url = "{url}"
site_url = "{url}"
wallet = "{wallet}"
"""


@contextmanager
def standing(node=None, market=MARKET):
    """Run a venue that describes one market, and a node of the chain, while the caller types commands."""
    ready, ended, found = threading.Event(), threading.Event(), {}

    async def describe(_request):
        return web.json_response(market)

    async def serve():
        app_ = web.Application()
        app_.router.add_get("/clob-markets/{condition}", describe)
        runner = web.AppRunner(app_)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found["url"] = "http://{}:{}".format(*site._server.sockets[0].getsockname()[:2])
        async with (node or Node()).standing() as stands:
            found["rpc"] = stands.url
            ready.set()
            while not ended.is_set():
                await asyncio.sleep(0.02)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield found
    finally:
        ended.set()
        thread.join()


def typed(*words, **environ):
    return CliRunner().invoke(app, ["polymarket", *map(str, words)], env={"COLUMNS": "300", **environ})


def written(folder, found, mode="live", wallet="eoa"):
    file = folder / "book.toml"
    file.write_text(BOOK.format(url=found["url"], mode=mode, wallet=wallet))
    return file


def keys(found):
    return {
        "ARGONAUT_LIVE": "hand-LIVE",
        "POLYMARKET_PRIVATE_KEY": KEY,
        "POLYMARKET_RPC_URL": found["rpc"],
    }


@pytest.mark.parametrize(("kind", "amount"), [("split", ["2.5"]), ("merge", ["2.5"]), ("redeem", [])])
def test_without_send_an_operation_is_a_dry_run_and_the_chain_is_not_asked(kind, amount):
    node = Node()
    with standing(node) as found:
        result = typed(kind, CONDITION, *amount, "--rest-url", found["url"], "--json")
    assert result.exit_code == 0, result.output
    receipt = json.loads(result.stdout)
    assert (receipt["state"], receipt["tokens"], receipt["is_neg_risk"]) == ("dry run", ["71", "82"], True)
    assert receipt["contract"] == "0xadA2005600Dec949baf300f4C6120000bDB6eAab"
    assert ("2625a0" in receipt["call"]) == bool(amount)  # 2,500,000 units
    assert node.asked == []


def test_a_dry_run_shows_a_person_what_would_be_called():
    with standing() as found:
        result = typed("split", CONDITION, "1", "--rest-url", found["url"])
    assert "split: dry run" in result.stdout
    assert CONDITION in result.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["split", "0x12", "1"], "expected a condition of 0x and 64"),
        (["split", CONDITION, "one"], "expected an amount such as 25"),
        (["merge", CONDITION, "0.0000001"], "at most 6 digits"),
        (["split", CONDITION, "1", "--send"], "expected --book with --send"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_asked(words, reason):
    result = typed(*words)
    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("mode", "wallet", "without", "reason"),
    [
        ("sandbox", "eoa", "", 'expected mode = "live"'),
        ("live", "eoa", "ARGONAUT_LIVE", "expected ARGONAUT_LIVE=hand-LIVE"),
        ("live", "safe", "", "expected wallet eoa"),
        ("live", "eoa", "POLYMARKET_RPC_URL", "expected POLYMARKET_RPC_URL"),
        ("live", "eoa", "POLYMARKET_PRIVATE_KEY", "expected POLYMARKET_PRIVATE_KEY"),
    ],
)
def test_each_lock_keeps_an_operation_from_being_sent(tmp_path, monkeypatch, mode, wallet, without, reason):
    node = Node()
    with standing(node) as found:
        book = written(tmp_path, found, mode, wallet)
        environ = {name: value for name, value in keys(found).items() if name != without}
        for name in keys(found):
            monkeypatch.delenv(name, raising=False)
        result = typed("split", CONDITION, "1", "--book", book, "--send", "--out", tmp_path, **environ)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert node.asked == []


def test_behind_every_lock_a_split_is_written_down_sent_once_and_followed_to_its_block(tmp_path):
    node = Node()
    node.logs = [paid(2_500_000, OWNER, SPENDER)]
    with standing(node) as found:
        book = written(tmp_path, found)
        result = typed(
            "split", CONDITION, "2.5", "--book", book, "--send", "--out", tmp_path, "--json", **keys(found)
        )
    assert result.exit_code == 0, result.output
    receipt = msgspec.json.decode(result.stdout, type=Receipt)
    assert (receipt.state, receipt.moved_usd, receipt.wallet) == ("done", Decimal("-2.5"), OWNER)
    assert [receipt.transaction] == [node.hash_of(raw) for raw in node.sent]
    lines = (tmp_path / "polymarket_operations.jsonl").read_bytes().splitlines()
    states = [msgspec.json.decode(line, type=Receipt) for line in lines]
    assert [one.state for one in states] == ["unknown", "done"]
    assert {one.transaction for one in states} == {receipt.transaction}


@pytest.mark.parametrize(
    ("answers", "status", "state"),
    [
        (
            {"eth_sendRawTransaction": {"error": {"code": -32000, "message": "nonce too low"}}},
            "0x1",
            "refused",
        ),
        ({}, "0x0", "refused"),
    ],
)
def test_what_node_or_chain_refuse_is_refused_and_ends_with_3(tmp_path, answers, status, state):
    node = Node(**answers)
    node.status = status
    with standing(node) as found:
        book = written(tmp_path, found)
        result = typed(
            "merge", CONDITION, "1", "--book", book, "--send", "--out", tmp_path, "--json", **keys(found)
        )
    assert result.exit_code == 3
    assert json.loads(result.stdout)["state"] == state


def test_what_left_and_nobody_knows_of_stays_unknown_and_is_not_sent_again(tmp_path):
    node = Node(eth_sendRawTransaction="drop")
    with standing(node) as found:
        book = written(tmp_path, found)
        wish = Wish(
            kind="split",
            condition=CONDITION,
            amount=Decimal(1),
            book=book,
            sends=True,
            out=tmp_path,
            look_secs=0.001,
        )
        left = operate(wish, keys(found), lambda: 1)
    assert left.state == "unknown"
    assert left.transaction.startswith("0x")
    assert node.asked.count("eth_sendRawTransaction") == 1
    assert node.asked.count("eth_getTransactionReceipt") > 1


def receipt(kind, amount, moved, state="done", transaction="0x1"):
    return Receipt(
        operation=kind,
        condition=CONDITION,
        tokens=("71", "82"),
        is_neg_risk=False,
        amount=None if amount is None else Decimal(amount),
        contract=SPENDER,
        call="0x",
        state=state,
        at_ns=5,
        wallet=OWNER,
        transaction=transaction,
        moved_usd=None if moved is None else Decimal(moved),
    )


def sides():
    ids = [f"{CONDITION}-{token}.POLYMARKET" for token in ("71", "82")]
    return tuple(Outcome(one, f"{CONDITION}.POLYMARKET", "e.POLYMARKET", "POLYMARKET") for one in ids)


def test_the_ledger_takes_the_receipts_of_a_split_and_a_merge_and_stays_whole():
    ledger = Ledger()
    ledger.deposit("POLYMARKET", Decimal(100), 1)
    post(receipt("split", "10", "-10"), "hand", sides(), ledger)
    assert ledger.cash_usd("POLYMARKET") == 90
    assert [ledger.quantity("hand", one.instrument) for one in sides()] == [10, 10]
    post(receipt("split", "10", "-10"), "hand", sides(), ledger)  # told twice, booked once
    post(receipt("merge", "4", "4", transaction="0x2"), "hand", sides(), ledger)
    ledger.audit()
    assert ledger.cash_usd("POLYMARKET") == 94
    assert [ledger.quantity("hand", one.instrument) for one in sides()] == [6, 6]


def test_a_redemption_pays_what_a_settlement_left_pending():
    ledger = Ledger()
    ledger.deposit("POLYMARKET", Decimal(100), 1)
    post(receipt("split", "10", "-10"), "hand", sides(), ledger)
    yes, no = sides()
    for side, payout in ((yes, 1), (no, 0)):
        ledger.post_settlement(
            Settlement("hand", side, Decimal(10), Decimal(payout), "end", 3, is_paid=False)
        )
    assert (ledger.cash_usd("POLYMARKET"), ledger.pending_usd("POLYMARKET")) == (90, 10)
    post(receipt("redeem", None, "0", transaction="0x3"), "hand", sides(), ledger)
    assert ledger.pending_usd("POLYMARKET") == 10
    post(receipt("redeem", None, "10", transaction="0x4"), "hand", sides(), ledger)
    ledger.audit()
    assert (ledger.cash_usd("POLYMARKET"), ledger.pending_usd("POLYMARKET")) == (100, 0)


@pytest.mark.parametrize(
    "told",
    [
        receipt("split", "10", None, state="unknown"),
        receipt("split", "10", None, state="dry run"),
        receipt("split", "10", "-9"),
        receipt("merge", "10", "9"),
    ],
)
def test_what_was_not_done_or_moved_other_money_is_not_booked(told):
    ledger = Ledger()
    ledger.deposit("POLYMARKET", Decimal(100), 1)
    with pytest.raises(ValueError, match="expected"):
        post(told, "hand", sides(), ledger)
    assert ledger.cash_usd("POLYMARKET") == 100
