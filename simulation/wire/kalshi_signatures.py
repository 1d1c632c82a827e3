"""Who may talk to the double: keys, scopes and the check of a signed request (kalshi.md section 2)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from simulation.wire.kalshi_errors import VenueError

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"

ALL_SCOPES: Final = frozenset({"read", "write::trade", "write::transfer"})

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)

PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the venue knows of a key: never the private half. `subaccount` locks it to one."""

    key_id: str
    user: str
    public: PublicKey
    scopes: frozenset[str] = ALL_SCOPES
    subaccount: int | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs: the id and the private key as PKCS#8 PEM. Made up here, worth nothing anywhere."""

    key_id: str
    private_pem: str

    def headers(self, method: str, path: str, timestamp_ms: int) -> dict[str, str]:
        """Sign as a client does; `path` starts at /trade-api and has no query."""
        key = _load(self.private_pem)
        text = f"{timestamp_ms}{method}{path}".encode()
        if isinstance(key, ed25519.Ed25519PrivateKey):
            signature = key.sign(text)
        elif isinstance(key, rsa.RSAPrivateKey):
            signature = key.sign(text, _PSS, hashes.SHA256())
        else:
            raise TypeError(f"expected an RSA or Ed25519 key for {self.key_id}, found {type(key).__name__}")
        return {
            KEY_HEADER: self.key_id,
            TIMESTAMP_HEADER: str(timestamp_ms),
            SIGNATURE_HEADER: base64.b64encode(signature).decode(),
        }


def make_key_pair(kind: Literal["rsa", "ed25519"] = "ed25519") -> tuple[str, PublicKey]:
    """Make a fresh key; return its private PEM and its public half."""
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), private.public_key()


class Doorkeeper:
    """Checks signed requests against the known keys."""

    def __init__(self, max_skew_ms: int, *, enforce: bool) -> None:
        self.max_skew_ms = max_skew_ms
        self.enforce = enforce
        self.keys: dict[str, ApiKey] = {}

    def identify(self, method: str, path: str, headers: Mapping[str, str], now_ms: int) -> ApiKey:
        """Return the key behind a request; 401 `token_authentication_failure` unless everything fits."""
        key = self.keys.get(headers.get(KEY_HEADER, ""))
        stamp = headers.get(TIMESTAMP_HEADER, "")
        if key is None:
            raise _refused("unknown key")
        if not self.enforce:
            return key
        if not stamp.isdecimal() or abs(int(stamp) - now_ms) > self.max_skew_ms:
            raise _refused("timestamp outside the accepted window")
        if not _is_valid(key.public, headers.get(SIGNATURE_HEADER, ""), f"{stamp}{method}{path}".encode()):
            raise _refused("wrong signature")
        return key


def require_scope(key: ApiKey, scope: str) -> None:
    """403 unless the key carries the scope or its parent (`write` covers `write::trade`)."""
    if scope not in key.scopes and scope.partition("::")[0] not in key.scopes:
        raise VenueError(403, "insufficient_scope", "forbidden", f"key lacks {scope}")


def require_subaccount(key: ApiKey, subaccount: int) -> None:
    """403 when a key is locked to another subaccount."""
    if key.subaccount is not None and key.subaccount != subaccount:
        raise VenueError(403, "forbidden", "forbidden", f"key is locked to subaccount {key.subaccount}")


@lru_cache(maxsize=64)
def _load(pem: str) -> object:
    return serialization.load_pem_private_key(pem.encode(), password=None)


def _refused(details: str) -> VenueError:
    return VenueError(401, "token_authentication_failure", "token authentication failure", details)


def _is_valid(public: PublicKey, signature_text: str, text: bytes) -> bool:
    try:
        signature = base64.b64decode(signature_text, validate=True)
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, text)
        else:
            public.verify(signature, text, _PSS, hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
