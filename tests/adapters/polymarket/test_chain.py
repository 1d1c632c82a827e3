"""A node of the chain: one transaction, sent once, and what is known of it afterwards."""

import asyncio
import time

import pytest
from fake_node import SPENDER, Node, paid

from adapters.polymarket.http.chain import Chain, money_moved
from adapters.polymarket.messages.chain import Log, MinedTransaction
from adapters.polymarket.signing.conversions import call_of
from adapters.polymarket.signing.keys import Owner
from adapters.polymarket.signing.transactions import sign_transaction
from network.errors import BadReply, NetworkError, Refusal
from network.outcomes import Done, Refused, Unknown

OWNER = Owner.from_hex("1" * 64)
CALL = call_of("split", "0x" + "ab" * 32, 1_000_000, is_neg_risk=False)


def with_node(node, work):
    async def main():
        async with node.standing():
            chain = Chain(node.url, now_ns=time.monotonic_ns, monotonic=time.monotonic)
            try:
                return await work(chain)
            finally:
                await chain.close()

    return asyncio.run(main())


async def send(chain):
    return await chain.send(sign_transaction(await chain.prepare(CALL, OWNER.address), OWNER))


def said(code, message):
    return {"error": {"code": code, "message": message}}


def test_a_transaction_is_prepared_of_what_the_node_says():
    node = Node()
    made = with_node(node, lambda chain: chain.prepare(CALL, OWNER.address))
    assert (made.nonce, made.gas, made.gas_price) == (7, 250_000, 30_000_000_000)


def test_what_the_chain_would_undo_is_refused_before_anything_is_signed():
    node = Node(eth_estimateGas=said(3, "execution reverted: ERC20: insufficient allowance"))
    with pytest.raises(Refusal, match="insufficient allowance"):
        with_node(node, send)
    assert node.sent == []


def test_another_chain_is_refused():
    with pytest.raises(BadReply, match="expected chain 137, found 1"):
        with_node(Node(eth_chainId={"result": "0x1"}), lambda chain: chain.must_be_polygon())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, Done),
        (said(-32000, "already known"), Done),
        (said(-32000, "insufficient funds for gas * price + value"), Refused),
        (said(-32000, "nonce too low"), Refused),
        (said(-32000, "replacement transaction underpriced"), Refused),
        (said(-32603, "internal error"), Unknown),
        ("drop", Unknown),
        ({"result": "0x" + "00" * 32}, Unknown),
    ],
)
def test_a_transaction_is_done_refused_or_unknown_and_sent_once(answer, kind):
    node = Node(**({"eth_sendRawTransaction": answer} if answer else {}))
    assert isinstance(with_node(node, send), kind)
    assert node.asked.count("eth_sendRawTransaction") == 1


def test_the_key_in_a_nodes_address_is_in_no_message():
    outcome = with_node(Node(eth_sendRawTransaction="drop"), send)
    assert "a-key" not in outcome.reason
    with pytest.raises(NetworkError) as found:
        with_node(Node(eth_chainId="drop"), lambda chain: chain.must_be_polygon())
    assert "a-key" not in str(found.value)


def test_a_transaction_without_a_block_is_none_and_a_broken_receipt_is_named():
    assert with_node(Node(), lambda chain: chain.find("0x1")) is None
    node = Node(eth_getTransactionReceipt={"result": {"status": 1}})
    with pytest.raises(BadReply, match="eth_getTransactionReceipt"):
        with_node(node, lambda chain: chain.find("0x1"))


def test_only_payments_in_pusd_of_the_wallet_count():
    mine, other = OWNER.address, "0x" + "22" * 20
    nft = paid(9, other, mine) | {"address": SPENDER}
    approval = paid(7, mine, SPENDER) | {"topics": ["0x" + "8c" * 32, "0x", "0x"]}
    rows = [paid(5, mine, SPENDER), paid(2, SPENDER, mine), paid(100, other, SPENDER), nft, approval]
    logs = tuple(Log(one["address"], tuple(one["topics"]), one["data"]) for one in rows)
    assert money_moved(MinedTransaction(transaction_hash="0x1", status="0x1", logs=logs), mine) == -3
