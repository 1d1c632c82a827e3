import asyncio
import pickle
import selectors
from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kalshi.signing import BadCredentials, Credentials, NotForWriting, SignedAhead

KEY_ID = "3f0e9c1a-5b7d-4e9a-8c6f-1d2b3a4e5f60"
NOW_NS = 1_703_123_456_789_999_999
ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def verify(key, headers, text):
    signature = b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        key.public_key().verify(signature, text)
    else:
        pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
        key.public_key().verify(signature, text, pss, SHA256())


@pytest.mark.parametrize("key", [ED, RSA], ids=["ed25519", "rsa"])
@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["GET", "POST", "DELETE", "put"]),
    st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=40).map("/trade-api/v2/{}".format),
    st.integers(0, 4_000_000_000_000_000_000),
    st.sampled_from(["", "?market_ticker=A&exchange_index=2"]),
)
def test_the_public_key_verifies_what_is_signed_and_the_query_is_left_out(key, method, path, now_ns, query):
    headers = Credentials.from_pem(KEY_ID, pem(key)).sign(method, path + query, now_ns)
    at_ms = str(now_ns // 1_000_000)
    assert (headers["KALSHI-ACCESS-KEY"], headers["KALSHI-ACCESS-TIMESTAMP"]) == (KEY_ID, at_ms)
    verify(key, headers, f"{at_ms}{method.upper()}{path}".encode())


def test_the_text_is_the_documented_one():
    headers = Credentials(KEY_ID, ED).sign("GET", "/trade-api/v2/portfolio/balance", NOW_NS)
    verify(ED, headers, b"1703123456789GET/trade-api/v2/portfolio/balance")
    with pytest.raises(InvalidSignature):
        verify(ED, headers, b"1703123456789POST/trade-api/v2/portfolio/balance")


@pytest.mark.parametrize("text", [pem(RSA, PrivateFormat.TraditionalOpenSSL), pem(ED).replace("\n", "\\n")])
def test_older_forms_and_written_line_ends_are_read(text):
    Credentials.from_pem(KEY_ID, text)


def test_the_environment_gives_a_key_as_text_or_as_a_file(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem(ED))
    as_text = Credentials.from_environment({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY": pem(ED)})
    as_file = Credentials.from_environment({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY_FILE": str(file)})
    assert as_text.sign("GET", "/x", NOW_NS) == as_file.sign("GET", "/x", NOW_NS)


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256R1())
SECRET = pem(ED).splitlines()[1]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "KALSHI_API_KEY"),
        ({"KALSHI_API_KEY": KEY_ID}, "neither"),
        ({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY": pem(ED), "KALSHI_PRIVATE_KEY_FILE": "x"}, "both"),
        ({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY_FILE": "/nowhere/at/all"}, "FileNotFoundError"),
        ({"KALSHI_API_KEY": f"{KEY_ID}\n", "KALSHI_PRIVATE_KEY": pem(ED)}, "key id"),
        ({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY": SECRET}, "in PEM"),
        ({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY": pem(CURVE)}, "RSA or Ed25519"),
        ({"KALSHI_API_KEY": KEY_ID, "KALSHI_PRIVATE_KEY": pem(WEAK)}, "2048"),
        (
            {
                "KALSHI_API_KEY": KEY_ID,
                "KALSHI_PRIVATE_KEY": pem(ED, encryption=BestAvailableEncryption(b"x")),
            },
            "unencrypted",
        ),
    ],
)
def test_bad_credentials_are_refused_without_quoting_them(environ, words):
    with pytest.raises(BadCredentials, match=words) as caught:
        Credentials.from_environment(environ)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    said = f"{caught.value!r} {caught.value}"
    assert SECRET not in said
    assert KEY_ID not in said


def test_nothing_shows_or_copies_the_secret():
    credentials = Credentials(KEY_ID, ED)
    for shown in (repr(credentials), str(credentials), f"{[credentials]}", repr(replace(credentials))):
        assert KEY_ID not in shown
        assert "Ed25519" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


ORDERS_PATH = "/trade-api/v2/portfolio/events/orders"


class Jumping(selectors.DefaultSelector):
    """Waits for nothing: what the loop would have slept has passed at once."""

    secs = 0.0

    def select(self, timeout=None):
        self.secs += timeout or 0.0
        return super().select(0)


class Ahead:
    """A signer that works ahead for orders, on a loop whose time jumps; `set_by_secs` is by how much its clock was set."""

    def __init__(self, loop):
        self._loop = loop
        self.set_by_secs = 0.0
        self.signer = SignedAhead(Credentials(KEY_ID, RSA), lambda: self.now_ns)
        self.signer.start("POST", ORDERS_PATH)

    @property
    def now_ns(self):
        return 1_000_000_000 * 10**9 + round((self._loop.time() + self.set_by_secs) * 1e9)

    def sign(self, method="POST", path=ORDERS_PATH):
        """Return how old the headers are, in milliseconds, and their signature; it must be a true one."""
        headers = self.signer.sign(method, path, self.now_ns)
        at_ms = headers["KALSHI-ACCESS-TIMESTAMP"]
        verify(RSA, headers, f"{at_ms}{method}{path}".encode())
        return self.now_ns // 1_000_000 - int(at_ms), headers["KALSHI-ACCESS-SIGNATURE"]


def ahead(work):
    async def working():
        await work(Ahead(loop))

    waits = Jumping()
    loop = asyncio.SelectorEventLoop(waits)
    loop.time = lambda: waits.secs
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(working())


def test_an_order_goes_out_with_a_signature_made_before_and_no_two_with_the_same():
    async def work(scene):
        await asyncio.sleep(0.05)
        (age, first), (second_age, second) = scene.sign(), scene.sign()
        assert (age, second_age) == (50, 0)
        assert first != second

    ahead(work)


def test_what_is_not_that_order_is_signed_when_it_leaves():
    async def work(scene):
        await asyncio.sleep(0.05)
        for method, path in (
            ("GET", ORDERS_PATH),
            ("POST", f"{ORDERS_PATH}/batched"),
            ("DELETE", ORDERS_PATH),
        ):
            assert scene.sign(method, path)[0] == 0
        assert scene.sign()[0] == 50

    ahead(work)


def test_the_next_one_is_made_when_the_order_that_used_one_has_left():
    async def work(scene):
        await asyncio.sleep(0.05)
        scene.sign()
        await asyncio.sleep(0.001)
        assert scene.sign()[0] == 0
        await asyncio.sleep(0.1)
        assert scene.sign()[0] == pytest.approx(98, abs=1)

    ahead(work)


@pytest.mark.parametrize("secs", [0.2, 1.1, 7.3, 60.1])
def test_one_is_renewed_before_it_is_old_however_long_nothing_is_sent(secs):
    async def work(scene):
        await asyncio.sleep(secs)
        assert 0 < scene.sign()[0] <= 250

    ahead(work)


@pytest.mark.parametrize("secs", [5.0, 0.5, -0.002, -5.0])
def test_one_by_a_clock_that_was_set_since_is_not_used(secs):
    async def work(scene):
        scene.set_by_secs = secs
        assert scene.sign()[0] == 0

    ahead(work)


def test_none_is_held_after_the_end():
    async def work(scene):
        scene.signer.stop()
        await asyncio.sleep(0.3)
        assert "is_ready=False" in repr(scene.signer)
        assert scene.sign()[0] == 0

    ahead(work)


def test_a_key_that_signs_at_once_works_nothing_ahead():
    quick = SignedAhead(Credentials(KEY_ID, ED), lambda: NOW_NS)
    quick.start("POST", ORDERS_PATH)
    assert "is_ready=False" in repr(quick)
    verify(ED, quick.sign("POST", ORDERS_PATH, NOW_NS), f"1703123456789POST{ORDERS_PATH}".encode())


def test_a_key_that_may_only_read_signs_no_order_ahead():
    reader = SignedAhead(Credentials(KEY_ID, RSA).for_reading(), lambda: NOW_NS)
    with pytest.raises(NotForWriting):
        reader.start("POST", ORDERS_PATH)
    assert KEY_ID not in repr(reader)
