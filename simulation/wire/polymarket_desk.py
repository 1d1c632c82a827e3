"""What the REST handlers share: the exchange, the keys, the venue's mode and clock, and how a refusal is written."""

import json
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from simulation.wire.polymarket_errors import VenueError, bad_payload
from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_orders import Order
from simulation.wire.polymarket_rates import Rates
from simulation.wire.polymarket_signatures import ApiKey, Doorkeeper
from simulation.wire.polymarket_standing import Standing

Mode = Literal["open", "restarting", "post_only", "cancel_only", "disabled"]

_OVERRIDES: Final = (("not found", 404), ("unauthorized", 401), ("context canceled", 400))
_DISABLED: Final = "Trading is currently disabled. Check polymarket.com for updates"
_CANCEL_ONLY: Final = (
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
)
_POST_ONLY: Final = "post-only mode: only post-only orders and cancels are allowed"


class PolymarketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the double behaves; times in seconds or milliseconds as named.

    The page gives no skew window and no page size, so both are choices; settlement follows section 7
    (mined about 2 s after the match) unless a rehearsal wants it faster; `post_only_ms` follows a restart. `tier` is a key's, of section 18;
    `closes_resolved` ends a market stream whose tokens are all resolved.
    """

    host: str = "127.0.0.1"
    port: int = 0
    max_skew_secs: int = 30
    page_size: int = 100
    mined_ms: int = 2_200
    confirmed_ms: int = 4_000
    post_only_ms: float = 120_000
    buffer_frames: int = 20_000
    tick_ms: float = 25.0
    tier: str = "standard"
    enforces_rates: bool = True
    closes_resolved: bool = True


class Desk:
    """The exchange behind its doors."""

    def __init__(self, exchange: Exchange, settings: PolymarketSettings, seed: int) -> None:
        self.exchange = exchange
        self.settings = settings
        self.doorkeeper = Doorkeeper(settings.max_skew_secs, seed)
        self.standing = Standing()
        self.rates = Rates(settings.tier, is_enforced=settings.enforces_rates)
        self.skew_ns = 0
        self.mode: Mode = "open"
        self._mode_ends_ns: int | None = None

    def set_mode(self, mode: Mode, millis: float | None = None) -> None:
        """Change the venue's mode, for some time or for good; a restart ends in post-only mode."""
        self.mode = mode
        self._mode_ends_ns = None if millis is None else self.exchange.now_ns() + int(millis * 1e6)

    def advance(self) -> None:
        """Leave a mode whose time is over."""
        if self._mode_ends_ns is None or self.exchange.now_ns() < self._mode_ends_ns:
            return
        if self.mode == "restarting":
            self.set_mode("post_only", self.settings.post_only_ms)
        else:
            self.set_mode("open")

    def door_secs(self) -> int:
        """The clock of the door, which a fault may skew."""
        return (self.exchange.now_ns() + self.skew_ns) // 1_000_000_000

    async def identify(self, request: web.Request) -> ApiKey:
        """The key behind a signed request; 401 otherwise."""
        body = await request.read()
        return self.doorkeeper.identify(request.method, request.path, request.headers, body, self.door_secs())

    def require_orders(self, *, post_only: bool) -> None:
        """425 or 503 unless the mode takes such an order."""
        self.require_cancels()
        if self.mode == "cancel_only":
            raise VenueError(503, _CANCEL_ONLY)
        if self.mode == "post_only" and not post_only:
            left_ns = int(self.settings.post_only_ms * 1e6)
            if self._mode_ends_ns is not None:
                left_ns = self._mode_ends_ns - self.exchange.now_ns()
            raise VenueError(
                503,
                _POST_ONLY,
                {"code": "post_only_mode", "retry_after_seconds": -(-left_ns // 1_000_000_000)},
            )

    def require_cancels(self) -> None:
        """425 or 503 unless the mode takes a cancel."""
        if self.mode == "restarting":
            raise VenueError(425, "matching engine is restarting", headers={"Retry-After": "5"})
        if self.mode == "disabled":
            raise VenueError(503, _DISABLED)

    def open_orders(self, key: ApiKey) -> list[Order]:
        """What rests for a key, oldest first."""
        return [order for order in self.exchange.open_orders() if order.ask.owner == key.key]

    def delayed_orders(self, key: ApiKey) -> list[Order]:
        """What waits for its delay to pass, oldest first."""
        return [order for order in self.exchange.delayed_orders() if order.ask.owner == key.key]


def refusal(error: VenueError) -> web.Response:
    """Write `{"error": …}`; some words decide the status whatever the engine meant (section 5.6)."""
    status = next((code for words, code in _OVERRIDES if words in error.text.lower()), error.status)
    return web.json_response({"error": error.text} | error.more, status=status, headers=error.headers)


async def json_body(request: web.Request) -> Any:
    """The body as JSON; 400 otherwise."""
    try:
        return json.loads(await request.read())
    except ValueError:
        raise bad_payload() from None
