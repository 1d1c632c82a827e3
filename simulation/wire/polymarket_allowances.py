"""What the exchanges may take from a wallet, on chain and as the CLOB remembers it (polymarket.md section 4.4)."""

from dataclasses import dataclass, field
from typing import Final

UNLIMITED: Final = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class _Grant:
    wallet: str
    spender: str
    is_money: bool


@dataclass(slots=True)
class Allowances:
    """Approvals of pUSD (an amount) and of tokens (all or none); a wallet that never approved is unlimited.

    A fresh approval counts once the CLOB was told to look (`GET /balance-allowance/update`).
    """

    chain: dict[_Grant, int] = field(default_factory=dict)
    remembered: dict[_Grant, int] = field(default_factory=dict)

    def approve(self, wallet: str, spender: str, amount: int, *, is_money: bool = True) -> None:
        """Approve on chain; tokens with 0 or `UNLIMITED`."""
        self.chain[_Grant(wallet.lower(), spender.lower(), is_money)] = amount

    def refresh(self, wallet: str, *, is_money: bool) -> None:
        """Have the CLOB look at the chain."""
        for grant, amount in self.chain.items():
            if grant.wallet == wallet.lower() and grant.is_money == is_money:
                self.remembered[grant] = amount

    def seen(self, wallet: str, spender: str, *, is_money: bool) -> int | None:
        """What the CLOB thinks may be taken; None without a limit."""
        grant = _Grant(wallet.lower(), spender.lower(), is_money)
        found = self.remembered.get(grant, 0 if grant in self.chain else UNLIMITED)
        return None if found >= UNLIMITED else found

    def spend(self, wallet: str, spender: str, amount: int) -> None:
        """Use up an allowance of pUSD, as an ERC-20 transfer does; one without a limit stays."""
        grant = _Grant(wallet.lower(), spender.lower(), True)
        for book in (self.chain, self.remembered):
            if book.get(grant, UNLIMITED) < UNLIMITED:
                book[grant] = max(book[grant] - amount, 0)
