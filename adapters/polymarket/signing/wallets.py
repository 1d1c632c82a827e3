"""Where the money of an owner lies: its own address, or that of a contract which follows from it (CREATE2).

Source: reference, sections 3 and 4.3 (read 2026-11-20); the bytecode of the proxy is that of its factory on
Polygon, as the venue's SDK 0.14.0 states it.
"""

from enum import IntEnum
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.signing.hashing import address_of, keccak, word

_PROXY_CODE: Final = (
    "3d3d606380380380913d393d73{factory}5af4602a57600080fd5b602d8060366000396000f3"
    "363d3d373d3d3d363d73{implementation}5af43d82803e903d91602b57fd5bf3"
    "52e831dd" + f"{32:064x}" + f"{0:064x}"
)


class WalletKind(IntEnum):
    """Who holds the funds; the number is the order's `signatureType`."""

    EOA = 0
    PROXY = 1
    SAFE = 2
    DEPOSIT = 3


def proxy_address(owner: str) -> str:
    """Return the proxy wallet of an owner (accounts made by e-mail)."""
    factory, implementation = (
        one.removeprefix("0x").lower() for one in (venue.PROXY_FACTORY, venue.PROXY_IMPLEMENTATION)
    )
    code = bytes.fromhex(_PROXY_CODE.format(factory=factory, implementation=implementation))
    return _create2(venue.PROXY_FACTORY, keccak(_raw(owner)), keccak(code))


def safe_address(owner: str) -> str:
    """Return the safe of an owner (accounts made in a browser before mid-2026)."""
    return _create2(venue.SAFE_FACTORY, keccak(word(owner)), bytes.fromhex(venue.SAFE_INIT_CODE_HASH[2:]))


def _create2(factory: str, salt: bytes, code_hash: bytes) -> str:
    return address_of(keccak(b"\xff" + _raw(factory) + salt + code_hash)[12:])


def _raw(address: str) -> bytes:
    return word(address)[12:]
