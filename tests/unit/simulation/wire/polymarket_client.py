"""A wallet that talks to the Polymarket double over real HTTP, for its tests."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import aiohttp
from coincurve import PrivateKey
from eth_utils.crypto import keccak
from polymarket_stage import CONDITION, NO, START_NS, YES

from simulation.wire.fault_plan import FaultPlan
from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import Market
from simulation.wire.polymarket_signatures import (
    STANDARD_EXCHANGE,
    SignedOrder,
    login_digest,
    order_id,
    request_signature,
)
from simulation.wire.polymarket_units import ONE


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def __call__(self) -> int:
        return self.at_ns

    def after(self, secs: float) -> None:
        """Move it."""
        self.at_ns += int(secs * 1e9)


class Client:
    """One wallet (type 0) with its key and, after `login`, its credentials."""

    def __init__(self, session, base, clock, number):
        self.session, self.base, self.clock = session, base, clock
        self.key = PrivateKey(number.to_bytes(32))
        self.address = "0x" + keccak(self.key.public_key.format(compressed=False)[1:])[-20:].hex()
        self.credentials = {}
        self._salt = number << 20

    def sign(self, digest: bytes) -> str:
        """A 65-byte signature."""
        raw = self.key.sign_recoverable(digest, hasher=None)
        return "0x" + (raw[:64] + bytes([raw[64] + 27])).hex()

    async def login(self, method="POST", path="/auth/api-key"):
        """Get credentials."""
        stamp = str(self.clock.at_ns // 10**9)
        headers = {
            "POLY_ADDRESS": self.address, "POLY_TIMESTAMP": stamp, "POLY_NONCE": "0",
            "POLY_SIGNATURE": self.sign(login_digest(self.address, stamp, 0)),
        }  # fmt: skip
        async with self.session.request(method, self.base + path, headers=headers) as answer:
            body = await answer.json()
            if answer.status == 200:
                self.credentials = body
            return answer.status, body

    async def ask(self, method, path, body=None, **query):
        """A signed request; return status and body."""
        text = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        stamp = str(self.clock.at_ns // 10**9)
        headers = {
            "POLY_ADDRESS": self.address, "POLY_API_KEY": self.credentials["apiKey"],
            "POLY_PASSPHRASE": self.credentials["passphrase"], "POLY_TIMESTAMP": stamp,
            "POLY_SIGNATURE": request_signature(self.credentials["secret"], stamp, method, path, text),
        }  # fmt: skip
        sent = {"data": text} if body is not None else {}
        async with self.session.request(
            method, self.base + path, headers=headers, params=query, **sent
        ) as answer:
            return answer.status, await answer.json()

    async def read(self, path, **query):
        """A public read."""
        async with self.session.get(self.base + path, params=query) as answer:
            return answer.status, await answer.json()

    def order(self, token, side, price, shares, kind="GTC", expiration="0", **more):
        """A signed body; price in whole cents, shares whole."""
        self._salt += 1
        money, size = price * shares * ONE // 100, shares * ONE
        maker, taker = (money, size) if side == "BUY" else (size, money)
        signed = SignedOrder(
            self._salt, self.address, self.address, int(token), maker, taker, 0 if side == "BUY" else 1, 0,
            self.clock.at_ns // 10**6, "0x" + "00" * 32, "0x" + "00" * 32, "",
        )  # fmt: skip
        found = order_id(signed, STANDARD_EXCHANGE)
        wire = {
            "salt": signed.salt, "maker": self.address, "signer": self.address, "tokenId": token,
            "makerAmount": str(maker), "takerAmount": str(taker), "side": side, "expiration": expiration,
            "timestamp": str(signed.timestamp), "metadata": signed.metadata, "builder": signed.builder,
            "signature": self.sign(bytes.fromhex(found[2:])), "signatureType": 0,
        }  # fmt: skip
        return {
            "deferExec": False,
            "order": wire,
            "orderType": kind,
            "owner": self.credentials["apiKey"],
        } | more

    async def place(self, *order, **more):
        """Post an order."""
        return await self.ask("POST", "/order", self.order(*order, **more))


def rehearse(work: Callable[..., Awaitable[None]], settings=None, plan: FaultPlan | None = None) -> None:
    """Run `work(double, alice, bob)` on a started double; both wallets are funded and logged in."""

    async def main() -> None:
        clock = Clock()
        double = PolymarketDouble(settings or PolymarketSettings(tick_ms=5), 7, clock, plan)
        double.exchange.list_market(Market(CONDITION, (YES, NO)))
        base = await double.start()
        try:
            async with aiohttp.ClientSession() as session:
                clients = [Client(session, base, clock, number) for number in (11, 12)]
                for client in clients:
                    assert (await client.login())[0] == 200
                    double.exchange.ledger.deposit(client.address, 1_000 * ONE)
                await asyncio.wait_for(work(double, *clients), 60)
        finally:
            await double.stop()
        assert double.errors == []
        assert double.audit() == []

    asyncio.run(main())


async def until(test: Callable[[], bool], secs: float = 30) -> None:
    """Wait for a condition; TimeoutError after `secs`."""
    async with asyncio.timeout(secs):
        while not test():
            await asyncio.sleep(0.005)
