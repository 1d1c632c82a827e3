"""Who we are to Kalshi, and the signature that proves it. Nothing here is ever logged or shown.

Text signed: milliseconds since the epoch, upper-case method, path without its query (reference, section 2;
official SDK 3.34.0, read 2026-11-20). The body is not signed.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self, override

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KEY_ID_NAME: Final = "KALSHI_API_KEY"
PRIVATE_KEY_NAME: Final = "KALSHI_PRIVATE_KEY"
PRIVATE_KEY_FILE_NAME: Final = "KALSHI_PRIVATE_KEY_FILE"

_PADDING: Final = PSS(mgf=MGF1(SHA256()), salt_length=32)
_HASH: Final = SHA256()
_LEAST_RSA_BITS: Final = 2048
_MILLISECOND_NS: Final = 1_000_000
_MOST_AGE_NS: Final = 500 * _MILLISECOND_NS
_RENEWED_SECS: Final = 0.25
_AFTER_USE_SECS: Final = 0.002  # the request that used one leaves first


class NotForWriting(PermissionError):
    """Something other than a read was to be signed by a process that may only read."""


class BadCredentials(ValueError):
    """The key or its id cannot be used; the message never quotes them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key id and the private key, RSA or Ed25519; neither appears in `repr`, `str` or an error.

    With `reads_only` nothing but a read is ever signed.
    """

    key_id: str = field(repr=False)
    private_key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)
    reads_only: bool = False

    def __post_init__(self) -> None:
        if not self.key_id or self.key_id.strip() != self.key_id or not self.key_id.isprintable():
            raise BadCredentials(
                f"expected a key id without blanks in {KEY_ID_NAME}, found none or a broken one"
            )
        if isinstance(self.private_key, RSAPrivateKey) and self.private_key.key_size < _LEAST_RSA_BITS:
            raise BadCredentials(
                f"expected an RSA key of {_LEAST_RSA_BITS} bits or more, found a shorter one"
            )

    @classmethod
    def from_pem(cls, key_id: str, pem: str) -> Self:
        r"""Return the credentials with a private key in PEM text, unencrypted; its type is told by the text.

        Line ends may be written as `\n`, as environments often hold them. BadCredentials otherwise.
        """
        text = pem.replace("\\n", "\n").strip() + "\n"
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None  # the cause may quote the key: it goes no further
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise BadCredentials(
                "expected an unencrypted RSA or Ed25519 private key in PEM, found something else"
            )
        return cls(key_id, key)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Return the credentials that KALSHI_API_KEY and one of the two names of a private key give.

        KALSHI_PRIVATE_KEY holds PEM text, KALSHI_PRIVATE_KEY_FILE the path of such a file. BadCredentials
        when one is missing or both are given.
        """
        key_id = environ.get(KEY_ID_NAME, "")
        pem, file = environ.get(PRIVATE_KEY_NAME, ""), environ.get(PRIVATE_KEY_FILE_NAME, "")
        if not key_id:
            raise BadCredentials(f"expected {KEY_ID_NAME} in the environment, found none")
        if bool(pem) == bool(file):
            found = "both" if pem else "neither"
            raise BadCredentials(
                f"expected one of {PRIVATE_KEY_NAME} and {PRIVATE_KEY_FILE_NAME}, found {found}"
            )
        return cls.from_pem(key_id, pem or _text_of(file))

    def for_reading(self) -> Self:
        """Return the same key for a process that may place no order."""
        return replace(self, reads_only=True)

    def sign(self, method: str, path: str, now_ns: int, _body: bytes = b"") -> dict[str, str]:
        """Return the headers of one request at `now_ns`; query and body are no part of the signature.

        An RSA signature is different each time. Sign each attempt anew: a stale time is refused. NotForWriting
        when the key may only read.
        """
        if self.reads_only and method.upper() != "GET":
            raise NotForWriting(f"expected a read in a process that places no orders, found {method}")
        at_ms = str(now_ns // _MILLISECOND_NS)
        text = f"{at_ms}{method.upper()}{path.partition('?')[0]}".encode()
        if isinstance(self.private_key, Ed25519PrivateKey):
            signature = self.private_key.sign(text)
        else:
            signature = self.private_key.sign(text, _PADDING, _HASH)
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": at_ms,
            "KALSHI-ACCESS-SIGNATURE": b64encode(signature).decode(),
        }


class SignedAhead:
    """Signs as credentials do, and holds a signature for the next request of one kind ready.

    Time and path are signed, the body is not: so that of the next order can be made while nothing happens. Made
    with an RSA key it takes 0.4 to 0.7 ms, most of an order's way to the wire. Each goes out once at most, and none
    that is half a second old, or of another clock than the one that is signed by now: what the venue takes for stale is
    nowhere written, and a request may well be as long on its way.

    `time_ns` is the clock to sign by. Use it on one event loop.
    """

    def __init__(self, credentials: Credentials, time_ns: Callable[[], int]) -> None:
        self._credentials = credentials
        self._time_ns = time_ns
        self._wanted: tuple[str, str] | None = None
        self._ready: tuple[int, dict[str, str]] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    def __repr__(self) -> str:
        return f"SignedAhead({self._wanted}, is_ready={self._ready is not None})"

    def start(self, method: str, path: str) -> None:
        """Hold one ready from now on for this upper-case method and path; NotForWriting as `Credentials.sign`.

        With an Ed25519 key none is: it signs in 0.05 ms.
        """
        if isinstance(self._credentials.private_key, RSAPrivateKey):
            self._wanted = method, path
            self._prepare()

    def stop(self) -> None:
        """Hold none any more."""
        self._wanted = self._ready = None
        if self._timer is not None:
            self._timer.cancel()

    def sign(self, method: str, path: str, now_ns: int, _body: bytes = b"") -> dict[str, str]:
        """Return headers as `Credentials.sign` does; those held ready, if they are for this request."""
        if (method, path) == self._wanted:
            ready, self._ready = self._ready, None
            self._prepare_in(_AFTER_USE_SECS)
            if ready is not None and 0 <= now_ns - ready[0] < _MOST_AGE_NS:
                return ready[1]
        return self._credentials.sign(method, path, now_ns)

    def _prepare(self) -> None:
        if self._wanted is not None:
            now_ns = self._time_ns()
            self._ready = now_ns, self._credentials.sign(*self._wanted, now_ns)
            self._prepare_in(_RENEWED_SECS)

    def _prepare_in(self, secs: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(secs, self._prepare)


def _text_of(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        kind = type(error).__name__
    raise BadCredentials(f"expected a readable PEM file at {PRIVATE_KEY_FILE_NAME}, found {kind}")
