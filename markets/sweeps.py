"""Prints that nobody made: they tell the simulated venue that a better level was swept empty.

A print at a price proves that every better-priced order was filled before. The simulated exchange
keeps a resting order waiting behind the size shown at its own price all the same (run on rc7). So a
replay or a sandbox first prints each level that was swept. No strategy hears these prints in `on_trade`;
the engine's cache of trades holds them.
"""

from nautilus_trader.model import TradeId, TradeTick

_MARK = "SWEEP-"


def sweep_id(trade_id: TradeId, level: int) -> TradeId:
    """Return the id of the print that empties the `level`-th level before the trade `trade_id`."""
    return TradeId(f"{_MARK}{level}-{trade_id}"[:36])


def is_sweep(trade: TradeTick) -> bool:
    """Return whether `trade` is such a print, and no trade that happened."""
    return str(trade.trade_id).startswith(_MARK)
