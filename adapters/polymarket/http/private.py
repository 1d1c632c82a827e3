"""The signed side of a connection: API credentials on every request, and the budgets of one signer.

Source: reference, sections 4.2 and 18 (read 2026-11-20).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.http.auth import make_credentials
from adapters.polymarket.http.connection import Connection
from adapters.polymarket.messages.portfolio import LAST_CURSOR
from adapters.polymarket.messages.refusals import STATED_STATUSES
from adapters.polymarket.signing.keys import ApiCredentials, BadCredentials, Owner
from network.buckets import TokenBucket
from network.errors import BadReply
from network.outcomes import Outcome

SIGNED_ORDERS: Final = "signed_orders"
SIGNED_CANCELS: Final = "signed_cancels"


class Page[T](Protocol):
    """An answer that goes on at `next_cursor`."""

    @property
    def data(self) -> tuple[T, ...]: ...
    @property
    def next_cursor(self) -> str: ...


class PrivateConnection(Connection):
    """A connection that signs what it asks of the order book.

    Without `credentials` nothing private can be asked before `log_in`, which derives those of the owner.
    """

    def __init__(
        self,
        config: PolymarketExecutionConfig,
        owner: Owner,
        credentials: ApiCredentials | None,
        *,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(config, now_ns=now_ns, monotonic=monotonic, sign=self._sign, sleep=sleep)
        self._found = credentials
        self._log_in = partial(make_credentials, config, owner, now_ns=now_ns, monotonic=monotonic)
        self.buckets.add(SIGNED_ORDERS, TokenBucket(*venue.ORDERS_PER_SEC[config.tier], monotonic))
        self.buckets.add(SIGNED_CANCELS, TokenBucket(*venue.CANCELS_PER_SEC[config.tier], monotonic))

    @property
    def credentials(self) -> ApiCredentials:
        """What signs our requests; BadCredentials before `log_in` where none were given."""
        if self._found is None:
            raise BadCredentials("expected API credentials, found none: nobody has logged in yet")
        return self._found

    async def log_in(self) -> None:
        """Make or derive the credentials unless they are known; raises from `network.errors`."""
        if self._found is None:
            self._found = await self._log_in()

    def _sign(self, method: str, path: str, now_ns: int, body: bytes) -> Mapping[str, str]:
        return self.credentials.headers(method, path, now_ns, body)

    async def _rows[T](self, path: str, params: Mapping[str, str], page: type[Page[T]]) -> tuple[T, ...]:
        return tuple([row async for rows in self._pages(path, params, page) for row in rows])

    async def _pages[T](
        self, path: str, params: Mapping[str, str], page: type[Page[T]]
    ) -> AsyncIterator[tuple[T, ...]]:
        asked, used = dict(params), {""}
        while True:
            reply = await self.private.read(path, params=asked, group="private_read")
            found = reply.decode(page)
            yield found.data
            if found.next_cursor in ("", LAST_CURSOR):
                return
            if found.next_cursor in used:
                raise BadReply(f"GET {path} $.next_cursor", "expected a new cursor, found one that was used")
            used.add(found.next_cursor)
            asked["next_cursor"] = found.next_cursor

    async def _change[T](
        self, method: str, path: str, into: type[T], body: Any, group: str, *, urgent: bool = False
    ) -> Outcome[T]:
        return await self.private.write(
            method,
            path,
            into=into,
            body=body,
            group=group,
            urgent=urgent,
            refused_statuses=STATED_STATUSES,
        )
