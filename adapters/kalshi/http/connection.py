"""Our connection to Kalshi's REST side: budgets, signatures, pages, and what an answer to a write means.

Source of budgets and costs: reference, section 11; of the meaning of errors: section 7 (read 2026-11-20).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Protocol, Self, cast

from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from adapters.kalshi import constants as venue
from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.messages.queries import Query
from adapters.kalshi.messages.refusals import judge
from adapters.kalshi.signing import Credentials, SignedAhead
from network.backoff import Backoff, RetryPolicy
from network.buckets import Buckets, TokenBucket
from network.errors import BadReply
from network.outcomes import Outcome
from network.session import REFUSED_STATUSES, HttpSession

THROTTLED: Final = 429
_LONGEST_READ_PAUSE_SECS: Final = 8.0


class Page[T](Protocol):
    """An answer that may go on at `cursor`."""

    @property
    def rows(self) -> tuple[T, ...]:
        """The rows of this page; there may be none although the cursor goes on."""
        ...

    @property
    def cursor(self) -> str:
        """Where the next page begins; empty on the last one."""
        ...


class Connection:
    """One signed session within our rate budgets.

    `monotonic` is a clock in seconds that never goes back; `now_ns` is the wall clock. Without credentials
    only public reads work, at a slower pace. The budgets are those of the lowest tier until
    `set_limits`. Read `session` for the clock skew, counters and the last error.
    """

    def __init__(
        self,
        config: KalshiConfig,
        credentials: Credentials | None,
        *,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._subaccount = config.subaccount
        self._now_ns = now_ns
        self._path = URL(config.rest_address).raw_path.rstrip("/")
        self._monotonic = monotonic
        self._write_limit = (venue.BASIC_WRITE_PER_SEC, venue.BASIC_WRITE_PER_SEC)
        read = venue.PUBLIC_READ_PER_SEC if credentials is None else venue.BASIC_READ_PER_SEC
        per_sec = {"read": read, "write": venue.BASIC_WRITE_PER_SEC, "balance": venue.BALANCE_PER_SEC}
        buckets = {group: TokenBucket(rate, rate, monotonic) for group, rate in per_sec.items()}
        self._write_groups = ["write"]
        self.buckets = Buckets(buckets, sleep)
        self._signer = None if credentials is None else SignedAhead(credentials, self._signing_time_ns)
        self.session = HttpSession(
            config.rest_address,
            buckets=self.buckets,
            now_ns=now_ns,
            sign=None if self._signer is None else self._signer.sign,
            timeout_secs=config.request_timeout_secs,
            retry=RetryPolicy(config.read_attempts, Backoff(most_secs=_LONGEST_READ_PAUSE_SECS)),
            reserve_share=config.cancel_reserve_share,
            sleep=sleep,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._signer is not None:
            self._signer.stop()
        await self.session.close()

    def set_limits(self, read: tuple[int, int], write: tuple[int, int]) -> None:
        """Work with these budgets from now on: (tokens per second, tokens at most); every shard has the second."""
        self._write_limit = write
        self.buckets["read"].refill(*read)
        for group in self._write_groups:
            self.buckets[group].refill(*write)

    def _signing_time_ns(self) -> int:
        return self._now_ns() + self.session.signed_ahead_ns

    async def _get[T](
        self, path: str, into: type[T], query: Query | None = None, cost: int = venue.DEFAULT_COST
    ) -> T:
        params = None if query is None else query.params()
        return (await self.session.read(path, params=params, cost=cost)).decode(into)

    async def _pages[T](self, path: str, query: Query, page: type[Page[T]]) -> AsyncIterator[tuple[T, ...]]:
        params = query.params() | {"limit": str(query.most_rows)}
        used = {""}
        while True:
            reply = await self.session.read(path, params=params, cost=venue.DEFAULT_COST)
            found = reply.decode(page)
            yield found.rows
            if not found.cursor:
                return
            if found.cursor in used:
                raise BadReply(
                    f"GET {path} $.cursor", "expected a new cursor, found one that was used already"
                )
            used.add(found.cursor)
            params["cursor"] = found.cursor

    async def _rows[T](self, path: str, query: Query, page: type[Page[T]]) -> tuple[T, ...]:
        return tuple([row async for rows in self._pages(path, query, page) for row in rows])

    async def _write[T](  # noqa: PLR0913  each argument is one fact of the endpoint, named where it is called
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        body: Struct | None = None,
        query: Query | None = None,
        group: str = "write",
        cost: int = venue.DEFAULT_COST,
        urgent: bool = False,
        refused_statuses: frozenset[int] = REFUSED_STATUSES,
    ) -> Outcome[T]:
        outcome = await self.session.write(
            method,
            path,
            into=into,
            body=body,
            params=None if query is None else query.params(),
            group=group,
            cost=cost,
            urgent=urgent,
            refused_statuses=refused_statuses,
            not_applied_statuses=frozenset({THROTTLED}),
        )
        return judge(outcome)

    def _ours[S: Struct](self, request: S) -> S:
        """Name our subaccount where the request can name one and does not."""
        names = request.__struct_fields__
        if self._subaccount is None or "subaccount" not in names:
            return request
        if isinstance(cast(Any, request).subaccount, int):
            return request
        return replace(request, subaccount=self._subaccount)

    def _group(self, exchange_index: object) -> str:
        """Return the budget that a write of a single order is billed to; it opens when first named."""
        if not isinstance(exchange_index, int) or exchange_index < 1:
            return "write"
        group = f"write:{exchange_index}"
        if group not in self._write_groups:
            self.buckets.add(group, TokenBucket(*self._write_limit, self._monotonic))
            self._write_groups.append(group)
        return group
