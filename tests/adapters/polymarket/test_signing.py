"""Signatures against the vectors that two official clients agree on, and amounts against the newer of them."""

import json
import os
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from Crypto.Hash import keccak as slow
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis.strategies import binary
from polymarket._internal.actions.orders.limit import _compute_limit_order_amounts
from polymarket._internal.actions.orders.market import _compute_market_order_amounts

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.amounts import Amounts, limit_amounts, market_amounts, spendable_usd
from adapters.polymarket.signing.hashing import address_of, checked_address, keccak, word
from adapters.polymarket.signing.keys import ApiCredentials, BadCredentials, Owner, Wallet
from adapters.polymarket.signing.orders import Draft, Exchange, sign_order
from adapters.polymarket.signing.wallets import WalletKind, proxy_address, safe_address

# The first key of the well-known development mnemonic; never fund it.
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
SECOND_NS = 1_000_000_000
VECTORS = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "polymarket" / "vectors"


def vectors(name):
    file = VECTORS / name
    if not file.exists():
        pytest.skip(f"no signing vectors at {VECTORS}")
    return json.loads(file.read_text())


def draft(**changes):
    terms = {
        "token_id": "5540",
        "side": "BUY",
        "amounts": Amounts(5_500_000, 50_000_000),
        "salt": 479249096354,
    }
    return Draft(**(terms | {"exchange": Exchange.STANDARD, "at_ms": 1790000000123} | changes))


def test_login_headers_are_those_of_the_official_clients():
    found = vectors("signing.json")
    owner = Owner.from_hex(found["_meta"]["private_key"])
    for case in found["l1"]:
        assert owner.login_headers(case["timestamp"] * SECOND_NS, case["nonce"]) == case["headers"]


def test_request_signatures_are_those_of_the_official_clients():
    for case in vectors("signing.json")["l2"]:
        credentials = ApiCredentials("0x0", "key", case["secret"], "pass")
        body = (case["body"] or "").encode()
        headers = credentials.headers(case["method"], case["path"], case["timestamp"] * SECOND_NS, body)
        assert headers["POLY_SIGNATURE"] == case["POLY_SIGNATURE"]


def test_orders_of_every_wallet_and_exchange_have_the_official_id_and_signature():
    found = vectors("signing.json")
    owner = Owner.from_hex(found["_meta"]["private_key"])
    exchanges = {one.value[0]: one for one in Exchange}
    for case in found["orders"]:
        said = case["message"]
        wallet = Wallet.of(owner, WalletKind(said["signatureType"]), said["maker"])
        signed = sign_order(
            draft(
                token_id=said["tokenId"],
                side=("BUY", "SELL")[said["side"]],
                amounts=Amounts(said["makerAmount"], said["takerAmount"]),
                exchange=exchanges[case["domain"]["verifyingContract"]],
                salt=said["salt"],
                at_ms=said["timestamp"],
                builder=bytes.fromhex(said["builder"][2:]),
            ),
            wallet,
        )
        assert (case["name"], signed.order_id, signed.signature) == (
            case["name"],
            case["order_hash"],
            case["signature"],
        )
        assert (signed.maker, signed.signer) == (said["maker"], said["signer"])


def test_derived_wallets_are_those_of_the_official_clients():
    found = vectors("signing.json")["wallets"]
    assert proxy_address(found["owner"]) == found["proxy"]
    assert safe_address(found["owner"]) == found["safe"]


def test_an_order_signed_twice_is_the_same_order_and_another_salt_another_one():
    wallet = Wallet.of(Owner.from_hex(KEY), WalletKind.EOA)
    first, again = sign_order(draft(), wallet), sign_order(draft(), wallet)
    assert first == again
    assert sign_order(draft(salt=1), wallet).order_id != first.order_id
    assert sign_order(draft(exchange=Exchange.NEG_RISK), wallet).order_id != first.order_id


def test_recorded_amounts_are_reproduced_where_floats_lose_a_hundredth():
    found = vectors("order_amounts.json")
    for row in found["rows"]:
        amounts = limit_amounts if row["kind"] == "limit" else market_amounts
        size = Decimal(row.get("size") or row["amount"])
        ours = amounts(row["side"], Decimal(row["price"]), size, Decimal(row["tick"]))
        assert ours == Amounts(row["maker_amount"], row["taker_amount"]), row
    for row in found["examples_of_float_difference"]:
        amounts = limit_amounts if row["kind"] == "limit" else market_amounts
        ours = amounts(
            row["side"], Decimal(row["price"]), Decimal(row["size_or_amount"]), Decimal(row["tick"])
        )
        assert ours == Amounts(*row["decimal_sdk"]), row


@pytest.mark.parametrize("kind", ["limit", "market"])
def test_4_800_random_orders_have_the_amounts_of_the_official_client(kind):
    random = Random(20261126)
    ours = limit_amounts if kind == "limit" else market_amounts
    for tick in venue.AMOUNT_DECIMALS:
        steps = int(1 / tick)
        for _ in range(400):
            price = tick * random.randint(1, steps - 1)
            size = Decimal(random.randint(1, 1_000_000)) / 100
            for side in ("BUY", "SELL"):
                if kind == "limit":
                    theirs = _compute_limit_order_amounts(price=price, size=size, side=side, tick_size=tick)
                else:
                    theirs = _compute_market_order_amounts(
                        amount=size, price=price, side=side, tick_size=tick
                    )
                if min(theirs) <= 0:
                    with pytest.raises(ValueError, match="amounts above 0"):
                        ours(side, price, size, tick)
                else:
                    assert ours(side, price, size, tick) == Amounts(*theirs), (side, price, size, tick)


def test_a_buy_within_a_cap_leaves_room_for_the_fee():
    for row in vectors("order_amounts.json")["buy_amount_adjusted_for_fees"]:
        cap, price, rate = (Decimal(row[name]) for name in ("max_spend", "price", "rate"))
        ours = spendable_usd(cap, price, rate, row["exponent"])
        assert min(ours, Decimal(row["amount"])) == Decimal(row["adjusted_amount"])


@pytest.mark.parametrize(
    ("price", "size", "tick", "words"),
    [
        ("0.115", "10", "0.01", "a price from 0.01 to 0.99 in steps of 0.01, found 0.115"),
        ("0", "10", "0.01", "found 0"),
        ("1", "10", "0.01", "found 1"),
        ("0.5", "10", "0.02", "a tick among 0.1, 0.01"),
        ("0.5", "0.004", "0.01", "amounts above 0"),
        ("NaN", "10", "0.01", "found NaN"),
        ("0.5", "Infinity", "0.01", "dollars or shares, found Infinity"),
        ("0.5", "-1", "0.01", "amounts above 0"),
    ],
)
def test_what_the_venue_cannot_take_is_refused_with_the_figure(price, size, tick, words):
    with pytest.raises(ValueError, match=words):
        limit_amounts("BUY", Decimal(price), Decimal(size), Decimal(tick))


def test_no_secret_is_shown():
    owner = Owner.from_hex(KEY)
    credentials = ApiCredentials(owner.address, "the-key", "c2VjcmV0", "the-phrase")
    shown = repr((owner, credentials, Wallet.of(owner, WalletKind.EOA)))
    for secret in (KEY[2:], "the-key", "c2VjcmV0", "the-phrase"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "expected POLYMARKET_PRIVATE_KEY"),
        ({"POLYMARKET_PRIVATE_KEY": "0x12"}, "64 hexadecimal digits"),
        ({"POLYMARKET_PRIVATE_KEY": "0" * 64}, "64 hexadecimal digits"),
        ({"POLYMARKET_PRIVATE_KEY": "secret-" * 9}, "64 hexadecimal digits"),
    ],
)
def test_a_broken_key_is_refused_and_not_quoted(environ, words):
    with pytest.raises(BadCredentials, match=words) as refused:
        Owner.from_environment(environ)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_credentials_come_together_or_not_at_all():
    assert ApiCredentials.from_environment("0x0", {}) is None
    with pytest.raises(BadCredentials, match="found no POLYMARKET_API_SECRET, POLYMARKET_API_PASSPHRASE"):
        ApiCredentials.from_environment("0x0", {"POLYMARKET_API_KEY": "k"})
    with pytest.raises(BadCredentials, match="url-safe base64 in POLYMARKET_API_SECRET"):
        ApiCredentials("0x0", "k", "!", "p")


def test_a_wallet_that_is_not_the_owners_is_refused():
    owner = Owner.from_hex(KEY)
    with pytest.raises(ValueError, match="expected the safe wallet"):
        Wallet.of(owner, WalletKind.SAFE, owner.address)
    with pytest.raises(ValueError, match="address of a deposit wallet, found none"):
        Wallet.of(owner, WalletKind.DEPOSIT)


def test_an_address_with_a_wrong_capital_is_refused():
    right = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert checked_address(right.lower()) == right
    with pytest.raises(ValueError, match="checksum"):
        checked_address(right.replace("Fd6", "fD6"))
    for broken in ("0x12", right[2:], right.lower().replace("f3", "f3 ", 1)):
        with pytest.raises(ValueError, match="40 hexadecimal digits"):
            word(broken)


@given(raw=binary(min_size=20, max_size=20))
def test_an_address_has_the_capitals_that_others_give_it(raw):
    assert address_of(raw) == to_checksum_address(raw)
    assert checked_address("0x" + raw.hex()) == address_of(raw)


@given(data=binary(max_size=300))
def test_both_hashes_are_the_same(data):
    fast = pytest.importorskip("sha3", reason="it has wheels for Linux alone")
    assert fast.keccak_256(data).digest() == slow.new(digest_bits=256, data=data).digest() == keccak(data)
