"""What the chain does with matches: mined, confirmed, retried or failed after a delay (polymarket.md section 7)."""

from collections import deque
from typing import Literal

from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_exchange import Exchange, Notice
from simulation.wire.polymarket_orders import Trade

Fate = Literal["confirm", "retry", "fail"]


class Settlement:
    """Moves every trade along MATCHED, MINED, CONFIRMED; `fates` names what happens to the next ones of clients."""

    def __init__(self, exchange: Exchange, settings: PolymarketSettings) -> None:
        self.exchange = exchange
        self.settings = settings
        self.fates: deque[Fate] = deque()
        self._under_way: dict[str, Fate] = {}
        self._halted_until_ns = 0
        exchange.listeners.append(self._hear)

    @property
    def under_way(self) -> int:
        """How many trades are neither confirmed nor failed."""
        return len(self._under_way)

    def halt(self, millis: float) -> None:
        """Let no trade move for so long from now."""
        self._halted_until_ns = self.exchange.now_ns() + int(millis * 1e6)

    def advance(self) -> None:
        """Take each trade one step further if its time has come."""
        if self.exchange.now_ns() < self._halted_until_ns:
            return
        for trade_id, fate in list(self._under_way.items()):
            trade = self.exchange.trades[trade_id]
            if trade.status not in ("CONFIRMED", "FAILED"):
                self._step(trade, fate)
            if trade.status in ("CONFIRMED", "FAILED"):
                del self._under_way[trade_id]

    def _hear(self, notice: Notice) -> None:
        for trade in notice.trades:
            if trade.status == "MATCHED" and trade.trade_id not in self._under_way:
                is_struck = self.fates and not trade.is_crowds
                self._under_way[trade.trade_id] = self.fates.popleft() if is_struck else "confirm"

    def _step(self, trade: Trade, fate: Fate) -> None:
        age_ms = (self.exchange.now_ns() - trade.updated_ns) / 1e6
        wait_ms = self.settings.mined_ms
        if trade.status == "MINED":
            wait_ms = self.settings.confirmed_ms - self.settings.mined_ms
        if age_ms < wait_ms:
            return
        if trade.status == "MINED":
            self.exchange.move_trade(trade, "CONFIRMED")
        elif trade.status == "MATCHED" and fate != "confirm":
            self.exchange.move_trade(trade, "RETRYING", self._hash())
        elif fate == "fail":
            self.exchange.move_trade(trade, "FAILED")
        else:
            self.exchange.move_trade(trade, "MINED", self._hash())

    def _hash(self) -> str:
        return f"0x{self.exchange.chance.getrandbits(256):064x}"
