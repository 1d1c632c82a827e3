"""Money into both outcomes of a market and back, on chain: the call of each operation, byte for byte.

The collateral adapters take pUSD and keep the signatures of the conditional tokens' contract; the parent collection is
zero and the partition of a binary market 1 and 2. Source: reference, sections 3 and 14 (read 2026-11-20).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.hashing import keccak, word

type Kind = Literal["split", "merge", "redeem"]

_SIGNATURES: Final = {
    "split": b"splitPosition(address,bytes32,bytes32,uint256[],uint256)",
    "merge": b"mergePositions(address,bytes32,bytes32,uint256[],uint256)",
    "redeem": b"redeemPositions(address,bytes32,bytes32,uint256[])",
}
_NO_PARENT: Final = 0
_PARTITION: Final = (1, 2)
_WORD_BYTES: Final = 32
_MOST_UNITS: Final = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a contract: its address, and selector and arguments."""

    to: str
    data: bytes


def units_of(amount: Decimal) -> int:
    """Return an amount of pUSD or of shares in the chain's units; ValueError for one that is none, or is too fine."""
    if not (amount.is_finite() and amount > 0):
        raise ValueError(f"expected an amount above 0, found {amount}")
    units = amount.scaleb(venue.FILL_DECIMALS)
    if units % 1 or units > _MOST_UNITS:
        raise ValueError(f"expected an amount of at most {venue.FILL_DECIMALS} digits, found {amount:f}")
    return int(units)


def call_of(kind: Kind, condition: str, units: int | None, *, is_neg_risk: bool) -> Call:
    """Return the call of an operation; `units` are those of `units_of`, None for a redemption, which takes all that is held.

    ValueError for a condition that is none, and for units where none, or none where some, belong.
    """
    if (units is None) != (kind == "redeem"):
        raise ValueError(f"expected {'no' if kind == 'redeem' else 'an'} amount to {kind}, found {units}")
    head = [word(venue.COLLATERAL), word(_NO_PARENT), condition_bytes(condition)]
    tail = [] if units is None else [word(units)]
    offset = _WORD_BYTES * (len(head) + 1 + len(tail))
    partition = [word(len(_PARTITION)), *map(word, _PARTITION)]
    adapter = venue.NEG_RISK_COLLATERAL_ADAPTER if is_neg_risk else venue.COLLATERAL_ADAPTER
    selector = keccak(_SIGNATURES[kind])[:4]
    return Call(adapter, selector + b"".join([*head, word(offset), *tail, *partition]))


def condition_bytes(text: str) -> bytes:
    """Return the 32 bytes of a condition; ValueError for another form, such as that of protocol V2."""
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != _WORD_BYTES or not text.startswith("0x"):
        raise ValueError(f"expected a condition of 0x and 64 hexadecimal digits, found {text!r}")
    return found
