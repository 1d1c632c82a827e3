"""Double entry: what one account gives another receives, to the millionth of a dollar."""

from dataclasses import dataclass
from decimal import Decimal

from risk.errors import ImpossiblePosting, LedgerBroken
from risk.sums import ZERO

type Label = tuple[str, str, int]
"""What a transaction is called: its kind, its reference, its time in nanoseconds since the epoch."""

type Entries = tuple[tuple[str, Decimal], ...]
"""Accounts and the amounts in USD that they receive; they add up to zero."""

MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One posting. Assets and expenses grow with positive entries, income and capital with negative ones.

    `kind` is one of fill, void, settlement, reversal, conversion, payout, deposit, withdrawal, transfer;
    `reference` says which one; every entry is an account and an amount in USD, and they add up to zero.
    """

    kind: str
    reference: str
    now_ns: int
    entries: Entries


class Accounts:
    """The balance of every account, in USD."""

    def __init__(self) -> None:
        self._balances: dict[str, Decimal] = {}

    def post(self, transaction: Transaction) -> None:
        """Book all entries, or none when they do not add up to zero."""
        total = ZERO
        for _, amount in transaction.entries:
            total += amount
        if total:
            raise LedgerBroken(
                f"expected the entries of {transaction.kind} {transaction.reference} to add up to 0 USD, "
                f"found {total} USD"
            )
        balances = self._balances
        for account, amount in transaction.entries:
            balances[account] = balances.get(account, ZERO) + amount

    def balance(self, account: str) -> Decimal:
        return self._balances.get(account, ZERO)

    def balances(self) -> dict[str, Decimal]:
        """Return the balances that are not 0, by account."""
        return {account: balance for account, balance in self._balances.items() if balance}

    def below(self, prefix: str) -> dict[str, Decimal]:
        """Return the balances of the accounts named `prefix:<name>`, by name."""
        start = f"{prefix}:"
        return {
            account.removeprefix(start): balance
            for account, balance in self._balances.items()
            if account.startswith(start)
        }


def to_micro(amount: Decimal, what: str) -> Decimal:
    """Return `amount` as whole millionths of a dollar; ImpossiblePosting when it is not that."""
    if not amount.is_finite() or (exact := amount.quantize(MICRO)) != amount:
        raise ImpossiblePosting(f"expected {what} in whole millionths of a dollar, found {amount}")
    return exact


def above_zero(amount: Decimal, what: str) -> Decimal:
    """Return `amount` as whole millionths of a dollar; ImpossiblePosting unless it is above 0."""
    exact = to_micro(amount, what)
    if exact <= 0:
        raise ImpossiblePosting(f"expected {what} above 0 USD, found {amount}")
    return exact


def must_agree(account: str, expected: Decimal, found: Decimal) -> None:
    """Raise LedgerBroken, with both figures, unless they are the same."""
    if expected != found:
        raise LedgerBroken(f"expected {account} to hold {expected} USD, found {found} USD")
