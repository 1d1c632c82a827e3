"""Splits, merges and redemptions as the bytes that a contract gets, and transactions as the bytes that a node gets."""

from decimal import Decimal

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from polymarket import calls
from polymarket.environments import PRODUCTION

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.conversions import Call, call_of, units_of
from adapters.polymarket.signing.keys import Owner
from adapters.polymarket.signing.transactions import Transaction, sign_transaction

CONDITION = "0x" + "ab" * 32
COLLATERAL_WORD = "000000000000000000000000c011a7e12a19f7b1f670d46f03b03f3342e82dfb"
KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # public, of every development chain


def word(number):
    return f"{number:064x}"


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("split", "splitPosition(address,bytes32,bytes32,uint256[],uint256)"),
        ("merge", "mergePositions(address,bytes32,bytes32,uint256[],uint256)"),
    ],
)
@pytest.mark.parametrize("is_neg_risk", [False, True])
def test_a_split_and_a_merge_are_these_words(kind, selector, is_neg_risk):
    call = call_of(kind, CONDITION, 25_500_000, is_neg_risk=is_neg_risk)
    expected = [
        keccak(selector.encode())[:4].hex(),
        COLLATERAL_WORD,
        word(0),  # no parent
        "ab" * 32,
        word(5 * 32),  # where the partition begins
        word(25_500_000),
        word(2),
        word(1),
        word(2),
    ]
    assert call.data.hex() == "".join(expected)
    adapters = (venue.COLLATERAL_ADAPTER, venue.NEG_RISK_COLLATERAL_ADAPTER)
    assert call.to == adapters[is_neg_risk]


def test_a_redemption_is_these_words_and_names_no_amount():
    call = call_of("redeem", CONDITION, None, is_neg_risk=False)
    selector = keccak(b"redeemPositions(address,bytes32,bytes32,uint256[])")[:4].hex()
    words = [COLLATERAL_WORD, word(0), "ab" * 32, word(4 * 32), word(2), word(1), word(2)]
    assert call.data.hex() == selector + "".join(words)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**255), st.booleans())
def test_the_venues_own_kit_makes_the_same_bytes(condition, units, is_neg_risk):
    text = "0x" + condition.hex()
    target = venue.NEG_RISK_COLLATERAL_ADAPTER if is_neg_risk else venue.COLLATERAL_ADAPTER
    asked = {"target": target, "collateral": venue.COLLATERAL, "condition_id": text, "amount": units}
    theirs = {
        "split": calls.ctf_split_position_call(**asked),
        "merge": calls.ctf_merge_positions_call(**asked),
        "redeem": calls.ctf_redeem_positions_call(ctf=target, collateral=venue.COLLATERAL, condition_id=text),
    }
    for kind, call in theirs.items():
        ours = call_of(kind, text, None if kind == "redeem" else units, is_neg_risk=is_neg_risk)
        assert (ours.to, "0x" + ours.data.hex()) == (call.to, call.data)


def test_the_venues_own_kit_knows_the_same_contracts():
    theirs = PRODUCTION._config
    assert (
        theirs.collateral_adapter,
        theirs.neg_risk_collateral_adapter,
        theirs.collateral_token,
    ) == (venue.COLLATERAL_ADAPTER, venue.NEG_RISK_COLLATERAL_ADAPTER, venue.COLLATERAL)


@pytest.mark.parametrize(("amount", "units"), [("25", 25_000_000), ("0.000001", 1), ("1.50", 1_500_000)])
def test_an_amount_is_whole_units(amount, units):
    assert units_of(Decimal(amount)) == units


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "0.0000001"])
def test_an_amount_that_is_none_or_too_fine_is_refused(amount):
    with pytest.raises(ValueError, match=f"found {amount}"):
        units_of(Decimal(amount))


@pytest.mark.parametrize(
    ("kind", "condition", "units"),
    [
        ("split", "0x" + "ab" * 31, 1),  # as of protocol V2
        ("split", "ab" * 32, 1),
        ("split", "0x" + "zz" * 32, 1),
        ("split", CONDITION, None),
        ("redeem", CONDITION, 1),
    ],
)
def test_what_is_no_operation_is_refused(kind, condition, units):
    with pytest.raises(ValueError, match="expected"):
        call_of(kind, condition, units, is_neg_risk=False)


@given(st.integers(0, 2**32), st.integers(21_000, 10**7), st.integers(0, 10**13), st.binary(max_size=300))
def test_a_transaction_is_signed_as_a_library_we_did_not_write_signs_it(nonce, gas, gas_price, data):
    call = Call(venue.COLLATERAL_ADAPTER, data)
    ours = sign_transaction(Transaction(call, nonce, gas, gas_price), Owner.from_hex(KEY))
    theirs = Account.from_key("0x" + KEY).sign_transaction(
        {
            "to": call.to,
            "value": 0,
            "data": "0x" + data.hex(),
            "gas": gas,
            "gasPrice": gas_price,
            "nonce": nonce,
            "chainId": venue.CHAIN_ID,
        }
    )
    assert (ours.raw, ours.hash) == (bytes(theirs.raw_transaction), "0x" + bytes(theirs.hash).hex())
