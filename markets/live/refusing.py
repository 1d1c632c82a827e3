"""What a prediction market has not: each such wish is refused with its reason, before a byte leaves."""

from typing import Any, override

from nautilus_trader.live.clients import MarketDataClient


class Refusing(MarketDataClient):
    """Refuses what no such venue can give; the engine logs the reason and goes on (run on rc7)."""

    @override
    async def _subscribe_book_depth(self, command: Any) -> None:
        raise NotImplementedError("the venue has no depth stream: take book deltas")

    @override
    async def _subscribe_bars(self, command: Any) -> None:
        raise NotImplementedError("the venue has no bar stream: request bars, or build them from trades")

    @override
    async def _subscribe_mark_prices(self, command: Any) -> None:
        raise NotImplementedError("a binary contract has no mark price")

    @override
    async def _subscribe_index_prices(self, command: Any) -> None:
        raise NotImplementedError("index values travel as OraclePrice")

    @override
    async def _subscribe_funding_rates(self, command: Any) -> None:
        raise NotImplementedError("a binary contract has no funding")

    @override
    async def _subscribe_option_greeks(self, command: Any) -> None:
        raise NotImplementedError("there are no options")

    @override
    async def _request_data(self, request: Any) -> None:
        raise NotImplementedError("facts are not kept by the venue: read a catalog")

    @override
    async def _request_quotes(self, request: Any) -> None:
        raise NotImplementedError(
            "the venue keeps no sizes of past quotes: request BID and ASK bars, or read a catalog"
        )

    @override
    async def _request_book_depth(self, request: Any) -> None:
        raise NotImplementedError("ask for a book snapshot")

    @override
    async def _request_book_deltas(self, request: Any) -> None:
        raise NotImplementedError("the venue keeps no past books: read a catalog")

    @override
    async def _request_funding_rates(self, request: Any) -> None:
        raise NotImplementedError("a binary contract has no funding")

    @override
    async def _request_option_chain_reference_price(self, request: Any) -> None:
        raise NotImplementedError("there are no options")
