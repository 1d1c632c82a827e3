"""A started double with a signing client, and checks of every answer against the published schema."""

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulation.wire.kalshi import BaseUrls, KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_signatures import Credentials

DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[4] / "../shared/data")).resolve()
MARKET = "KXBTC15M-26NOV201245-45"
EVENT = "KXBTC15M-26NOV201245"
START_NS = 1_795_000_000 * 10**9


def wall_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def data_file(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"recorded data {name} is not on this machine")
    return path


class Schema:
    """Checks values against the extracted API description; knows nothing when the file is absent."""

    def __init__(self, name: str) -> None:
        path = DATA / "kalshi" / "schema" / name
        self.spec = json.loads(path.read_text()) if path.exists() else None
        self.checked = 0

    def answer(self, method: str, path: str, status: int, body: Any) -> None:
        if self.spec is None or status == 410:
            return
        routes = [
            route for route in self.spec["paths"] if route["method"] == method and _fits(route["path"], path)
        ]
        assert routes, f"no documented path for {method} {path}"
        route = min(routes, key=lambda route: route["path"].count("{"))
        if status >= 400:
            assert isinstance(body, dict)
            return
        assert str(status) in route["responses"], f"{status} is not documented for {method} {path}"
        shape = route["responses"][str(status)]
        if shape is not None:
            self.check(shape, body, f"{method} {path}")

    def frame(self, row: dict[str, Any]) -> None:
        if self.spec is None:
            return
        known = [
            item["payload"]["ref"] for item in self.spec["messages"].values() if item["name"] == row["type"]
        ]
        if row["type"] == "ok":
            known = [
                "listSubscriptionsResponsePayload" if isinstance(row["msg"], list) else "okResponsePayload"
            ]
        if (
            row.get("msg", {})
            and "event_type" in row["msg"]
            and row["msg"]["event_type"] == "metadata_updated"
        ):
            known = ["marketMetadataUpdatedPayload"]
        if row["type"] == "ok" and "index_ids" in row["msg"]:
            known = ["subscribedIndicesResponsePayload"]
        self.check({"ref": known[0]}, row, row["type"])

    def check(self, shape: dict[str, Any], value: Any, where: str) -> None:
        assert self.spec is not None
        self.checked += 1
        if value is None:
            assert _nullable(shape), f"{where} is null"
            return
        for part in (
            *shape.get("allOf", ()),
            *([self.spec["schemas"][shape["ref"]]] if "ref" in shape else ()),
        ):
            self.check(part, value, where)
        _check_plain(shape, value, where)
        if "properties" in shape:
            self._check_object(shape, value, where)
        for item in value if "items" in shape else ():
            self.check(shape["items"], item, f"{where}[]")

    def _check_object(self, shape: dict[str, Any], value: Any, where: str) -> None:
        missing = set(shape.get("required", ())) - value.keys()
        assert not missing, f"{where} lacks {missing}"
        unknown = value.keys() - shape["properties"].keys()
        assert not unknown, f"{where} has undocumented {unknown}"
        for name, item in value.items():
            self.check(shape["properties"][name], item, f"{where}.{name}")


def _check_plain(shape: dict[str, Any], value: Any, where: str) -> None:
    assert value == shape.get("const", value), where
    assert value in shape.get("enum", (value,)), f"{where}: {value}"
    if "type" in shape:
        _check_type(shape["type"], value, where)


def _nullable(shape: dict[str, Any]) -> bool:
    kinds = shape.get("type", ())
    return bool(shape.get("nullable")) or "null" in kinds or None in shape.get("enum", ())


def _check_type(kinds: str | list[str], value: Any, where: str) -> None:
    python = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    }  # fmt: skip
    names = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    assert any(isinstance(value, python[name]) for name in names), f"{where} is {type(value).__name__}"
    assert not isinstance(value, bool) or "boolean" in names, where


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) is not None


REST_SCHEMA = Schema("rest_schema_3.34.0.json")
SOCKET_SCHEMA = Schema("ws_schema_2.0.0.json")


class Client:
    """Signs, sends, and checks what comes back."""

    def __init__(self, session: aiohttp.ClientSession, urls: BaseUrls, credentials: Credentials) -> None:
        self.session = session
        self.urls = urls
        self.credentials = credentials

    async def call(
        self, method: str, path: str, body: Any = None, *, signed: bool = True, **query: Any
    ) -> tuple[int, Any]:
        headers = (
            self.credentials.headers(method, "/trade-api/v2" + path, wall_ns() // 10**6) if signed else {}
        )
        async with self.session.request(
            method, self.urls.rest + path, params=query, json=body, headers=headers
        ) as answer:
            text = await answer.text()
            parsed = json.loads(text) if text.startswith(("{", "[")) else text or None
            if isinstance(parsed, dict):
                REST_SCHEMA.answer(method, path, answer.status, parsed)
            return answer.status, parsed

    async def order(self, side: str, price: str, count: str, **more: Any) -> tuple[int, Any]:
        body = {
            "ticker": MARKET, "side": side, "count": count, "price": price, "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
        }  # fmt: skip
        return await self.call("POST", "/portfolio/events/orders", body | more)

    async def socket(self, **options: Any) -> aiohttp.ClientWebSocketResponse:
        headers = self.credentials.headers("GET", "/trade-api/ws/v2", wall_ns() // 10**6)
        return await self.session.ws_connect(self.urls.socket, headers=headers, **options)

    async def subscribe(
        self, *channels: str, tickers: tuple[str, ...] = (MARKET,), **params: Any
    ) -> "Reader":
        reader = Reader(await self.socket())
        wanted = (
            {"channels": list(channels)} | ({"market_tickers": list(tickers)} if tickers else {}) | params
        )
        await reader.send(1, "subscribe", wanted)
        for _ in channels:
            await reader.until("subscribed")
        return reader


class Reader:
    """Reads frames of one socket, checking each against the schema."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def send(self, number: int, command: str, params: Any = None) -> None:
        row: dict[str, Any] = {"id": number, "cmd": command}
        await self.socket.send_json(row if params is None else row | {"params": params})

    async def next(self, timeout: float = 3.0) -> dict[str, Any]:
        message = await self.socket.receive(timeout=timeout)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        row = json.loads(message.data)
        SOCKET_SCHEMA.frame(row)
        self.frames.append(row)
        return row

    async def until(self, kind: str) -> dict[str, Any]:
        while True:
            row = await self.next()
            if row["type"] == kind:
                return row

    async def rest(self, quiet_secs: float = 0.08) -> list[dict[str, Any]]:
        """All frames until nothing comes for a while."""
        found = []
        with suppress(TimeoutError):
            while True:
                found.append(await self.next(quiet_secs))
        return found


class Stage:
    """What a test plays on."""

    def __init__(self, double: KalshiDouble, session: aiohttp.ClientSession, urls: BaseUrls) -> None:
        self.double = double
        self.session = session
        self.urls = urls
        self.alice = self.client("alice")

    def client(self, user: str, **options: Any) -> Client:
        return Client(self.session, self.urls, self.double.add_key(user, **options))

    def crowd(self, side: str, price: str, count: str) -> None:
        self.double.control.trade_as("crowd", MARKET, side, price, count)


def list_market(
    double: KalshiDouble, ticker: str = MARKET, secs: float = 900.0, shard: int = 2, **terms: Any
) -> None:
    now_ns = double.exchange.now_ns()
    event, series = ticker.rpartition("-")[0], ticker.partition("-")[0]
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    double.control.list_market(
        Listing(
            ticker, event, series, now_ns, now_ns + int(secs * 1e9), "tapered_deci_cent", exchange_index=shard,
            facts=facts, **terms,
        )
    )  # fmt: skip


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns


class Engine:
    """The double without its wire, on a clock of our own."""

    def __init__(self, settings: KalshiSettings | None = None) -> None:
        self.clock = Clock()
        self.double = KalshiDouble(settings or KalshiSettings(), 7, self.clock)
        self.heard: list[Any] = []
        list_market(self.double)
        self.double.exchange.listeners.append(self.heard.append)
        self.double.control.make_trusted("crowd", 2)
        for user in ("alice", "bob"):
            self.double.control.fund(user, "1000", 2)

    def place(self, user: str, side: str, price: str, count: str, **more: Any) -> Any:
        return self.double.control.trade_as(user, MARKET, side, price, count, **more)[0]

    def after(self, secs: float) -> None:
        self.clock.now_ns += round(secs * 1e9)
        self.double.tick()

    def cash(self, user: str) -> int:
        return self.double.exchange.accounts.pocket(user, 2).cash

    @property
    def market(self) -> Any:
        return self.double.exchange.markets[MARKET]
