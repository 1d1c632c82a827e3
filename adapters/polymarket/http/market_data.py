"""What is traded, at which prices, and since when: the public endpoints. They need no key.

Source: reference, sections 8, 11 and 12.1 (read 2026-11-20).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from msgspec import Raw, Struct

from adapters.polymarket import constants as venue
from adapters.polymarket.http.connection import Connection
from adapters.polymarket.messages import clob, past_trades
from network.errors import BadReply
from network.outcomes import Done, Refused
from network.replies import Reply
from network.session import HttpSession

type Params = Mapping[str, str | int | Sequence[str]]

_MOST_NAMES: Final = 50  # of one query of the catalogue; some 100 are the venue's most
_MOST_ROWS: Final = 100
_MOST_TRADES: Final = 1_000
_MOST_BOOKS: Final = 500


class _RawEvents(Struct, frozen=True):
    events: tuple[Raw, ...] = ()
    next_cursor: str | None = None


class MarketData(Connection):
    """Books, terms, the catalogue and the past; all raise from `network.errors`.

    Rows of the catalogue come as they were written (`Raw`): one that cannot be read must not hide its neighbours.
    """

    async def get_time(self) -> int:
        """Return the venue's clock, in whole seconds since the epoch."""
        return (await self._read(self.clob, venue.TIME_PATH)).decode(int)

    async def get_version(self) -> int:
        """Return the version of orders that the venue takes."""
        return (await self._read(self.clob, "/version")).decode(clob.VersionAnswer).version

    async def get_book(self, token_id: str) -> clob.BookAnswer:
        """Return a token's book; Refusal 404 for one without, such as after the market is settled."""
        reply = await self._read(self.clob, "/book", {"token_id": token_id}, group="book")
        return reply.decode(clob.BookAnswer)

    async def post_books(self, token_ids: Sequence[str]) -> tuple[clob.BookAnswer, ...]:
        """Return the books of several tokens; those without a book are missing. It changes nothing."""
        wishes = [clob.BookWish(one) for one in token_ids[:_MOST_BOOKS]]
        outcome = await self.clob.write(
            "POST", "/books", into=tuple[clob.BookAnswer, ...], body=wishes, group="books"
        )
        match outcome:
            case Done(value):
                return value
            case Refused(status, code, reason):
                raise BadReply("POST /books", f"expected books, found status {status} {code}: {reason}")
            case _:
                raise BadReply("POST /books", f"expected books, found {outcome.reason}")

    async def get_clob_market(self, condition_id: str) -> clob.CompactMarket:
        """Return the terms of a market as the order book keeps them; 404 for a while after its creation."""
        return (await self._read(self.clob, f"/clob-markets/{condition_id}")).decode(clob.CompactMarket)

    async def get_market(self, condition_id: str) -> clob.ClobMarket:
        """Return the order book's description of a market, with its winner when it has one."""
        return (await self._read(self.clob, f"/markets/{condition_id}")).decode(clob.ClobMarket)

    async def get_prices_history(
        self, token_id: str, start_secs: int, end_secs: int, fidelity_mins: int
    ) -> tuple[clob.PricePoint, ...]:
        """Return past prices near the middle of the book: nothing that could have been traded at."""
        params: Params = {
            "market": token_id,
            "startTs": start_secs,
            "endTs": end_secs,
            "fidelity": fidelity_mins,
        }
        reply = await self._read(self.clob, "/prices-history", params, group="history")
        return reply.decode(clob.PricesAnswer).history

    async def get_markets_by_slug(self, slugs: Sequence[str], *, closed: bool) -> tuple[Raw, ...]:
        """Return the rows of markets by their names; those that the catalogue does not have are missing."""
        return await self._markets("slug", slugs, closed=closed)

    async def get_markets_by_condition(
        self, condition_ids: Sequence[str], *, closed: bool
    ) -> tuple[Raw, ...]:
        """Return the rows of markets by their conditions; the filter's default has changed, so it is always named."""
        return await self._markets("condition_ids", condition_ids, closed=closed)

    async def get_event_by_slug(self, slug: str) -> Raw:
        """Return an event with its markets; Refusal 404 for a name that is none."""
        return (await self._read(self.gamma, f"/events/slug/{slug}", group="gamma_events")).decode(Raw)

    async def get_series(self, slug: str) -> tuple[dict[str, Any], ...]:
        """Return the series of a name: none or one."""
        reply = await self._read(self.gamma, "/series", {"slug": slug}, group="gamma")
        return reply.decode(tuple[dict[str, Any], ...])

    async def get_open_events(self, series_id: str) -> tuple[Raw, ...]:
        """Return the open events of a series, with their markets."""
        params: dict[str, str | int | Sequence[str]] = {
            "series_id": series_id,
            "closed": "false",
            "limit": _MOST_ROWS,
        }
        rows: list[Raw] = []
        used = {""}
        while True:
            reply = await self._read(self.gamma, "/events/keyset", params, group="gamma_events")
            page = reply.decode(_RawEvents)
            rows += page.events
            if not page.next_cursor:
                return tuple(rows)
            _must_be_new(page.next_cursor, used, reply)
            params["after_cursor"] = page.next_cursor

    async def get_trades(
        self, condition_id: str, start_secs: int | None, end_secs: int | None
    ) -> AsyncIterator[tuple[past_trades.TradeRow, ...]]:
        """Yield pages of a market's prints as takers saw them, newest first; times are those of blocks.

        Makers' rows are left out: most of them name the complementary token, and would count twice.
        """
        params: dict[str, str | int | Sequence[str]] = {
            "condition_id": condition_id,
            "taker_only": "true",
            "limit": _MOST_TRADES,
        }
        params |= {name: at for name, at in (("start", start_secs), ("end", end_secs)) if at is not None}
        used = {""}
        while True:
            reply = await self._read(self.data, "/v2/trades", params, group="data_trades")
            page = reply.decode(past_trades.TradesPageV2)
            yield tuple(row.as_first() for row in page.rows)
            if not page.pagination.next_cursor:
                return
            _must_be_new(page.pagination.next_cursor, used, reply)
            params["cursor"] = page.pagination.next_cursor

    async def _markets(self, key: str, names: Sequence[str], *, closed: bool) -> tuple[Raw, ...]:
        rows: list[Raw] = []
        for part in batched(names, _MOST_NAMES, strict=False):
            params: Params = {key: part, "closed": str(closed).lower(), "limit": _MOST_ROWS}
            reply = await self._read(self.gamma, "/markets", params, group="gamma_markets")
            rows += reply.decode(tuple[Raw, ...])
        return tuple(rows)

    async def _read(
        self, session: HttpSession, path: str, params: Params | None = None, group: str = "clob"
    ) -> Reply:
        return await session.read(path, params=params, group=group)


def _must_be_new(cursor: str, used: set[str], reply: Reply) -> None:
    if cursor in used:
        raise BadReply(f"{reply.endpoint} $", "expected a new cursor, found one that was used already")
    used.add(cursor)
