"""A transaction of an owner's own account, signed for the chain, and its hash: known before it leaves.

The legacy form with the chain's number in its signature (EIP-155), which every node takes; RLP as the Yellow Paper has it.
"""

from dataclasses import dataclass
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.conversions import Call
from adapters.polymarket.signing.hashing import keccak, word
from adapters.polymarket.signing.keys import Owner

_SHORT: Final = 55  # bytes that one byte can state the number of
_BYTES, _LIST = 0x80, 0xC0
_RECOVERY: Final = 27  # what a signature for Ethereum adds to its recovery number


@dataclass(frozen=True, slots=True)
class Transaction:
    """A call, which number of its sender it is, and what it may cost at most: `gas` times `gas_price` (in wei)."""

    call: Call
    nonce: int
    gas: int
    gas_price: int


@dataclass(frozen=True, slots=True)
class Signed:
    """What leaves, and under which hash the chain will know it."""

    raw: bytes
    hash: str


def sign_transaction(transaction: Transaction, owner: Owner) -> Signed:
    """Return the transaction signed by its sender."""
    one = transaction
    fields: list[int | bytes] = [one.nonce, one.gas_price, one.gas, word(one.call.to)[12:], 0, one.call.data]
    signature = owner.sign(keccak(_list([*fields, venue.CHAIN_ID, 0, 0])))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    raw = _list([*fields, 2 * venue.CHAIN_ID + 35 + signature[64] - _RECOVERY, r, s])
    return Signed(raw, "0x" + keccak(raw).hex())


def _list(items: list[int | bytes]) -> bytes:
    body = b"".join(map(_item, items))
    return _length(len(body), _LIST) + body


def _item(value: int | bytes) -> bytes:
    found = value.to_bytes((value.bit_length() + 7) // 8) if isinstance(value, int) else value
    if len(found) == 1 and found[0] < _BYTES:
        return found
    return _length(len(found), _BYTES) + found


def _length(count: int, base: int) -> bytes:
    if count <= _SHORT:
        return bytes([base + count])
    stated = count.to_bytes((count.bit_length() + 7) // 8)
    return bytes([base + _SHORT + len(stated)]) + stated
