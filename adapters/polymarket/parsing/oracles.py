"""Reference prices of RTDS and PolyBolt as facts. Pure.

Source: reference, section 10 (read 2026-11-20).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from adapters.polymarket.messages.prices_stream import BoltFrame, PriceFrame
from markets.facts import Method, OraclePrice

_MILLISECOND_NS: Final = 1_000_000
_CHAINLINK_UNIT: Final = Decimal(1).scaleb(-18)
_TOPICS: Final = {
    "crypto_prices": ("BINANCE", Method.SPOT),
    "crypto_prices_chainlink": ("CHAINLINK", Method.SPOT),
    "crypto_prices_twap_thirty": ("CHAINLINK_TWAP_30", Method.TWAP),
    "crypto_prices_twap_sixty": ("CHAINLINK_TWAP_60", Method.TWAP),
    "equity_prices": ("POLYMARKET_EQUITY", Method.SPOT),
}
_CHAINLINK: Final = frozenset({"CHAINLINK", "CHAINLINK_TWAP_30", "CHAINLINK_TWAP_60"})


def source_of(topic: str) -> str:
    """Return what the prices of a topic are published under; ValueError for a topic that is no price."""
    if topic not in _TOPICS:
        raise ValueError(f"expected a topic among {', '.join(sorted(_TOPICS))}, found {topic!r}")
    return _TOPICS[topic][0]


def symbol_of(said: str) -> str:
    """Return a symbol in the form in which facts are kept: `btc/usd` is BTC-USD, as at every other source."""
    return said.upper().replace("/", "-")


def parse_oracle(frame: PriceFrame | BoltFrame, recv_ns: int) -> Iterator[OraclePrice]:
    """Yield the price of a frame of either stream; ValueError for a value that cannot be a price."""
    return parse_price(frame, recv_ns) if isinstance(frame, PriceFrame) else parse_bolt(frame, recv_ns)


def parse_price(frame: PriceFrame, recv_ns: int) -> Iterator[OraclePrice]:
    """Yield the price of a frame of RTDS; nothing for a snapshot of the past, which is no news, or a repetition.

    ValueError for a value that cannot be a price.
    """
    said = frame.payload
    if said.data or said.is_carried_forward:
        return
    if said.timestamp is None or said.value is None:
        raise ValueError(f"expected a value and its time for {said.symbol}, found less")
    source, method = _TOPICS[frame.topic]
    value = said.value
    if said.full_accuracy_value is not None:
        value = Decimal(said.full_accuracy_value) * (_CHAINLINK_UNIT if source in _CHAINLINK else 1)
    yield OraclePrice(
        ts_event=said.timestamp * _MILLISECOND_NS,
        ts_init=recv_ns,
        source=source,
        symbol=symbol_of(said.symbol),
        value=value,
        method=method,
    )


def parse_bolt(frame: BoltFrame, recv_ns: int) -> Iterator[OraclePrice]:
    """Yield the price of a frame of PolyBolt likewise; its value is exact decimal text."""
    said = frame.payload
    if frame.snapshot or said.data or said.is_carried_forward:
        return
    if said.timestamp is None or (said.full_accuracy_value is None and said.value is None):
        raise ValueError(f"expected a value and its time for {said.symbol}, found less")
    source = said.source.upper()
    method = Method.SPOT
    if said.window_seconds:
        source, method = f"{source}_TWAP_{said.window_seconds}", Method.TWAP
    exact = said.full_accuracy_value
    yield OraclePrice(
        ts_event=said.timestamp * _MILLISECOND_NS,
        ts_init=recv_ns,
        source=source,
        symbol=symbol_of(said.symbol),
        value=Decimal(exact) if exact is not None else said.value or Decimal(0),
        method=method,
    )
