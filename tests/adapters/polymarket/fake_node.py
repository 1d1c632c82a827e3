"""A node of the chain on loopback, which says what a test wants."""

import json
from contextlib import asynccontextmanager

from aiohttp import web

MONEY = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SPENDER = "0xada100db00ca00073811820692005400218fce1f"


def topic(address):
    return "0x" + address.lower()[2:].rjust(64, "0")


def paid(units, sender, receiver):
    """Return the log of a payment in pUSD."""
    return {
        "address": MONEY.lower(),
        "topics": [TRANSFER, topic(sender), topic(receiver)],
        "data": f"0x{units:064x}",
    }


class Node:
    """`sent` are the bytes that it took; `answers` says what it answers instead, by method."""

    def __init__(self, **answers):
        self.sent, self.asked, self.answers, self.logs, self.status, self.url = [], [], answers, [], "0x1", ""
        self.named = None

    async def handle(self, request):
        body = await request.json()
        method, params = body["method"], body["params"]
        self.asked.append(method)
        said = self.answers.get(method)
        if said == "drop":
            request.transport.close()
            return web.Response()
        if isinstance(said, dict):
            return web.json_response({"jsonrpc": "2.0", "id": body["id"], **said})
        found = {
            "eth_chainId": "0x89",
            "eth_estimateGas": "0x30d40",
            "eth_getTransactionCount": "0x7",
            "eth_gasPrice": "0x6fc23ac00",
        }.get(method)
        if method == "eth_sendRawTransaction":
            self.sent.append(params[0])
            found = self.named or self.hash_of(params[0])
        if method == "eth_getTransactionReceipt" and self.sent:
            found = {
                "transactionHash": params[0],
                "status": self.status,
                "logs": self.logs,
                "blockNumber": "0x1",
            }
        return web.Response(
            text=json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": found}),
            content_type="application/json",
        )

    @staticmethod
    def hash_of(raw):
        from eth_utils.crypto import keccak

        return "0x" + keccak(bytes.fromhex(raw[2:])).hex()

    @asynccontextmanager
    async def standing(self, path="/v2/a-key"):
        app = web.Application()
        app.router.add_post(path, self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = site._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}{path}"
        try:
            yield self
        finally:
            await runner.cleanup()
