"""Signatures of the Polymarket double, against vectors that two official libraries agree on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_signatures import (
    NEG_RISK_EXCHANGE,
    STANDARD_EXCHANGE,
    Doorkeeper,
    SignedOrder,
    exchange_of,
    login_digest,
    order_id,
    request_signature,
    signed_by,
)

FILE = Path(__file__).parents[5] / "shared" / "data" / "polymarket" / "vectors" / "signing.json"
NOW = 1_790_000_000


@pytest.fixture(scope="module")
def vectors():
    if not FILE.exists():
        pytest.skip(f"no vectors at {FILE}")
    return json.loads(FILE.read_text())


def signed(row):
    message = row["message"]
    return SignedOrder(
        message["salt"], message["maker"], message["signer"], int(message["tokenId"]), message["makerAmount"],
        message["takerAmount"], message["side"], message["signatureType"], message["timestamp"],
        message["metadata"], message["builder"], row["signature"],
    )  # fmt: skip


def v2_orders(vectors):
    rows = [row for row in vectors["orders"] if row["domain"]["version"] == "2"]
    assert len(rows) == 6
    return rows


def test_order_ids_are_those_of_the_official_libraries(vectors):
    for row in v2_orders(vectors):
        assert order_id(signed(row), row["domain"]["verifyingContract"]) == row["order_hash"], row["name"]


def test_every_kind_of_wallet_is_recognised(vectors):
    owner = vectors["wallets"]["owner"].lower()
    kinds = set()
    for row in v2_orders(vectors):
        assert signed_by(signed(row), row["domain"]["verifyingContract"]) == owner, row["name"]
        kinds.add(row["message"]["signatureType"])
    assert kinds == {0, 1, 2, 3}


def test_an_order_signed_for_the_other_exchange_is_not_recognised(vectors):
    owner = vectors["wallets"]["owner"].lower()
    for row in v2_orders(vectors):
        wrong = exchange_of(neg_risk=row["domain"]["verifyingContract"] == STANDARD_EXCHANGE)
        assert signed_by(signed(row), wrong) != owner


def test_a_changed_field_breaks_the_signature(vectors):
    for row in v2_orders(vectors):
        order = replace(signed(row), maker_amount=1)
        assert signed_by(order, row["domain"]["verifyingContract"]) is None


@pytest.mark.parametrize(
    "signature", ["", "0x", "zz", "0x" + "00" * 65, "0x" + "ff" * 64 + "1b", "0x" + "11" * 317]
)
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
def test_what_is_no_signature_is_refused(signature, kind):
    wallet = "0x" + "11" * 20
    order = SignedOrder(1, wallet, wallet, 1, 1, 1, 0, kind, 1, "00" * 32, "00" * 32, signature)
    assert signed_by(order, NEG_RISK_EXCHANGE) is None


def test_login_digests_and_signatures_are_those_of_the_official_libraries(vectors):
    door = Doorkeeper(10, 7)
    for row in vectors["l1"]:
        address = row["headers"]["POLY_ADDRESS"]
        assert "0x" + login_digest(address, str(row["timestamp"]), row["nonce"]).hex() == row["digest"]
        assert door.login(row["headers"], NOW + 10) == (address.lower(), row["nonce"])
        for changed in ({"POLY_NONCE": "1"}, {"POLY_ADDRESS": "0x" + "11" * 20}, {"POLY_SIGNATURE": "0x12"}):
            with pytest.raises(VenueError, match="401 Invalid L1"):
                door.login(row["headers"] | changed, NOW)
        with pytest.raises(VenueError, match="401 Invalid L1"):
            door.login(row["headers"], NOW + 11)


def test_request_signatures_are_those_of_the_official_libraries(vectors):
    for row in vectors["l2"]:
        body = (row["body"] or "").encode()
        made = request_signature(row["secret"], str(row["timestamp"]), row["method"], row["path"], body)
        assert made == row["POLY_SIGNATURE"]


def test_credentials_are_made_once_and_derived_again():
    door = Doorkeeper(10, 7)
    with pytest.raises(VenueError, match="derive"):
        door.derive("0xAB", 0)
    made = door.create("0xAB", 0)
    assert door.derive("0xab", 0) == made
    with pytest.raises(VenueError, match="400 Could not create"):
        door.create("0xAB", 0)
    assert door.create("0xAB", 1) != made


def test_a_request_enters_only_when_everything_fits():
    door = Doorkeeper(10, 7)
    key = door.create("0xAB", 0)
    headers = {
        "POLY_ADDRESS": "0xAB", "POLY_API_KEY": key.key, "POLY_PASSPHRASE": key.passphrase,
        "POLY_TIMESTAMP": str(NOW),
        "POLY_SIGNATURE": request_signature(key.secret, str(NOW), "POST", "/order", b"{}"),
    }  # fmt: skip
    assert door.identify("POST", "/order", headers, b"{}", NOW - 10) == key
    for name in headers:
        with pytest.raises(VenueError, match="401 Unauthorized"):
            door.identify("POST", "/order", headers | {name: "0"}, b"{}", NOW)
    for method, path, body, now in (
        ("GET", "/order", b"{}", NOW), ("POST", "/orders", b"{}", NOW), ("POST", "/order", b"{ }", NOW),
        ("POST", "/order", b"{}", NOW + 11),
    ):  # fmt: skip
        with pytest.raises(VenueError, match="401 Unauthorized"):
            door.identify(method, path, headers, body, now)
