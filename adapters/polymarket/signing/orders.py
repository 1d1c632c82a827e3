"""A signed order: its hash is its id, known before a byte leaves.

Source: reference, sections 4.3 and 5.1 (read 2026-11-20); vectors in the tests. Hash and signature together
take less than a thread's turn would (docs/performance.md), so they are made on the event loop.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.amounts import Amounts, Side
from adapters.polymarket.signing.hashing import Domain, keccak, struct_hash
from adapters.polymarket.signing.keys import Wallet
from adapters.polymarket.signing.wallets import WalletKind

NOTHING: Final = bytes(32)
_ORDER: Final = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_IN_A_WALLET: Final = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,"
    b"bytes32 salt)" + _ORDER
)
_WALLET_NAME: Final = b"DepositWallet"
_WALLET_VERSION: Final = b"1"


class Exchange(Enum):
    """Which contract settles a market, with the version of its signed domain: a wrong one makes no valid order.

    `V3` settles what the venue calls protocol V2; no ordinary market used it on 2026-10-07 (section 1).
    """

    STANDARD = (venue.STANDARD_EXCHANGE, "2")
    NEG_RISK = (venue.NEG_RISK_EXCHANGE, "2")
    V3 = (venue.EXCHANGE_V3, "3")

    @cached_property
    def domain(self) -> Domain:
        """For which contract orders are signed."""
        contract, version = self.value
        return Domain(venue.EXCHANGE_NAME, version, venue.CHAIN_ID, contract)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is signed. `at_ms` and `salt` make it unique: the same draft again is the same order."""

    token_id: str
    side: Side
    amounts: Amounts
    exchange: Exchange
    salt: int
    at_ms: int
    builder: bytes = NOTHING

    def __post_init__(self) -> None:
        if not 0 <= self.salt <= venue.MOST_SALT:
            raise ValueError(f"expected a salt of at most 53 bits, found {self.salt}")


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """A draft with its id (0x and 64 digits) and the signature that goes with it."""

    draft: Draft
    maker: str
    signer: str
    signature_type: int
    order_id: str
    signature: str


def hash_of(draft: Draft, wallet: Wallet) -> str:
    """Return the id of a wallet's order, signed or not."""
    return f"0x{draft.exchange.domain.digest(_struct_of(draft, wallet)).hex()}"


def sign_order(draft: Draft, wallet: Wallet) -> SignedOrder:
    """Return the order of a wallet with its id."""
    domain, struct = draft.exchange.domain, _struct_of(draft, wallet)
    digest = domain.digest(struct)
    signature = wallet.owner.sign(digest)
    if wallet.kind is WalletKind.DEPOSIT:
        signature = _through_wallet(wallet, domain, struct)
    order_id, text = f"0x{digest.hex()}", f"0x{signature.hex()}"
    return SignedOrder(draft, wallet.funder, wallet.signer, int(wallet.kind), order_id, text)


def _struct_of(draft: Draft, wallet: Wallet) -> bytes:
    return struct_hash(
        _ORDER,
        draft.salt,
        wallet.funder,
        wallet.signer,
        int(draft.token_id),
        draft.amounts.offered,
        draft.amounts.requested,
        0 if draft.side == "BUY" else 1,
        int(wallet.kind),
        draft.at_ms,
        NOTHING,
        draft.builder,
    )


def _through_wallet(wallet: Wallet, domain: Domain, struct: bytes) -> bytes:
    nested = struct_hash(
        _IN_A_WALLET,
        struct,
        keccak(_WALLET_NAME),
        keccak(_WALLET_VERSION),
        venue.CHAIN_ID,
        wallet.funder,
        NOTHING,
    )
    signature = wallet.owner.sign(domain.digest(nested))
    return signature + domain.separator + struct + _ORDER + len(_ORDER).to_bytes(2)
