"""Cancel every order of ours at Polymarket without a node, and prove that none is open."""

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.messages.portfolio import OrderRow
from network.errors import NetworkError
from network.outcomes import Done
from system.closing import Closing

_FIRST_PAUSE_SECS: Final = 0.05
_LONGEST_PAUSE_SECS: Final = 1.0
_NONE_TWICE: Final = 2  # an order may be on its way while the list is read


class PolymarketCloser:
    """Ends our orders at Polymarket: all by one request, what is then still listed by its hash.

    The list is the order book's own. `monotonic` is a clock in seconds.
    """

    def __init__(self, http: PolymarketHttp, *, monotonic: Callable[[], float]) -> None:
        self._http = http
        self._monotonic = monotonic

    @property
    def venue(self) -> str:
        return "POLYMARKET"

    async def open(self) -> None:
        await self._http.log_in()
        await self._http.get_orders()

    async def close(self, patience_secs: float) -> Closing:
        return await self._until_closed(patience_secs, cancels_all=True)

    async def look(self, patience_secs: float) -> Closing:
        return await self._until_closed(patience_secs, cancels_all=False)

    async def leave(self) -> None:
        await self._http.close()

    async def _until_closed(self, patience_secs: float, *, cancels_all: bool) -> Closing:
        started = self._monotonic()
        seen = set[str]()
        doubt, pause_secs, none_seen = "nobody could look yet", _FIRST_PAUSE_SECS, 0
        must_cancel = cancels_all
        try:
            async with asyncio.timeout(patience_secs):
                while none_seen < _NONE_TWICE:
                    if must_cancel:
                        must_cancel = not isinstance(await self._http.cancel_all(), Done)
                    resting, doubt = await self._look()
                    seen |= {row.id for row in resting}
                    if resting:
                        await self._http.cancel_orders([row.id for row in resting])  # the next look tells
                    none_seen = 0 if doubt or must_cancel else none_seen + 1
                    if none_seen < _NONE_TWICE:
                        await asyncio.sleep(pause_secs)
                        pause_secs = min(pause_secs * 2, _LONGEST_PAUSE_SECS)
        except TimeoutError:
            doubt = f"{doubt or 'the list was empty once only'} (after {patience_secs:g} s)"
        return Closing(self.venue, len(seen), doubt, self._monotonic() - started)

    async def _look(self) -> tuple[tuple[OrderRow, ...], str]:
        """Return what rests, and why that is no proof that nothing does; "" when it is."""
        try:
            found = await self._http.get_orders()
        except (NetworkError, MsgspecError) as error:
            return (), f"its order list could not be read: {error}"
        return found, f"{len(found)} orders are open" if found else ""
