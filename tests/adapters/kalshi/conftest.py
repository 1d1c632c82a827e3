import asyncio
import gzip
import json
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.kalshi.signing import Credentials

CLOSES = "2026-05-13T16:45:00Z"
MARKET = "KXBTC15M-26MAY131245-45"
START_NS = 1_778_690_000_000_000_000  # 16:33:20Z, within the market's quarter of an hour


@pytest.fixture
def data():
    root = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[3] / "../shared/data")).resolve()
    if not root.exists():
        pytest.skip(f"recorded data are not at {root}; set ARGONAUT_DATA")
    return root


class Recorder:
    """Writes lines as a recorder of raw frames does; `at` is in seconds after START_NS."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = []
        self.seq = 0

    def control(self, at, kind, **info):
        self.line(at, control=kind, market_ticker=info.get("market_ticker"), info=info)

    def connect(self, at, market=MARKET):
        self.seq = 0
        self.control(at, "ws_connected", market_ticker=market)

    def watch(self, at, market=MARKET, closes=CLOSES, strike=79018.84):
        self.control(at, "watch_market", market_ticker=market, close_time=closes, strike=strike)

    def frame(self, at, kind, sid=2, **msg):
        self.seq += 1
        self.line(at, frame={"type": kind, "sid": sid, "seq": self.seq, "msg": msg})

    def snapshot(self, at, yes=(), no=(), market=MARKET):
        sides = {"yes_dollars_fp": yes, "no_dollars_fp": no}
        self.frame(at, "orderbook_snapshot", market_ticker=market, **{k: v for k, v in sides.items() if v})

    def delta(self, at, side, price, change, ts="2026-05-13T16:33:20.5Z", market=MARKET):
        self.frame(
            at,
            "orderbook_delta",
            market_ticker=market,
            side=side,
            price_dollars=price,
            delta_fp=change,
            ts=ts,
        )

    def ticker(self, at, bid, ask, time, market=MARKET):
        quote = {"yes_bid_dollars": bid, "yes_ask_dollars": ask, "time": time}
        self.line(at, frame={"type": "ticker", "sid": 1, "msg": {"market_ticker": market, **quote}})

    def line(self, at, **content):
        self.lines.append(json.dumps({"recv_ns": START_NS + round(at * 1e9), **content}))

    def save(self, name="20260513T163320Z.jsonl", keep_bytes=None):
        text = "".join(f"{line}\n" for line in self.lines).encode()
        packed = gzip.compress(text) if name.endswith(".gz") else text
        path = self.folder / name
        path.write_bytes(packed[:keep_bytes])
        return path


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path)


@pytest.fixture
def new_recorder(tmp_path):
    return lambda: Recorder(tmp_path)


@pytest.fixture(scope="session")
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def credentials(key):
    return Credentials("11111111-2222-3333-4444-555555555555", key)


class Clock:
    """A clock that moves when somebody sleeps, and a little by itself."""

    def __init__(self):
        self.secs = 1000.0
        self.slept = []

    def monotonic(self):
        return self.secs

    def now_ns(self):
        return time.monotonic_ns()

    async def sleep(self, secs):
        self.slept.append(secs)
        self.secs += secs
        await asyncio.sleep(0.001)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def serve():
    """Give a context that serves one handler at every path and yields the address without scheme."""

    @asynccontextmanager
    async def serving(handler):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
def run():
    def run_whole(work):
        async def bounded():
            async with asyncio.timeout(15):
                await work()
                while len(asyncio.all_tasks()) > 1:  # the servers' tasks end late
                    await asyncio.sleep(0.001)

        asyncio.run(bounded())

    return run_whole


class Schema:
    """An extracted API description; knows its few keywords only. `problems_of` walks a value, `problems_of_request` a whole request."""

    def __init__(self, path):
        content = json.loads(path.read_text())
        self.schemas = content["schemas"]
        self.operations = {(one["method"], one["path"]): one for one in content.get("paths", ())}
        self.messages = content.get("messages", {})

    def operation(self, method, path):
        parts = path.split("/")
        fits = [
            one
            for (verb, template), one in self.operations.items()
            if verb == method
            and len(template.split("/")) == len(parts)
            and all(t == p or t.startswith("{") for t, p in zip(template.split("/"), parts, strict=True))
        ]
        return min(fits, key=lambda one: one["path"].count("{"), default=None)

    def problems_of_request(self, method, path, query, body):
        operation = self.operation(method, path)
        if operation is None:
            return [f"no operation {method} {path}"]
        known = {one["name"]: one for one in operation.get("params", ()) if one["in"] == "query"}
        found = [f"unknown parameter {name}" for name in query if name not in known]
        found += [f"missing parameter {n}" for n, one in known.items() if one["required"] and n not in query]
        for name in query:
            if name in known:
                found += self.problems_of_parameter(known[name], query.getall(name))
        if (body is None) != ("body" not in operation):
            found.append(f"expected {'a' if 'body' in operation else 'no'} body")
        elif body is not None:
            found += self.problems_of(operation["body"], body, "$", strict=True)
        return found

    def problems_of_parameter(self, known, texts):
        if known.get("type") == "array":
            return [] if known.get("explode", True) else ["expected one list"] * (len(texts) > 1)
        if len(texts) > 1:
            return [f"{known['name']} repeats"]
        kind = self._resolved(known)
        if kind.get("type") in ("integer", "boolean"):
            try:
                return self.problems_of(kind, json.loads(texts[0]), known["name"])
            except ValueError:
                return [f"{known['name']} is no {kind['type']}: {texts[0]}"]
        return self.problems_of(kind, texts[0], known["name"])

    def problems_of(self, schema, value, place="$", *, strict=False):
        kind = self._resolved(schema)
        if value is None:
            types = kind.get("type")
            nullable = (
                kind.get("nullable")
                or schema.get("nullable")
                or (isinstance(types, list) and "null" in types)
            )
            return [] if nullable else [f"{place} is null"]
        allowed = kind.get("enum", [kind.get("const", value)])
        found = [] if value in allowed else [f"{place} is none of {allowed}: {value!r}"]
        types = kind.get("type")
        if types and not any(_is(value, one) for one in ([types] if isinstance(types, str) else types)):
            return [*found, f"{place} is no {types}: {value!r}"]
        if isinstance(value, dict):
            return found + self._problems_of_object(kind, value, place, strict)
        if isinstance(value, list):
            return found + self._problems_of_list(kind, value, place, strict)
        low, high = kind.get("minimum", value), kind.get("maximum", value)
        is_fine = isinstance(value, str | bool) or low <= value <= high
        return found if is_fine else [*found, f"{place} is out of range: {value}"]

    def _problems_of_list(self, kind, value, place, strict):
        fits = kind.get("minItems", 0) <= len(value) <= kind.get("maxItems", len(value))
        found = [] if fits else [f"{place} has {len(value)} items"]
        for number, one in enumerate(value):
            found += self.problems_of(kind.get("items", {}), one, f"{place}[{number}]", strict=strict)
        return found

    def _problems_of_object(self, kind, value, place, strict):
        properties = kind.get("properties", {})
        found = [f"{place}.{name} is missing" for name in kind.get("required", ()) if name not in value]
        for name, one in value.items():
            if name in properties:
                found += self.problems_of(properties[name], one, f"{place}.{name}", strict=strict)
            elif strict:
                found.append(f"{place}.{name} is unknown")
        return found

    def _resolved(self, schema):
        while "ref" in schema:
            schema = {**self.schemas[schema["ref"]], **{k: v for k, v in schema.items() if k != "ref"}}
        for part in schema.get("allOf", ()):
            schema = {**self._resolved(part), **{k: v for k, v in schema.items() if k != "allOf"}}
        return schema


def _is(value, kind):
    if kind in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(value, int if kind == "integer" else int | float)
    kinds = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    return isinstance(value, kinds[kind])


@pytest.fixture
def rest_schema(data):
    return Schema(data / "kalshi/schema/rest_schema_3.34.0.json")


@pytest.fixture
def socket_schema(data):
    return Schema(data / "kalshi/schema/ws_schema_2.0.0.json")
