"""Who signed it: the EIP-712 order of the V2 exchange, the wallet login (L1) and the request HMAC (L2).

From polymarket.md sections 3 to 5. Hashes are built by hand from the page's type strings; only keccak
and the recovery of a secp256k1 key come from libraries.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from coincurve import PublicKey
from eth_utils.crypto import keccak

from simulation.wire.polymarket_errors import VenueError

CHAIN_ID: Final = 137
STANDARD_EXCHANGE: Final = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE: Final = "0xe2222d279d744050d28e00520010520000310F59"

ORDER_TYPE: Final = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_LOGIN_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId)"
_LOGIN_TYPE: Final = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_LOGIN_TEXT: Final = b"This message attests that I control the given wallet"
_WALLET_TYPE: Final = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,"
    b"bytes32 salt)" + ORDER_TYPE
)
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

BAD_KEY: Final = "Unauthorized/Invalid api key"
BAD_LOGIN: Final = "Invalid L1 Request headers"


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """The eleven signed fields, as numbers and text, and the signature over them."""

    salt: int
    maker: str
    signer: str
    token_id: int
    maker_amount: int
    taker_amount: int
    side: int
    signature_type: int
    timestamp: int
    metadata: str
    builder: str
    signature: str

    def struct_hash(self) -> bytes:
        """The hash of the struct; ValueError when a field does not fit its type."""
        return keccak(
            keccak(ORDER_TYPE)
            + _number(self.salt)
            + _address(self.maker)
            + _address(self.signer)
            + _number(self.token_id)
            + _number(self.maker_amount)
            + _number(self.taker_amount)
            + _number(self.side)
            + _number(self.signature_type)
            + _number(self.timestamp)
            + _bytes32(self.metadata)
            + _bytes32(self.builder)
        )


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Credentials of one wallet owner. Made up here, worth nothing anywhere."""

    key: str
    secret: str
    passphrase: str
    address: str


def exchange_of(*, neg_risk: bool) -> str:
    """The contract against which orders of a market are signed."""
    return NEG_RISK_EXCHANGE if neg_risk else STANDARD_EXCHANGE


def order_id(order: SignedOrder, exchange: str) -> str:
    """The EIP-712 digest of an order, which is its id for every kind of wallet."""
    return "0x" + _digest(_exchange_domain(exchange), order.struct_hash()).hex()


def signed_by(order: SignedOrder, exchange: str) -> str | None:
    """The owner whose key signed an order, lower case; None when the signature does not fit it."""
    try:
        raw = bytes.fromhex(order.signature.removeprefix("0x"))
        if order.signature_type == 3:
            return _signed_by_owner_of_wallet(order, exchange, raw)
        found = recover(_digest(_exchange_domain(exchange), order.struct_hash()), raw)
    except ValueError:
        return None
    if order.signature_type not in (0, 1, 2) or found != order.signer.lower():
        return None
    if order.signature_type == 0 and order.maker.lower() != found:
        return None
    return found


def recover(digest: bytes, signature: bytes) -> str:
    """The address that signed a digest; ValueError for what is no strict 65-byte signature."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise ValueError(f"expected 65 bytes that end in 27 or 28, found {len(signature)}")
    if not 0 < int.from_bytes(signature[32:64]) <= _HALF_ORDER:
        raise ValueError("expected a low s, found a high one")
    compact = signature[:64] + bytes([signature[64] - 27])
    public = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    return "0x" + keccak(public.format(compressed=False)[1:])[-20:].hex()


def login_digest(address: str, timestamp: str, nonce: int) -> bytes:
    """The digest that a wallet signs to get its credentials (section 4.1)."""
    domain = keccak(keccak(_LOGIN_DOMAIN_TYPE) + keccak(b"ClobAuthDomain") + keccak(b"1") + _number(CHAIN_ID))
    struct = keccak(
        keccak(_LOGIN_TYPE)
        + _address(address)
        + keccak(timestamp.encode())
        + _number(nonce)
        + keccak(_LOGIN_TEXT)
    )
    return _digest(domain, struct)


def request_signature(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The L2 HMAC of a request (section 4.2); `path` without its query, `body` exactly as sent."""
    text = timestamp.encode() + method.encode() + path.encode() + body
    key = base64.urlsafe_b64decode(secret)
    return base64.urlsafe_b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class Doorkeeper:
    """Gives credentials to wallets that log in and checks the requests that use them."""

    def __init__(self, max_skew_secs: int, seed: int) -> None:
        self.max_skew_secs = max_skew_secs
        self.keys: dict[str, ApiKey] = {}
        self._seed = seed

    def login(self, headers: Mapping[str, str], now_secs: int) -> tuple[str, int]:
        """The address and nonce of a wallet that proves itself (L1); 401 otherwise."""
        address, stamp = headers.get("POLY_ADDRESS", ""), headers.get("POLY_TIMESTAMP", "")
        nonce = headers.get("POLY_NONCE", "0")
        if not (self._is_fresh(stamp, now_secs) and nonce.isdecimal()):
            raise VenueError(401, BAD_LOGIN)
        try:
            raw = bytes.fromhex(headers.get("POLY_SIGNATURE", "").removeprefix("0x"))
            found = recover(login_digest(address, stamp, int(nonce)), raw)
        except ValueError:
            raise VenueError(401, BAD_LOGIN) from None
        if found != address.lower():
            raise VenueError(401, BAD_LOGIN)
        return found, int(nonce)

    def create(self, address: str, nonce: int) -> ApiKey:
        """Make the credentials of an address and nonce; 400 when they exist."""
        made = self._make(address, nonce)
        if made.key in self.keys:
            raise VenueError(400, "Could not create api key")
        self.keys[made.key] = made
        return made

    def derive(self, address: str, nonce: int) -> ApiKey:
        """Give the credentials of an address and nonce again; 400 when there are none."""
        made = self._make(address, nonce)
        if made.key not in self.keys:
            raise VenueError(400, "Could not derive api key!")
        return made

    def identify(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, now_secs: int
    ) -> ApiKey:
        """The key behind a request (L2); 401 unless key, passphrase, address, clock and HMAC all fit."""
        key = self.keys.get(headers.get("POLY_API_KEY", ""))
        stamp = headers.get("POLY_TIMESTAMP", "")
        if key is None or not self._is_fresh(stamp, now_secs):
            raise VenueError(401, BAD_KEY)
        claims = (headers.get("POLY_PASSPHRASE", ""), headers.get("POLY_ADDRESS", "").lower())
        expected = request_signature(key.secret, stamp, method, path, body)
        given = headers.get("POLY_SIGNATURE", "")
        if claims != (key.passphrase, key.address) or not hmac.compare_digest(
            given.encode(), expected.encode()
        ):
            raise VenueError(401, BAD_KEY)
        return key

    def knows(self, key: str, secret: str, passphrase: str) -> ApiKey | None:
        """The key of a user stream's first frame, None unless all three fit."""
        found = self.keys.get(key)
        return found if found and (found.secret, found.passphrase) == (secret, passphrase) else None

    def _is_fresh(self, stamp: str, now_secs: int) -> bool:
        return stamp.isdecimal() and abs(int(stamp) - now_secs) <= self.max_skew_secs

    def _make(self, address: str, nonce: int) -> ApiKey:
        root = keccak(f"{self._seed} {address.lower()} {nonce}".encode())
        text = root.hex()
        key = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"
        secret = base64.urlsafe_b64encode(keccak(root)).decode()
        return ApiKey(key, secret, keccak(root + b"passphrase").hex(), address.lower())


def _signed_by_owner_of_wallet(order: SignedOrder, exchange: str, raw: bytes) -> str | None:
    """Check the wrapped signature of a deposit wallet (section 4.3, type 3)."""
    domain, contents = _exchange_domain(exchange), order.struct_hash()
    tail = domain + contents + ORDER_TYPE + len(ORDER_TYPE).to_bytes(2)
    if order.maker.lower() != order.signer.lower() or raw[65:] != tail:
        return None
    struct = keccak(
        keccak(_WALLET_TYPE)
        + contents
        + keccak(b"DepositWallet")
        + keccak(b"1")
        + _number(CHAIN_ID)
        + _address(order.maker)
        + bytes(32)
    )
    return recover(_digest(domain, struct), raw[:65])


@lru_cache(maxsize=8)
def _exchange_domain(exchange: str) -> bytes:
    return keccak(
        keccak(_DOMAIN_TYPE)
        + keccak(b"Polymarket CTF Exchange")
        + keccak(b"2")
        + _number(CHAIN_ID)
        + _address(exchange)
    )


def _digest(domain: bytes, struct: bytes) -> bytes:
    return keccak(b"\x19\x01" + domain + struct)


def _number(value: int) -> bytes:
    if not 0 <= value < 1 << 256:
        raise ValueError(f"expected a number of 256 bits, found {value}")
    return value.to_bytes(32)


def _bytes32(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 32:
        raise ValueError(f"expected 32 bytes, found {len(raw)}")
    return raw


def _address(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError(f"expected 20 bytes, found {len(raw)}")
    return raw.rjust(32, b"\0")
