"""The common half of every REST answer: who asks, at what cost, which page, and how a refusal is written."""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from simulation.wire.kalshi_errors import ParameterError, VenueError
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_rates import DEFAULT_COST, Rates
from simulation.wire.kalshi_signatures import KEY_HEADER, ApiKey, Doorkeeper, require_scope
from simulation.wire.kalshi_units import MILLI_NS, parse_time

PREFIX = "/trade-api/v2"

Row = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: object, status: int = 200, max_age_secs: int | None = None) -> web.Response:
    """Write JSON, as compact as the venue's."""
    headers = {"Cache-Control": f"max-age={max_age_secs}"} if max_age_secs is not None else None
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers
    )


class Desk:
    """What the handlers share: the exchange, the keys, the buckets, the venue's clock."""

    def __init__(self, exchange: Exchange, doorkeeper: Doorkeeper, rates: Rates) -> None:
        self.exchange = exchange
        self.settings = exchange.settings
        self.doorkeeper = doorkeeper
        self.rates = rates
        self.skew_ns = 0
        self._refusals = 0

    def now_ns(self) -> int:
        """The engine's clock."""
        return self.exchange.now_ns()

    def as_of_ns(self) -> int:
        """What the read models have seen."""
        return self.now_ns() - self.settings.ns(self.settings.read_lag_ms)

    def identify(self, request: web.Request) -> ApiKey:
        """Check the signature against the door's clock, which a fault may skew."""
        door_ms = (self.now_ns() + self.skew_ns) // MILLI_NS
        return self.doorkeeper.identify(request.method, request.path, request.headers, door_ms)

    def reader(self, request: web.Request, cost: int = DEFAULT_COST, kind: str = "read") -> ApiKey:
        """Let a signed read in, at its cost."""
        key = self.identify(request)
        require_scope(key, "read")
        self.rates.require(key.user, kind, cost, self.now_ns())
        return key

    def writer(self, request: web.Request, cost: int, exchange_index: int | None = None) -> ApiKey:
        """Let a signed order write in; an explicit shard above 0 has its own bucket."""
        key = self.identify(request)
        require_scope(key, "write::trade")
        kind = f"write:{exchange_index}" if exchange_index and exchange_index > 0 else "write"
        self.rates.require(key.user, kind, cost, self.now_ns())
        return key

    def public(self, request: web.Request) -> None:
        """Let a read of market data in; a signed one is billed to its user."""
        if KEY_HEADER in request.headers:
            self.reader(request)
        else:
            self.rates.require(f"address {request.remote}", "public", DEFAULT_COST, self.now_ns())

    def refusal(self, error: VenueError) -> web.Response:
        """Write a refusal in the shape of its kind (kalshi.md section 7)."""
        if isinstance(error, ParameterError):
            return json_response({"msg": error.message}, error.status)
        body: object = {"error": error.flat()}
        if error.status == 429 and self._as_text():
            body = {"error": error.message}
        elif self.settings.error_shape == "flat":
            body = error.flat()
        return json_response(body, error.status)

    def _as_text(self) -> bool:
        self._refusals += 1
        shape = self.settings.rate_error_shape
        return shape == "text" or (shape == "alternate" and self._refusals % 2 == 0)


def int_param(request: web.Request, name: str, default: int | None = None) -> int | None:
    """A whole number from the query; 400 with `msg` when it is none."""
    text = request.query.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError:
        raise ParameterError(
            f"Parameter validation failed for {name}: expected an integer, found {text!r}"
        ) from None


def required_int(request: web.Request, name: str) -> int:
    """A whole number that must be there."""
    value = int_param(request, name)
    if value is None:
        raise ParameterError(
            f"Parameter validation failed: Error:Field validation for '{name}' failed on the 'required' tag"
        )
    return value


def bool_param(request: web.Request, name: str) -> bool:
    """A flag from the query."""
    return request.query.get(name, "").lower() in ("true", "1")


def ns_param(request: web.Request, name: str) -> int | None:
    """Unix seconds from the query, as nanoseconds."""
    value = int_param(request, name)
    return None if value is None else value * 1_000_000_000


def within(at_ns: int, low_ns: int | None, high_ns: int | None) -> bool:
    """Whether an instant lies inside optional bounds."""
    return (low_ns is None or at_ns >= low_ns) and (high_ns is None or at_ns <= high_ns)


def limit_param(request: web.Request, default: int, maximum: int) -> int:
    """The page size; 400 outside 1 to the maximum (0 means the default)."""
    limit = int_param(request, "limit", default) or default
    if not 1 <= limit <= maximum:
        raise ParameterError(f"Parameter validation failed for limit: expected 1 to {maximum}, found {limit}")
    return limit


def page[Item](
    request: web.Request, rows: Sequence[tuple[int, Item]], limit: int, *, empty_pages: bool
) -> tuple[list[Item], str]:
    """Cut one page out of (key, item) rows, whose keys fall; return it and the next cursor, "" at the end.

    With `empty_pages` the second page is sometimes empty while its cursor is not, as was seen live.
    """
    below, skipped = _read_cursor(request.query.get("cursor", ""))
    left = rows if below is None else [row for row in rows if row[0] < below]
    if empty_pages and below is not None and left and not skipped:
        return [], _cursor(below, skipped=True)
    cut = left[:limit]
    more = len(left) > len(cut)
    return [item for _, item in cut], _cursor(cut[-1][0], skipped=False) if more else ""


def _cursor(below: int, *, skipped: bool) -> str:
    return base64.urlsafe_b64encode(f"{below}:{int(skipped)}".encode()).decode()


def _read_cursor(text: str) -> tuple[int | None, bool]:
    if not text:
        return None, False
    try:
        below, _, skipped = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
        return int(below), skipped == "1"
    except ValueError:
        raise ParameterError("Parameter validation failed for cursor: invalid cursor") from None


async def json_body(request: web.Request) -> Row:
    """The body as an object; 400 `bad_request` otherwise."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise VenueError(400, "bad_request", "bad request", "body is no JSON") from None
    if not isinstance(body, dict):
        raise VenueError(400, "bad_request", "bad request", "body is no object")
    return body


def iso_param(request: web.Request, name: str) -> int | None:
    """An RFC 3339 instant from the query, as nanoseconds."""
    text = request.query.get(name)
    return parse_time(text) if text else None
