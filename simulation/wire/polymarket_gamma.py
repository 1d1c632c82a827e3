"""The catalogue (Gamma): markets, events and series, with filters and pages (polymarket.md section 11)."""

import base64
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web
from multidict import MultiMapping

from simulation.wire.polymarket_desk import Desk
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_orders import Market
from simulation.wire.polymarket_rows import (
    SECOND_NS,
    Row,
    display_price,
    iso_text,
    question_id,
    shares_number,
)
from simulation.wire.polymarket_units import ONE_PRICE

Query = MultiMapping[str]

MOST_ROWS: Final = 100
_UNITS: Final = {300: "5m", 900: "15m", 3_600: "1h", 14_400: "4h", 86_400: "1d"}


class GammaApi:
    """Everything under /gamma."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/gamma/markets", self.markets),
            web.get("/gamma/markets/keyset", self.markets_keyset),
            web.get("/gamma/markets/slug/{slug}", self.market_by_slug),
            web.get("/gamma/markets/{number}", self.market),
            web.get("/gamma/events", self.events),
            web.get("/gamma/events/keyset", self.events_keyset),
            web.get("/gamma/events/slug/{slug}", self.event_by_slug),
            web.get("/gamma/events/{number}", self.event),
            web.get("/gamma/series", self.series),
            web.get("/gamma/tags", self.tags),
        ]

    async def markets(self, request: web.Request) -> web.Response:
        """Markets that fit the filters, by offset."""
        return web.json_response(_cut(self._markets(request), request))

    async def markets_keyset(self, request: web.Request) -> web.Response:
        """The same by cursor."""
        return web.json_response(_keyset("markets", self._markets(request), request))

    async def market_by_slug(self, request: web.Request) -> web.Response:
        """One market by its slug."""
        return web.json_response(self._one(lambda market: market.about.slug == request.match_info["slug"]))

    async def market(self, request: web.Request) -> web.Response:
        """One market by its number."""
        return web.json_response(
            self._one(lambda market: str(market.about.number) == request.match_info["number"])
        )

    async def events(self, request: web.Request) -> web.Response:
        """Events that fit the filters, by offset."""
        return web.json_response(_cut(self._events(request), request))

    async def events_keyset(self, request: web.Request) -> web.Response:
        """The same by cursor."""
        return web.json_response(_keyset("events", self._events(request), request))

    async def event_by_slug(self, request: web.Request) -> web.Response:
        """One event by its slug."""
        return web.json_response(self._one_event("slug", request.match_info["slug"]))

    async def event(self, request: web.Request) -> web.Response:
        """One event by its number."""
        return web.json_response(self._one_event("id", request.match_info["number"]))

    async def series(self, request: web.Request) -> web.Response:
        """Series that fit a slug."""
        slugs = dict.fromkeys(market.about.series for market in self._all() if market.about.series)
        wanted = request.query.getall("slug", [])
        rows = [series_row(slug) for slug in slugs if not wanted or slug in wanted]
        return web.json_response(_cut(rows, request))

    async def tags(self, request: web.Request) -> web.Response:
        """Every tag."""
        names = dict.fromkeys(tag for market in self._all() for tag in market.about.tags)
        return web.json_response(_cut([tag_row(name) for name in names], request))

    def _all(self) -> list[Market]:
        return list(self.desk.exchange.markets.values())

    def _markets(self, request: web.Request) -> list[Row]:
        fits = _filter(request.query)
        found = [(market, self._row(market)) for market in self._all()]
        return [row | {"events": [self._event_head(market)]} for market, row in found if fits(market, row)]

    def _events(self, request: web.Request) -> list[Row]:
        fits = _filter(request.query, is_event=True)
        groups: dict[str, list[Market]] = {}
        for market in self._all():
            groups.setdefault(event_slug(market), []).append(market)
        rows = [(markets[0], self._event_row(markets)) for markets in groups.values()]
        return [row for market, row in rows if fits(market, row)]

    def _one(self, test: Callable[[Market], bool]) -> Row:
        for market in self._all():
            if test(market):
                return self._row(market) | {"events": [self._event_head(market)]}
        raise VenueError(404, "market not found")

    def _one_event(self, key: str, value: str) -> Row:
        slugs = dict.fromkeys(event_slug(market) for market in self._all())
        for slug in slugs:
            row = self._event_row([market for market in self._all() if event_slug(market) == slug])
            if row[key] == value:
                return row
        raise VenueError(404, "event not found")

    def _event_head(self, market: Market) -> Row:
        about = market.about
        row = {
            "id": str(_number(event_slug(market))), "ticker": event_slug(market), "slug": event_slug(market),
            "title": about.event or about.question, "description": about.question, "active": True,
            "closed": market.is_resolved, "archived": False, "startDate": iso_text(about.start_ns),
            "creationDate": iso_text(about.start_ns), "endDate": iso_text(about.end_ns),
            "startTime": iso_text(_opens_ns(market)), "negRisk": market.neg_risk,
            "negRiskMarketID": market.neg_risk_id or None, "enableNegRisk": market.neg_risk,
            "negRiskAugmented": False, "enableOrderBook": True, "restricted": True, "volume": 0, "liquidity": 0,
            "openInterest": 0, "commentCount": 0, "showAllOutcomes": True,
            "tags": [tag_row(tag) for tag in about.tags],
        }  # fmt: skip
        if about.series:
            row |= {"seriesSlug": about.series, "series": [series_row(about.series)]}
        return row

    def _event_row(self, markets: list[Market]) -> Row:
        return self._event_head(markets[0]) | {
            "closed": all(market.is_resolved for market in markets),
            "markets": [self._row(market) for market in markets],
        }

    def _row(self, market: Market) -> Row:
        book = self.desk.exchange.books[market.condition_id]
        bid, ask = book.best(is_bid=True), book.best(is_bid=False)
        row = market_row(market)
        if bid is not None:
            row["bestBid"] = bid / ONE_PRICE
        if ask is not None:
            row["bestAsk"] = ask / ONE_PRICE
        if bid is not None and ask is not None:
            row["spread"] = (ask - bid) / ONE_PRICE
        if market.yes_price is not None:
            row["lastTradePrice"] = market.yes_price / ONE_PRICE
        return row


def market_row(market: Market) -> Row:
    """A market as the catalogue writes it, lists as JSON inside strings."""
    about = market.about
    prices = [f"{display_price(market, token):.4f}".rstrip("0").rstrip(".") for token in market.tokens]
    row = {
        "id": str(about.number), "conditionId": market.condition_id, "questionID": question_id(market),
        "slug": about.slug, "question": about.question, "description": about.question, "resolutionSource": "",
        "clobTokenIds": _inside(list(market.tokens)), "outcomes": _inside(list(market.outcomes)),
        "outcomePrices": _inside(prices), "active": True, "closed": market.is_resolved, "archived": False,
        "acceptingOrders": market.accepting, "enableOrderBook": True, "ready": False, "funded": False,
        "restricted": True, "approved": True, "startDate": iso_text(about.start_ns),
        "createdAt": iso_text(about.start_ns), "updatedAt": iso_text(about.start_ns),
        "endDate": iso_text(about.end_ns), "acceptingOrdersTimestamp": iso_text(about.start_ns),
        "orderPriceMinTickSize": market.tick / ONE_PRICE, "orderMinSize": shares_number(market.minimum_size),
        "negRisk": market.neg_risk, "negRiskOther": False, "makerBaseFee": 1000, "takerBaseFee": 1000,
        "feesEnabled": bool(market.fee_rate), "groupItemTitle": about.group_title, "groupItemThreshold": "0",
        "secondsDelay": market.delay_secs, "clearBookOnStart": market.clears_at_ns is not None,
        "umaResolutionStatuses": "[]", "volume": "0", "volumeNum": 0, "liquidity": "0", "liquidityNum": 0,
        "competitive": 0, "rewardsMinSize": 50, "rewardsMaxSpread": 4.5, "rfqEnabled": False, "version": "v1",
        "marketMakerAddress": "", "automaticallyActive": True, "cyom": False, "new": False, "featured": False,
    }  # fmt: skip
    return row | _fees(market) | _life(market) | _crypto(market)


def _fees(market: Market) -> Row:
    if not market.fee_rate:
        return {}
    schedule = {
        "rate": float(market.fee_rate), "exponent": market.fee_exponent, "takerOnly": True, "rebateRate": 0.2,
    }  # fmt: skip
    return {"feeType": "crypto_fees_v2", "feeSchedule": schedule, "makerRebatesFeeShareBps": 10_000}


def _life(market: Market) -> Row:
    row: Row = {}
    if market.neg_risk:
        row |= {"negRiskMarketID": market.neg_risk_id, "negRiskRequestID": question_id(market)}
    if market.clears_at_ns is not None:
        row["gameStartTime"] = _spaced(market.clears_at_ns)
    if market.is_resolved:
        row |= {
            "umaResolutionStatus": "resolved", "automaticallyResolved": True,
            "closedTime": _spaced(market.closed_ns), "umaEndDate": iso_text(market.closed_ns),
        }  # fmt: skip
    return row


def _crypto(market: Market) -> Row:
    about = market.about
    if not about.series or not about.asset:
        return {}
    config = {
        "id": f"{about.asset}-{_window(market)}-twap-{about.twap_secs}", "asset": about.asset,
        "duration": _window(market), "twapEnabled": bool(about.twap_secs), "twapLookbackSeconds": about.twap_secs,
    }  # fmt: skip
    opens = {"eventStartTime": iso_text(_opens_ns(market))}
    return opens | {"cryptoMarketConfigId": config["id"], "cryptoMarketConfig": config}


def event_slug(market: Market) -> str:
    """The event of a market: its own slug when it is alone in it."""
    return market.about.event or market.about.slug


def series_row(slug: str) -> Row:
    """A series."""
    return {
        "id": str(_number(slug)), "ticker": slug, "slug": slug, "title": slug, "seriesType": "single",
        "recurrence": slug.rpartition("-")[2], "active": True, "closed": False, "archived": False,
    }  # fmt: skip


def tag_row(label: str) -> Row:
    """A tag."""
    return {"id": str(_number(label)), "label": label, "slug": label.lower().replace(" ", "-")}


def _window(market: Market) -> str:
    return _UNITS.get((market.about.end_ns - _opens_ns(market)) // SECOND_NS, "")


def _opens_ns(market: Market) -> int:
    """When a market's window begins: a series' slug ends in that second, as `btc-updown-5m-1786856400`."""
    tail = market.about.slug.rpartition("-")[2]
    return int(tail) * SECOND_NS if market.about.series and tail.isdecimal() else market.about.start_ns


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _inside(value: list[str]) -> str:
    return msgspec.json.encode(value).decode().replace('","', '", "')


def _spaced(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S+00")


_MARKET_KEYS: Final = {
    "slug": "slug", "condition_ids": "conditionId", "id": "id", "question_ids": "questionID",
}  # fmt: skip
_EVENT_KEYS: Final = {"slug": "slug", "id": "id"}


def _filter(query: Query, *, is_event: bool = False) -> Callable[[Market, Row], bool]:
    """Make the test that a query string asks for; what is not named fits."""
    keys = _EVENT_KEYS if is_event else _MARKET_KEYS
    words = {
        name: _all_of(query, name) for name in (*keys, "clob_token_ids", "series_id", "tag_id", "tag_slug")
    }
    flags = {name: query[name] == "true" for name in ("active", "closed", "archived") if name in query}
    ends = tuple(query.get(name) for name in ("end_date_min", "end_date_max"))

    def fits(market: Market, row: Row) -> bool:
        return (
            all(row[name] == value for name, value in flags.items())
            and all(not words[name] or str(row[key]) in words[name] for name, key in keys.items())
            and (not words["clob_token_ids"] or bool(words["clob_token_ids"] & set(market.tokens)))
            and (not words["series_id"] or str(_number(market.about.series)) in words["series_id"])
            and _has_tag(market, words["tag_id"], words["tag_slug"])
            and _ends_within(row, *ends)
        )

    return fits


def _has_tag(market: Market, numbers: set[str], slugs: set[str]) -> bool:
    tags = [tag_row(tag) for tag in market.about.tags]
    return (not numbers or any(tag["id"] in numbers for tag in tags)) and (
        not slugs or any(tag["slug"] in slugs for tag in tags)
    )


def _ends_within(row: Row, low: str | None, high: str | None) -> bool:
    end = row["endDate"] or ""
    return (not low or _instant(end) >= _instant(low)) and (not high or _instant(end) <= _instant(high))


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _all_of(query: Query, name: str) -> set[str]:
    return {part for text in query.getall(name, []) for part in text.split(",")}


def _cut(rows: list[Row], request: web.Request) -> list[Row]:
    size, start = _whole(request, "limit", 20), _whole(request, "offset", 0)
    if start > 10_000:
        raise VenueError(422, "offset exceeds the limit")
    return _ordered(rows, request)[start : start + min(size, MOST_ROWS)]


def _keyset(name: str, rows: list[Row], request: web.Request) -> dict[str, Any]:
    size = min(_whole(request, "limit", 20), MOST_ROWS)
    try:
        start = int(base64.b64decode(request.query.get("after_cursor", "") or "MA=="))
    except ValueError:
        raise VenueError(422, "invalid cursor") from None
    found: dict[str, Any] = {name: _ordered(rows, request)[start : start + size]}
    if start + size < len(rows):
        found["next_cursor"] = base64.b64encode(str(start + size).encode()).decode()
    return found


def _ordered(rows: list[Row], request: web.Request) -> list[Row]:
    key = request.query.get("order", "")
    if not key or not rows or key not in rows[0]:
        return rows
    return sorted(rows, key=lambda row: str(row[key]), reverse=request.query.get("ascending") != "true")


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        raise VenueError(422, f"invalid {name}")
    return int(text)
