"""Whether the venue takes orders from where we are: asked of the site, never got around.

Source: reference, section 19 (read 2026-11-20): the endpoint is the authority, no list is.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from adapters.polymarket.messages.portfolio import Geoblock
from network.buckets import Buckets, TokenBucket
from network.session import HttpSession

_PER_SEC: Final = 1.0


class Region:
    """Asks the site; raises from `network.errors`."""

    def __init__(self, url: str, *, now_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self.session = HttpSession(
            f"{parts.scheme}://{parts.netloc}",
            buckets=Buckets({"read": TokenBucket(_PER_SEC, _PER_SEC, monotonic)}),
            now_ns=now_ns,
        )

    async def look(self) -> Geoblock:
        """Return what the venue says of our place."""
        return (await self.session.read(self._path)).decode(Geoblock)

    async def close(self) -> None:
        """Close all connections."""
        await self.session.close()
