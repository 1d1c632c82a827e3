"""EIP-712 as far as the venue needs it: words of 32 bytes, structs, domains, digests."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

try:
    from sha3 import keccak_256
except ImportError:  # it has wheels for Linux alone; this is the same hash, four times as slow
    from Crypto.Hash import keccak as _slow

    def keccak_256(data: bytes) -> Any:
        """Return a hash object over `data`."""
        return _slow.new(digest_bits=256, data=data)


_DOMAIN: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_BARE_DOMAIN: Final = b"EIP712Domain(string name,string version,uint256 chainId)"
_ADDRESS_BYTES: Final = 20


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 hash that Ethereum uses, which is not SHA3-256."""
    return bytes(keccak_256(data).digest())


def address_of(raw: bytes) -> str:
    """Return 20 bytes as an address with the capitals of its checksum (EIP-55)."""
    # Not eth_utils' own, which loads pydantic: 0.13 s at each start of a supervisor.
    digits = raw.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks, strict=False)
    )


def word(value: int | bytes | str) -> bytes:
    """Return a number, 32 bytes or an address (0x and 40 digits) as one word; ValueError for what does not fit."""
    if isinstance(value, int):
        try:
            return value.to_bytes(32)
        except OverflowError as error:
            raise ValueError(f"expected a number of 0 to 256 bits, found {value}") from error
    if isinstance(value, str):
        return _word_of_address(value)
    if len(value) != 32:
        raise ValueError(f"expected 32 bytes, found {len(value)}")
    return value


def checked_address(text: str) -> str:
    """Return an address with the capitals of its checksum; ValueError when it is none or they are wrong."""
    digits = text.removeprefix("0x")
    try:
        raw = bytes.fromhex(digits) if text.startswith("0x") else b""
    except ValueError:
        raw = b""
    if len(raw) != _ADDRESS_BYTES or len(digits) != 2 * _ADDRESS_BYTES:  # it passes over blanks
        raise ValueError(f"expected an address of 0x and 40 hexadecimal digits, found {text!r}")
    found = address_of(raw)
    if digits not in (digits.lower(), digits.upper()) and found != text:
        raise ValueError(f"expected the checksum address {found}, found {text}")
    return found


def struct_hash(kind: bytes, *members: int | bytes | str) -> bytes:
    """Return the hash of a struct whose type text is `kind`; texts among its members come hashed already."""
    return keccak(_type_hash(kind) + b"".join(map(word, members)))


@lru_cache
def _type_hash(kind: bytes) -> bytes:
    return keccak(kind)


@lru_cache  # an order names the same few again and again, and a checksum costs more than the hash of the order
def _word_of_address(text: str) -> bytes:
    return bytes.fromhex(checked_address(text)[2:]).rjust(32, b"\0")


@dataclass(frozen=True)
class Domain:
    """For whom something is signed; without a contract it is the venue's server."""

    name: str
    version: str
    chain_id: int
    contract: str | None = None

    @cached_property
    def separator(self) -> bytes:
        """The hash that goes into every digest of this domain."""
        members = (keccak(self.name.encode()), keccak(self.version.encode()), self.chain_id)
        if self.contract is None:
            return struct_hash(_BARE_DOMAIN, *members)
        return struct_hash(_DOMAIN, *members, self.contract)

    def digest(self, struct: bytes) -> bytes:
        """Return what is signed of a struct's hash."""
        return keccak(b"\x19\x01" + self.separator + struct)
