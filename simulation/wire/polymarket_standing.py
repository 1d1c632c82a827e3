"""Who may trade: bans, closed-only accounts, countries, and whose wallet it is (polymarket.md sections 4.3, 5.6, 19)."""

from dataclasses import dataclass, field
from typing import Final

from simulation.wire.polymarket_errors import VenueError

_RESTRICTED: Final = (
    "Trading restricted in your region, please refer to available regions - https://polymarket.com/regions"
)


@dataclass(slots=True)
class Standing:
    """What the venue holds against an address, and where it thinks that the caller sits.

    A blocked caller may send no order; a closed-only address may only sell. `wallets` says which proxy,
    safe or deposit wallet belongs to an owner, by signature type.
    """

    banned: set[str] = field(default_factory=set)
    closed_only: set[str] = field(default_factory=set)
    is_blocked: bool = False
    country: str = "IE"
    region: str = "L"
    wallets: dict[tuple[str, int], str] = field(default_factory=dict)

    def require_order(self, address: str, *, is_buy: bool) -> None:
        """Raise 403 or 400 unless this address may send such an order."""
        if self.is_blocked:
            raise VenueError(403, _RESTRICTED)
        if address in self.banned:
            raise VenueError(400, f"'{address}' address banned")
        if is_buy and address in self.closed_only:
            raise VenueError(400, f"'{address}' address in closed only mode")

    def wallet_of(self, address: str, kind: int) -> str | None:
        """The wallet that an owner trades with under a signature type; its own address for type 0."""
        return address if kind == 0 else self.wallets.get((address, kind))

    def require_wallet(self, address: str, kind: int, maker: str) -> None:
        """Raise 400 when an order spends from a wallet that is not its signer's."""
        if (self.wallet_of(address, kind) or "").lower() != maker.lower():
            raise VenueError(400, "the order maker address has to be a wallet of the order signer")
