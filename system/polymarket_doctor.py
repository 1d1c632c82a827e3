"""What keeps a book from hearing Polymarket, and how to mend it; nothing changes there."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketDataConfig, PolymarketExecutionConfig
from adapters.polymarket.constants import PROTOCOL_VERSION
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.providers.terms import terms_of_listing
from network.errors import NetworkError
from system.book import Raw
from system.doctor import Diagnosis, Finding, Look
from system.polymarket_settings import read_settings

_SECOND_NS: Final = 1_000_000_000


async def examine_for_book(
    settings: Raw, look: Look, environ: Mapping[str, str], *, monotonic: Callable[[], float]
) -> Diagnosis:
    """Return what keeps a book from hearing the venue: it answers, clocks agree, orders are as we know them, the series are there.

    A book that trades is asked about its account too; market data need no key.
    """
    config = read_settings(settings, PolymarketDataConfig)
    async with MarketData(config, now_ns=look.now_ns, monotonic=monotonic) as http:
        examination = _Examination(http, config, look)
        findings = [
            await _asked("clock", examination.clock()),
            await _asked("version of orders", examination.version()),
            *[await _asked(f"series {one}", examination.series(one)) for one in look.series],
        ]
    if look.trades:
        # Loaded only where it is needed: what can place an order is no part of a process that may not.
        account = import_module("system.polymarket_account")
        trading = read_settings(settings, PolymarketExecutionConfig)
        findings += await account.examine(trading, environ, now_ns=look.now_ns, monotonic=monotonic)
    return Diagnosis("polymarket", "prod" if config.rest_url is None else "double", tuple(findings))


class _Examination:
    def __init__(self, http: MarketData, config: PolymarketDataConfig, look: Look) -> None:
        self._http, self._config, self._look = http, config, look

    async def clock(self) -> Finding:
        ahead_secs = await self._http.get_time() - self._look.now_ns() / _SECOND_NS
        found = f"the venue's is {ahead_secs:+.1f} s ahead of ours"
        if abs(ahead_secs) > self._config.most_clock_skew_secs + 1:  # it says whole seconds
            mend = "set this machine's clock: orders are signed by it"
            return Finding("clock", "failed" if self._look.trades else "warning", found, mend)
        return Finding("clock", "ok", found)

    async def version(self) -> Finding:
        version = await self._http.get_version()
        if version != PROTOCOL_VERSION:
            mend = f"do not trade: we sign version {PROTOCOL_VERSION}"
            return Finding(
                "version of orders", "failed" if self._look.trades else "warning", str(version), mend
            )
        return Finding("version of orders", "ok", str(version))

    async def series(self, name: str) -> Finding:
        about = f"series {name}"
        found = await PolymarketCatalogue(self._http, self._look.now_ns).find_open(name)
        refused = []
        for listing in found:
            try:
                terms_of_listing(listing, self._look.now_ns())
            except (ValueError, ArithmeticError) as error:
                refused.append(str(error))
        if not found:
            return Finding(about, "warning", "no market trades now or will", "look at the name of the series")
        if refused:
            return Finding(
                about, "warning", f"{len(refused)} of {len(found)} cannot be traded: {refused[0]}", ""
            )
        return Finding(about, "ok", f"{len(found)} markets")


async def _asked(about: str, work: Awaitable[Finding]) -> Finding:
    try:
        return await work
    except (NetworkError, MsgspecError, ValueError) as error:
        return Finding(about, "failed", str(error), "see whether the venue can be reached from here")
