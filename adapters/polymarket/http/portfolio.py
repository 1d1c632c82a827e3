"""What is ours: open orders, trades, balances, positions, and whether we may trade. All raise from `network.errors`."""

from decimal import Decimal
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.http.private import PrivateConnection
from adapters.polymarket.messages import portfolio

_COLLATERAL: Final = "COLLATERAL"
_CONDITIONAL: Final = "CONDITIONAL"
_MOST_POSITIONS: Final = 500


class Portfolio(PrivateConnection):
    """Our account at the order book, and our positions by the Data API."""

    async def get_order(self, order_id: str) -> portfolio.OrderRow | None:
        """Return an open order; None, or Refusal 404, once it is closed or where it never was."""
        reply = await self.private.read(f"/data/order/{order_id}", group="private_read")
        return None if reply.body.strip() in (b"", b"null", b"{}") else reply.decode(portfolio.OrderRow)

    async def get_orders(self, market: str = "", token_id: str = "") -> tuple[portfolio.OrderRow, ...]:
        """Return our open orders."""
        params = {name: one for name, one in (("market", market), ("asset_id", token_id)) if one}
        return await self._rows("/data/orders", params, portfolio.OrdersPage)

    async def get_own_trades(
        self, *, trade_id: str = "", market: str = "", after_secs: int | None = None
    ) -> tuple[portfolio.TradeRow, ...]:
        """Return our trades, as taker or maker, of all states."""
        params = {name: one for name, one in (("id", trade_id), ("market", market)) if one}
        if after_secs is not None:
            params["after"] = str(after_secs)
        return await self._rows("/data/trades", params, portfolio.TradesPage)

    async def get_collateral(self, signature_type: int) -> portfolio.BalanceAnswer:
        """Return our pUSD and what each exchange may take of it."""
        return await self._balance({"asset_type": _COLLATERAL, "signature_type": str(signature_type)})

    async def get_shares(self, token_id: str, signature_type: int) -> portfolio.BalanceAnswer:
        """Return our shares of a token and what each exchange may take of them."""
        params = {"asset_type": _CONDITIONAL, "token_id": token_id, "signature_type": str(signature_type)}
        return await self._balance(params)

    async def update_collateral(self, signature_type: int) -> None:
        """Let the order book look at the chain again, such as after an approval."""
        params = {"asset_type": _COLLATERAL, "signature_type": str(signature_type)}
        await self.private.read("/balance-allowance/update", params=params, group="balance_update")

    async def get_positions(self, wallet: str) -> tuple[portfolio.PositionRow, ...]:
        """Return the positions of a wallet, seconds late."""
        params: dict[str, str | int] = {"user": wallet, "limit": _MOST_POSITIONS}
        rows: list[portfolio.PositionRow] = []
        while True:
            reply = await self.data.read("/v2/positions", params=params, group="data")
            page = reply.decode(portfolio.PositionsPage)
            rows += page.data
            cursor = page.pagination.next_cursor
            if not cursor or cursor == params.get("cursor"):
                return tuple(rows)
            params["cursor"] = cursor

    async def is_closed_only(self) -> bool:
        """Return whether the account may only close what it holds."""
        reply = await self.private.read("/auth/ban-status/closed-only", group="auth")
        return reply.decode(portfolio.ClosedOnly).closed_only

    async def _balance(self, params: dict[str, str]) -> portfolio.BalanceAnswer:
        reply = await self.private.read("/balance-allowance", params=params, group="balance")
        return reply.decode(portfolio.BalanceAnswer)


def units(text: str) -> Decimal:
    """Return dollars or shares of base units as text; ValueError for anything else."""
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"expected whole base units, found {text!r}")
    return Decimal(int(text)) / venue.BASE_UNITS
