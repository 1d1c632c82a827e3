"""What we hold and what we can still spend. A match moves both at once, and what it brings is not ours until it is settled.

So shares that were matched but not settled cannot be sold, and the money of such a sale cannot be spent. Collateral is one
balance, but each exchange may take only what we have approved (reference, section 4.4, read 2026-11-20).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from nautilus_trader.model import AccountBalance, Money

from adapters.polymarket.execution.statements import FillStatement
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.http.portfolio import units
from adapters.polymarket.messages.portfolio import BalanceAnswer
from markets.currencies import PUSD
from pricing.fees import most_cost_of_buying, most_fee_of_spending

_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Holdings:
    """Our shares per token, kept from fills and checked against the venue; `pending` fills are not settled yet.

    `conditions` are the markets of these tokens.
    """

    shares: dict[str, Decimal] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    pending: dict[str, FillStatement] = field(default_factory=dict)
    last_fill_ns: dict[str, int] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)

    def of(self, token_id: str) -> Decimal:
        """Return the shares of a token, settled or not."""
        return self.shares.get(token_id, _ZERO)

    @property
    def tokens(self) -> frozenset[str]:
        """The tokens that we hold something of."""
        return frozenset(token for token, held in self.shares.items() if held)

    def begin(
        self, shares: Mapping[str, Decimal], conditions: Mapping[str, str], fills: Iterable[FillStatement]
    ) -> None:
        """Start from the venue's positions, which hold these fills already."""
        self.shares, self.conditions = dict(shares), dict(conditions)
        self._counted.update(fill.name for fill in fills)

    def correct(self, token_id: str, shares: Decimal) -> None:
        """Take a token's shares as they are stated."""
        self.shares[token_id] = shares

    def note(self, fill: FillStatement) -> bool:
        """Count a match, once; return whether it is new."""
        if fill.name in self._counted:
            return False
        self._counted.add(fill.name)
        self.conditions[fill.token_id] = fill.condition_id
        self._move(fill, 1)
        self.last_fill_ns[fill.token_id] = max(fill.at_ns, self.last_fill_ns.get(fill.token_id, 0))
        if not fill.is_final:
            self.pending[fill.name] = fill
        return True

    def finish(self, fill: FillStatement) -> None:
        """Note that a match is settled for good."""
        self.pending.pop(fill.name, None)

    def reverse(self, fill: FillStatement) -> None:
        """Undo a match whose settlement failed."""
        self.pending.pop(fill.name, None)
        if fill.name in self._counted:
            self._move(fill, -1)

    def settled(self, token_id: str) -> Decimal:
        """Return the shares of a token that are on the chain."""
        moving = sum((_signed(fill) for fill in self.pending.values() if fill.token_id == token_id), _ZERO)
        return self.of(token_id) - moving

    def sellable(self, token_id: str) -> Decimal:
        """Return the shares that can be sold: those that are there, without what a pending sale takes away."""
        bought = (
            one.shares for one in self.pending.values() if one.token_id == token_id and one.side == "BUY"
        )
        return self.of(token_id) - sum(bought, _ZERO)

    def has_moved(self, token_id: str, since_ns: int) -> bool:
        """Return whether the venue's number may still be behind: a match is pending, or was just now."""
        is_pending = any(fill.token_id == token_id for fill in self.pending.values())
        return is_pending or self.last_fill_ns.get(token_id, 0) > since_ns

    def _move(self, fill: FillStatement, sign: int) -> None:
        self.shares[fill.token_id] = self.of(fill.token_id) + sign * _signed(fill)


class Cash:
    """pUSD; `open_tickets` are those whose orders may still cost something."""

    def __init__(self, holdings: Holdings, open_tickets: Callable[[], Iterable[Ticket]]) -> None:
        self._holdings = holdings
        self._open_tickets = open_tickets
        self._balance = _ZERO
        self._allowances: dict[str, Decimal] = {}
        self._spent: dict[str, Decimal] = {}
        self.is_known = False

    def take(self, answer: BalanceAnswer, spent_before: Iterable[str]) -> None:
        """Take the venue's answer; `spent_before` names the fills that were settled when it was asked for."""
        self._balance = units(answer.balance)
        self._allowances = {name.lower(): units(usd) for name, usd in answer.allowances.items()}
        for name in spent_before:
            self._spent.pop(name, None)
        self.is_known = True

    @property
    def balance_usd(self) -> Decimal:
        """What the venue last said that we have."""
        return self._balance

    @property
    def settled_spending(self) -> tuple[str, ...]:
        """The fills that cost money and are settled: a later balance has them."""
        return tuple(name for name in self._spent if name not in self._holdings.pending)

    def spend(self, fill: FillStatement, fee_usd: Decimal) -> None:
        """Take off what a fill cost; what a sale brings comes with the balance."""
        if fill.side == "BUY":
            self._spent[fill.name] = fill.shares * fill.price + fee_usd

    def give_back(self, fill: FillStatement) -> None:
        """Forget what a fill cost, since it was taken back."""
        self._spent.pop(fill.name, None)

    def allowance_usd(self, spender: str) -> Decimal:
        """Return what an exchange may take of our collateral."""
        return self._allowances.get(spender.lower(), _ZERO)

    def free_usd(self, without: Ticket | None = None) -> Decimal:
        """Return what a new order can spend."""
        others = (one for one in self._open_tickets() if one is not without)
        return self._balance - sum(self._spent.values(), _ZERO) - sum(map(cost_usd, others), _ZERO)

    def state(self) -> AccountBalance:
        """Return the account; what was spent since the venue's last word is off already."""
        total = max(_ZERO, self._balance - sum(self._spent.values(), _ZERO))
        locked = min(total, sum(map(cost_usd, self._open_tickets()), _ZERO))
        parts = (Money.from_decimal(usd, PUSD) for usd in (total, locked, total - locked))
        return AccountBalance(*parts)


def cost_usd(ticket: Ticket) -> Decimal:
    """Return the most that an order can still cost at whatever prices it fills, fee included, in dollars; a sale costs nothing.

    What an order that spends has filled without our having told it is in its money still.
    """
    if ticket.side == "SELL" or ticket.is_closed:
        return _ZERO
    terms = ticket.contract.fees.terms[-1]
    if ticket.spends:
        usd = max(_ZERO, ticket.budget_usd - ticket.spent_usd)
        return usd + most_fee_of_spending(terms, usd, is_taker=True)
    leaves = ticket.leaves
    if leaves <= 0:
        return _ZERO
    return most_cost_of_buying(terms, leaves, ticket.price, is_taker=not ticket.is_post_only)


def _signed(fill: FillStatement) -> Decimal:
    return fill.shares if fill.side == "BUY" else -fill.shares
