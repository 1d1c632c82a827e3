"""What the private channels say about us. They have no sequence: after each connection REST must be asked."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.messages import frames
from adapters.kalshi.messages.market_data import MarketLifecycle
from adapters.kalshi.messages.portfolio import OrderGroupUpdate
from adapters.kalshi.websocket.client import Denial, Gap, KalshiSocket, Listener

type SocketFactory = Callable[[Listener], KalshiSocket]

_LOG: Final = logging.getLogger(__name__)
CHANNELS: Final = ("fill", "user_orders", "market_positions", "order_group_updates", "market_lifecycle_v2")
_VITAL: Final = frozenset({"fill", "user_orders"})


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears which message.

    `on_trouble`: something may be missing from now on. `on_whole`: all channels of a connection are confirmed.
    """

    on_fill: Callable[[FillStatement], None]
    on_order: Callable[[OrderStatement], None]
    on_position: Callable[[str, Decimal], None]
    on_group: Callable[[OrderGroupUpdate], None]
    on_lifecycle: Callable[[MarketLifecycle], None]
    on_trouble: Callable[[str], None]
    on_whole: Callable[[], None]


class PrivateStream:
    """One connection with all private channels; `epoch` counts the times that it was whole."""

    def __init__(self, make_socket: SocketFactory, hearing: Hearing) -> None:
        self._hearing = hearing
        self._live: set[str] = set()
        self.epoch = 0
        self.is_whole = False
        self.socket = make_socket(
            Listener(
                on_message=self._take,
                on_gap=self._lose,
                on_live=self._confirm,
                on_denied=self._deny,
                on_down=self._end,
            )
        )
        for channel in CHANNELS:
            self.socket.subscribe(channel)

    def _take(self, frame: frames.MessageFrame, _received_ns: int, _epoch: int) -> None:
        try:
            self._hear(frame)
        except (ValueError, LookupError) as error:  # what one message says cannot be: REST must tell
            _LOG.error("a private message cannot be true: %s", error)
            self._hearing.on_trouble(f"a private message cannot be true: {error}")

    def _hear(self, frame: frames.MessageFrame) -> None:
        match frame:
            case frames.FillFrame(msg=fill):
                self._hearing.on_fill(statements.of_fill_update(fill))
            case frames.UserOrderFrame(msg=order):
                stated = statements.of_user_order(order)
                if stated is not None:
                    self._hearing.on_order(stated)
            case frames.PositionFrame(msg=position):
                self._hearing.on_position(position.market_ticker, position.position_fp)
            case frames.OrderGroupFrame(msg=group):
                self._hearing.on_group(group)
            case frames.LifecycleFrame(msg=life):
                self._hearing.on_lifecycle(life)
            case _:
                pass  # the other types are not ours to read

    def _confirm(self, channel: str, _epoch: int) -> None:
        self._live.add(channel)
        if not self.is_whole and self._live >= set(CHANNELS):
            self.is_whole = True
            self.epoch += 1
            self._hearing.on_whole()

    def _lose(self, gap: Gap) -> None:
        if gap.channel in _VITAL:
            self._live.discard(gap.channel)
            self.is_whole = False
        self._hearing.on_trouble(f"the stream of {gap.channel} has a gap: {gap.reason}")

    def _deny(self, denial: Denial) -> None:
        self._live.discard(denial.channel)
        self.is_whole = False
        self._hearing.on_trouble(f"the stream of {denial.channel} is denied: {denial.code} {denial.reason}")

    def _end(self, _epoch: int, reason: str) -> None:
        self._live.clear()
        self.is_whole = False
        self._hearing.on_trouble(f"the private stream is down: {reason}")
