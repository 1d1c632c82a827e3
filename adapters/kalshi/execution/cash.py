"""What we hold and what we can still spend: cash lies per shard, a position is one signed number per market.

Free cash of a shard is its balance less what our open orders there may cost (reference, section 12). The venue
leaves open whether its balance has taken resting orders off already: then we count them twice, and are
careful. Between two answers of the venue, fills that cost money are taken off and gains are not added.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from nautilus_trader.model import AccountBalance, Money

from adapters.kalshi.execution.statements import FillStatement
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import signed_contracts
from adapters.kalshi.messages.numbers import BookSide
from adapters.kalshi.messages.portfolio import Balance
from markets.currencies import USD
from pricing.fees import model_fee

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_CASH_UNIT: Final = Decimal("0.0001")


class Holdings:
    """Our contracts per market, negative for NO, kept from fills and checked against the venue."""

    def __init__(self) -> None:
        self._contracts: dict[str, Decimal] = {}
        self._trades: set[str] = set()
        self.last_fill_ns: dict[str, int] = {}

    def of(self, ticker: str) -> Decimal:
        """Return the signed contracts of a market."""
        return self._contracts.get(ticker, _ZERO)

    @property
    def tickers(self) -> frozenset[str]:
        """The markets that we hold something of."""
        return frozenset(ticker for ticker, held in self._contracts.items() if held)

    def begin(self, positions: Mapping[str, Decimal], trades: Iterable[str]) -> None:
        """Start from the venue's positions, which hold these trades already."""
        self._contracts = dict(positions)
        self._trades.update(trades)

    def correct(self, ticker: str, contracts: Decimal) -> None:
        """Take a market's contracts as they are stated."""
        self._contracts[ticker] = contracts

    def note(self, fill: FillStatement) -> Decimal:
        """Count a fill, once per trade; return how many of its contracts opened risk."""
        if fill.trade_id in self._trades:
            return _ZERO
        self._trades.add(fill.trade_id)
        opened = self.opens(fill.ticker, fill.side, fill.contracts)
        self._contracts[fill.ticker] = self.of(fill.ticker) + signed_contracts(fill.side, fill.contracts)
        self.last_fill_ns[fill.ticker] = max(fill.at_ns, self.last_fill_ns.get(fill.ticker, 0))
        return opened

    def opens(self, ticker: str, side: BookSide, contracts: Decimal) -> Decimal:
        """Return how many of these contracts would open risk; the rest closes what is there."""
        held = self.of(ticker)
        closing = max(_ZERO, -held if side == "bid" else held)
        return max(_ZERO, contracts - closing)

    def drop(self, ticker: str) -> Decimal:
        """Forget a settled market; return what was held of it."""
        self.last_fill_ns.pop(ticker, None)
        return self._contracts.pop(ticker, _ZERO)


class Cash:
    """Dollars per shard; `open_tickets` are those whose orders may still cost something."""

    def __init__(self, holdings: Holdings, open_tickets: Callable[[], Iterable[Ticket]]) -> None:
        self._holdings = holdings
        self._open_tickets = open_tickets
        self._reported: dict[int, Decimal] = {}
        self._spent: dict[int, Decimal] = {}

    def take(self, balance: Balance, spent_before: Mapping[int, Decimal]) -> None:
        """Take the venue's answer; `spent_before` is what `spent` was when it was asked for."""
        self._reported = {part.exchange_index: part.balance for part in balance.balance_breakdown}
        if not self._reported:
            self._reported = {0: balance.balance_dollars}
        for shard, usd in spent_before.items():
            self._spent[shard] = self._spent.get(shard, _ZERO) - usd

    @property
    def spent(self) -> dict[int, Decimal]:
        """What fills took since the last answer, per shard."""
        return dict(self._spent)

    def spend(self, shard: int, usd: Decimal) -> None:
        """Take off what a fill cost."""
        self._spent[shard] = self._spent.get(shard, _ZERO) + usd

    @property
    def balances_usd(self) -> dict[int, Decimal]:
        """The cash of each shard as the venue last said."""
        return dict(self._reported)

    def free_usd(self, shard: int, without: Ticket | None = None) -> Decimal:
        """Return what a new order on this shard can spend, or a changed one in place of `without`."""
        reported = self._reported.get(shard, _ZERO) - max(_ZERO, self._spent.get(shard, _ZERO))
        return reported - self.reserved_usd(one for one in self._on(shard) if one is not without)

    def reserved_usd(self, tickets: Iterable[Ticket]) -> Decimal:
        """Return what open orders may still cost together: what is held closes those of a side first that cost least.

        While a change is unknown an order costs what it does at its worst, here as well.
        """
        closed: dict[tuple[str, BookSide], Decimal] = {}
        total = _ZERO
        for ticket in sorted(tickets, key=_cost_of_one):
            side = ticket.contract.ticker, ticket.side
            before = closed.get(side, _ZERO)
            yes_price, leaves = ticket.worst
            closed[side] = before + leaves
            opens = self._holdings.opens(*side, closed[side]) - self._holdings.opens(*side, before)
            total += cost_usd(ticket, yes_price, opens)
        return total

    def state(self) -> AccountBalance:
        """Return the account over all shards, in one currency."""
        total = sum(self._reported.values(), _ZERO)
        locked = max(_ZERO, min(self.reserved_usd(self._open_tickets()), total))
        parts = (Money.from_decimal(usd, USD) for usd in (total, locked, total - locked))
        return AccountBalance(*parts)

    def _on(self, shard: int) -> Iterable[Ticket]:
        return (ticket for ticket in self._open_tickets() if ticket.contract.shard == shard)


def cost_usd(ticket: Ticket, yes_price: Decimal, contracts: Decimal) -> Decimal:
    """Return the most that opening these contracts can cost, fee included, in dollars."""
    if contracts <= 0:
        return _ZERO
    each = yes_price if ticket.side == "bid" else _ONE - yes_price
    return contracts * each + _fee_bound_usd(ticket, yes_price, contracts)


def _cost_of_one(ticket: Ticket) -> Decimal:
    yes_price, _ = ticket.worst
    return yes_price if ticket.side == "bid" else _ONE - yes_price


def _fee_bound_usd(ticket: Ticket, yes_price: Decimal, contracts: Decimal) -> Decimal:
    # At a better price than the limit a taker saves more on the contract than the fee can grow.
    terms = ticket.contract.fees.terms[-1]
    return model_fee(contracts, yes_price, terms.taker_rate, terms.exponent) + _CASH_UNIT
