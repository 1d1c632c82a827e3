"""Cancel every order of ours at a venue without a node, and prove that none is open.

An order list that could not be read, or that is older than the cancel, proves nothing: unknown is not closed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import batched
from typing import Final, Protocol

from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CancelOrder
from adapters.kalshi.messages.portfolio import Order
from adapters.kalshi.messages.queries import OrdersQuery
from network.errors import NetworkError
from network.outcomes import Done

_SECOND_NS: Final = 1_000_000_000
_FIRST_PAUSE_SECS: Final = 0.05
_LONGEST_PAUSE_SECS: Final = 1.0
_IN_A_BATCH: Final = 20  # 40 tokens: the smallest write budget holds 100


@dataclass(frozen=True, slots=True)
class Closing:
    """How it went at one venue; `found` orders were listed, `doubt` says why it is not proven, if so."""

    venue: str
    found: int
    doubt: str
    took_secs: float

    @property
    def is_closed(self) -> bool:
        """Whether the venue itself says that no order of ours is open."""
        return not self.doubt

    @property
    def text(self) -> str:
        """The same for a human."""
        if self.is_closed:
            return f"{self.venue}: no order is open ({self.found} were listed, {self.took_secs:.2f} s)"
        return f"{self.venue}: not proven closed: {self.doubt}"


class Closer(Protocol):
    """Ends our orders at one venue."""

    @property
    def venue(self) -> str:
        """Its name."""
        ...

    async def open(self) -> None:
        """Get ready, so that it is quick when it matters; NetworkError when the venue does not answer."""
        ...

    async def close(self, patience_secs: float) -> Closing:
        """Cancel all and look until the venue shows none, or patience ends. It never raises."""
        ...

    async def look(self, patience_secs: float) -> Closing:
        """Look whether none is open; cancel only what is found. It never raises."""
        ...

    async def leave(self) -> None:
        """Let go of connections."""
        ...


class KalshiCloser:
    """Ends our orders at Kalshi: all by one request, what is then still listed by its id.

    `monotonic` is a clock in seconds, `now_ns` the wall clock.
    """

    def __init__(
        self, http: KalshiHttp, *, now_ns: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self._http = http
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._shards: tuple[int, ...] = ()

    @property
    def venue(self) -> str:
        return "KALSHI"

    async def open(self) -> None:
        await self._http.get_account_limits()
        self._shards = await self._ask_shards()

    async def close(self, patience_secs: float) -> Closing:
        return await self._until_closed(patience_secs, cancels_all=True)

    async def look(self, patience_secs: float) -> Closing:
        return await self._until_closed(patience_secs, cancels_all=False)

    async def leave(self) -> None:
        await self._http.close()

    async def _until_closed(self, patience_secs: float, *, cancels_all: bool) -> Closing:
        started = self._monotonic()
        seen = set[str]()
        doubt, pause_secs = "nobody could look yet", _FIRST_PAUSE_SECS
        must_cancel, since_ns = cancels_all, self._now_ns()
        try:
            async with asyncio.timeout(patience_secs):
                while True:
                    if must_cancel:
                        must_cancel = not isinstance(await self._http.cancel_all_orders(), Done)
                        since_ns = self._now_ns()
                    resting, doubt = await self._look(since_ns)
                    if not doubt:
                        break
                    seen |= {order.order_id for order in resting}
                    if resting:
                        await self._cancel(resting)
                        since_ns = self._now_ns()
                    await asyncio.sleep(pause_secs)
                    pause_secs = min(pause_secs * 2, _LONGEST_PAUSE_SECS)
        except TimeoutError:
            doubt = f"{doubt} (after {patience_secs:g} s)"
        return Closing(self.venue, len(seen), doubt, self._monotonic() - started)

    async def _look(self, since_ns: int) -> tuple[list[Order], str]:
        """Return what rests, and why that is no proof that nothing does; "" when it is."""
        try:
            complete_ns = await self._http.complete_until_ns()
            self._shards = self._shards or await self._ask_shards()
            found = await self._list()
        except NetworkError as error:
            return [], f"its order list could not be read: {error}"
        if found:
            return found, f"{len(found)} orders are open"
        if complete_ns < since_ns:
            return [], f"its order list is of {(since_ns - complete_ns) / _SECOND_NS:.2f} s before"
        return [], ""

    async def _list(self) -> list[Order]:
        places: tuple[int | None, ...] = (None, *self._shards)  # every shard by name: a list may be one's own
        queries = [OrdersQuery(status="resting", exchange_index=place) for place in places]
        pages = await asyncio.gather(*map(self._http.get_orders, queries))
        return list({order.order_id: order for page in pages for order in page}.values())

    async def _ask_shards(self) -> tuple[int, ...]:
        status = await self._http.get_exchange_status()
        return tuple(row.exchange_index for row in status.exchange_index_statuses)

    async def _cancel(self, orders: list[Order]) -> None:
        cancels = [
            CancelOrder(order_id=one.order_id, market_ticker=one.ticker, exchange_index=one.exchange_index)
            for one in orders
        ]
        for some in batched(cancels, _IN_A_BATCH, strict=False):
            await self._http.batch_cancel_orders(some)  # whatever it answers, the next look tells
