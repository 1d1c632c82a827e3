"""Who we are: a wallet's key that signs orders, and API credentials that sign requests.

Both come from the environment and appear in no `repr`, log or error. Source: reference, section 4.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Final, Self

from coincurve import PrivateKey

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.hashing import Domain, address_of, checked_address, keccak, struct_hash
from adapters.polymarket.signing.wallets import WalletKind, proxy_address, safe_address

PRIVATE_KEY_NAME: Final = "POLYMARKET_PRIVATE_KEY"
API_KEY_NAME: Final = "POLYMARKET_API_KEY"
API_SECRET_NAME: Final = "POLYMARKET_API_SECRET"
PASSPHRASE_NAME: Final = "POLYMARKET_API_PASSPHRASE"

_KEY_BYTES: Final = 32
_SECOND_NS: Final = 1_000_000_000
_LOGIN: Final = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_LOGIN_DOMAIN: Final = Domain("ClobAuthDomain", "1", venue.CHAIN_ID)
_ATTEST: Final = "This message attests that I control the given wallet"


class BadCredentials(ValueError):
    """A key or secret cannot be used; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The key of the account that owns the funds. `address` is public, the key never leaves."""

    address: str
    _key: PrivateKey = field(repr=False)

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Return the owner of a private key (64 hexadecimal digits, 0x allowed); BadCredentials otherwise."""
        try:
            raw = bytes.fromhex(text.strip().removeprefix("0x"))
            key = PrivateKey(raw) if len(raw) == _KEY_BYTES else None  # it would fill up a shorter one
        except ValueError:
            key = None  # the cause may quote the key: it goes no further
        if key is None:
            raise BadCredentials(
                f"expected 64 hexadecimal digits of a private key in {PRIVATE_KEY_NAME}, found something else"
            )
        public = key.public_key.format(compressed=False)[1:]
        return cls(address_of(keccak(public)[12:]), key)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Return the owner that POLYMARKET_PRIVATE_KEY gives; BadCredentials without one."""
        text = environ.get(PRIVATE_KEY_NAME, "")
        if not text:
            raise BadCredentials(f"expected {PRIVATE_KEY_NAME} in the environment, found none")
        return cls.from_hex(text)

    def sign(self, digest: bytes) -> bytes:
        """Return the 65 bytes r, s, v of a signature over 32 bytes that are hashed already."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def login_headers(self, now_ns: int, nonce: int = 0) -> dict[str, str]:
        """Return the headers that make or derive API credentials at `now_ns` (L1)."""
        at_secs = str(now_ns // _SECOND_NS)
        struct = struct_hash(_LOGIN, self.address, keccak(at_secs.encode()), nonce, keccak(_ATTEST.encode()))
        return {
            "POLY_ADDRESS": self.address,
            "POLY_SIGNATURE": "0x" + self.sign(_LOGIN_DOMAIN.digest(struct)).hex(),
            "POLY_TIMESTAMP": at_secs,
            "POLY_NONCE": str(nonce),
        }


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """What signs requests for an owner's address (L2). Three secrets: none of them is shown."""

    address: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    _hmac_key: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in ((API_KEY_NAME, self.key), (PASSPHRASE_NAME, self.passphrase)):
            if not value or not value.isprintable():
                raise BadCredentials(f"expected {name} to hold text, found none or a broken one")
        try:
            decoded = urlsafe_b64decode(self.secret)
        except (BadBase64, ValueError):
            decoded = b""
        if not decoded:
            raise BadCredentials(f"expected url-safe base64 in {API_SECRET_NAME}, found something else")
        object.__setattr__(self, "_hmac_key", decoded)

    @classmethod
    def from_environment(cls, address: str, environ: Mapping[str, str]) -> Self | None:
        """Return the credentials that the environment holds for an owner, None when it holds none of them.

        BadCredentials when only some are there: they are made together.
        """
        names = (API_KEY_NAME, API_SECRET_NAME, PASSPHRASE_NAME)
        found = [environ.get(name, "") for name in names]
        if not any(found):
            return None
        if missing := [name for name, value in zip(names, found, strict=True) if not value]:
            raise BadCredentials(f"expected {', '.join(names)} together, found no {', '.join(missing)}")
        return cls(address, *found)

    def headers(self, method: str, path: str, now_ns: int, body: bytes = b"") -> dict[str, str]:
        """Return the headers of one request; a query in `path` is left out, `body` are the bytes that are sent."""
        at_secs = str(now_ns // _SECOND_NS)
        text = f"{at_secs}{method.upper()}{path.partition('?')[0]}".encode() + body
        signature = hmac_digest(self._hmac_key, text, sha256)
        return {
            "POLY_ADDRESS": self.address,
            "POLY_API_KEY": self.key,
            "POLY_PASSPHRASE": self.passphrase,
            "POLY_SIGNATURE": urlsafe_b64encode(signature).decode(),
            "POLY_TIMESTAMP": at_secs,
        }


@dataclass(frozen=True, slots=True)
class Wallet:
    """Who pays and is paid (`funder`), and who signs for it."""

    owner: Owner
    kind: WalletKind
    funder: str

    @classmethod
    def of(cls, owner: Owner, kind: WalletKind, funder: str | None = None) -> Self:
        """Return the wallet of an owner; a deposit wallet must be named, the others follow from the owner.

        ValueError when a named one is not the one that follows.
        """
        follows = {WalletKind.EOA: owner.address, WalletKind.PROXY: proxy_address(owner.address)} | {
            WalletKind.SAFE: safe_address(owner.address)
        }
        derived = follows.get(kind)
        named = None if funder is None else checked_address(funder)
        if derived is None and named is None:
            raise ValueError(f"expected the address of a {kind.name.lower()} wallet, found none")
        if derived is not None and named not in (None, derived):
            raise ValueError(f"expected the {kind.name.lower()} wallet {derived}, found {named}")
        return cls(owner, kind, named or str(derived))

    @property
    def signer(self) -> str:
        """Who the order says has signed it: a deposit wallet signs through its owner, in its own name."""
        return self.funder if self.kind is WalletKind.DEPOSIT else self.owner.address
