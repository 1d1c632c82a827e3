"""Our own books: conserved to the millionth of a dollar, after every event, in every mode.

cash + cost of open positions + fees + pending payouts - realized profit - capital = 0

Two books are kept. The accounts move by the entries of transactions; holdings and cash flows move by
the facts themselves (contracts, prices, fees). After every posting the two are compared.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from risk.accounts import Accounts, Entries, Label, Transaction, above_zero, must_agree, to_micro
from risk.contract import Outcome
from risk.errors import ImpossiblePosting, LedgerBroken
from risk.holding import Holding, Move, Position, known_mark, part_of
from risk.sums import ZERO, Sums
from risk.trades import CashMove, Conversion, Fact, Fill, Reversal, Settlement, Void

type Mark = Callable[[str], Decimal | None]
type OnPost = Callable[[Transaction, Fact], None]


class Ledger:
    """Cash per venue, cost per strategy and outcome, fees, realized profit, capital, pending payouts.

    `on_post` hears every transaction, and the fact behind it, after it was booked and found in balance. With
    `pays_in_units` a settlement pays what a real venue does, whole cents at Kalshi; no simulated venue rounds.
    """

    def __init__(self, on_post: OnPost | None = None, *, pays_in_units: bool = False) -> None:
        self.costs = Sums()
        self.duplicates: list[tuple[str, str]] = []
        self.on_post = on_post
        self._pays_in_units = pays_in_units
        self._accounts = Accounts()
        self._holdings: dict[tuple[str, str], Holding] = {}
        self._open: dict[str, dict[str, Holding]] = {}
        self._cash: dict[str, Decimal] = defaultdict(Decimal)
        self._owed: dict[str, Decimal] = defaultdict(Decimal)
        self._cash_total = ZERO
        self._trades: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}  # contracts and cost moved
        self._voids: set[str] = set()
        self._settled: dict[tuple[str, str, str], tuple[Move, bool]] = {}
        self._conversions: set[str] = set()
        self._results: list[Decimal] = []

    # What happened

    def deposit(self, venue: str, amount: Decimal, now_ns: int, reference: str = "") -> None:
        """Book capital that came in; `amount` in USD, above 0."""
        paid = above_zero(amount, f"a deposit at {venue}")
        entries = ((f"cash:{venue}", paid), ("capital", -paid))
        self._book_cash(CashMove("deposit", venue, None, paid, reference, now_ns), entries)

    def withdraw(self, venue: str, amount: Decimal, now_ns: int, reference: str = "") -> None:
        """Book capital that was taken out; `amount` in USD, above 0."""
        taken = above_zero(amount, f"a withdrawal from {venue}")
        entries = ((f"cash:{venue}", -taken), ("capital", taken))
        self._book_cash(CashMove("withdrawal", venue, None, taken, reference, now_ns), entries)

    def transfer(self, source: str, target: str, amount: Decimal, now_ns: int, reference: str = "") -> None:
        """Book cash that went from one venue to another; `amount` in USD, above 0."""
        moved = above_zero(amount, f"a transfer from {source} to {target}")
        if source == target:
            raise ImpossiblePosting(f"expected a transfer between two venues, found {source} twice")
        entries = ((f"cash:{source}", -moved), (f"cash:{target}", moved))
        self._book_cash(CashMove("transfer", source, target, moved, reference, now_ns), entries)

    def post_fill(self, fill: Fill) -> Transaction | None:
        """Book a trade; None when it was booked before (it is then listed in `duplicates`).

        ImpossiblePosting for a price outside (0, 1), a size that is not above 0, and a sale of more
        than the strategy holds; LedgerBroken when the books do not balance.
        """
        key = (fill.order_id, fill.trade_id)
        if key in self._trades:
            self.duplicates.append(key)
            return None
        quantity, notional, fee = fill.quantity, fill.notional_usd(), to_micro(fill.fee_usd, "a fee")
        holding = self._holding(fill.strategy, fill.outcome)
        if fill.is_buy:
            move = Move(quantity, notional, -notional, fee)
        else:
            move = Move(-quantity, -holding.cost_of(quantity), notional, fee)
        self._trades[key] = (quantity, move.cost)
        return self._book([(holding, move)], ("fill", fill.trade_id, fill.now_ns), fill)

    def post_void(self, taken: Fill, correction_id: str) -> Transaction | None:
        """Take back `taken.quantity` contracts of a trade that its venue reverted; None when done before.

        ImpossiblePosting when the trade is unknown or smaller, or its contracts have been sold since.
        """
        if correction_id in self._voids:
            self.duplicates.append((taken.order_id, correction_id))
            return None
        key = (taken.order_id, taken.trade_id)
        quantity, notional, fee = taken.quantity, taken.notional_usd(), to_micro(taken.fee_usd, "a fee")
        booked, moved = self._trades.get(key, (ZERO, ZERO))
        if booked < quantity:
            raise ImpossiblePosting(
                f"expected trade {taken.trade_id} to have {quantity} contracts to take back, found {booked}"
            )
        holding = self._holding(taken.strategy, taken.outcome)
        share = part_of(moved, quantity, booked)
        if taken.is_buy:
            # After a sale at the average cost, this trade's own cost may no longer be there in full.
            average = holding.cost_of(quantity)
            cost = average if quantity == holding.quantity else min(share, holding.cost_usd)
            move = Move(-quantity, -cost, notional, -fee)
        else:
            move = Move(quantity, -share, -notional, -fee)
        self._trades[key] = (booked - quantity, moved - share)
        self._voids.add(correction_id)
        label = ("void", taken.trade_id, taken.now_ns)
        return self._book([(holding, move)], label, Void(taken, correction_id))

    def post_settlement(self, end: Settlement) -> Transaction:
        """Book the payout of a whole position; an unpaid one waits for `post_payout`."""
        proceeds = end.proceeds_usd(in_units=self._pays_in_units)
        holding = self._holding(end.strategy, end.outcome)
        if holding.quantity != end.quantity or not end.quantity:
            raise ImpossiblePosting(
                f"expected a settlement of all {holding.quantity} contracts of {end.outcome.instrument} that "
                f"{end.strategy} holds, found one of {end.quantity}"
            )
        move = Move(-end.quantity, -holding.cost_usd, proceeds, ZERO)
        self._settled[end.strategy, end.outcome.instrument, end.reference] = move, end.is_paid
        label = ("settlement", end.reference, end.now_ns)
        return self._book([(holding, move)], label, end, is_paid=end.is_paid)

    def post_reversal(self, taken: Reversal) -> Transaction:
        """Take back a settlement: the position is there again at its cost, and what it paid is not.

        ImpossiblePosting when there was none, when it was taken back already, and when its venue has paid what
        it owed since: that money must be asked back by a settlement that is paid.
        """
        key = taken.strategy, taken.outcome.instrument, taken.reference
        move, is_paid = self._settled.get(key, (None, True))
        if move is None:
            raise ImpossiblePosting(
                f"expected a settlement {taken.reference} of {key[1]} to take back, found none"
            )
        if not is_paid and move.gross > self.pending_usd(taken.outcome.venue):
            raise ImpossiblePosting(
                f"expected {taken.outcome.venue} to owe {move.gross} USD still, found "
                f"{self.pending_usd(taken.outcome.venue)} USD"
            )
        del self._settled[key]
        back = Move(-move.quantity, -move.cost, -move.gross, ZERO)
        label = ("reversal", taken.reference, taken.now_ns)
        return self._book(
            [(self._holding(taken.strategy, taken.outcome), back)], label, taken, is_paid=is_paid
        )

    def post_conversion(self, change: Conversion) -> Transaction | None:
        """Book contracts that became others or money; None when it was booked before.

        ImpossiblePosting when a leg gives more than is held; nothing is booked then.
        """
        if change.reference in self._conversions:
            self.duplicates.append((change.strategy, change.reference))
            return None
        rows = []
        for leg in change.legs:
            holding = self._holding(change.strategy, leg.checked().outcome)
            gives = leg.quantity < 0
            cost = -holding.cost_of(-leg.quantity) if gives else leg.usd
            rows.append((holding, Move(leg.quantity, cost, leg.usd if gives else -leg.usd, ZERO)))
        self._conversions.add(change.reference)
        return self._book(rows, ("conversion", change.reference, change.now_ns), change)

    def post_payout(self, venue: str, amount: Decimal, now_ns: int, reference: str = "") -> None:
        """Book that a venue paid `amount` USD of what it owed us."""
        paid = above_zero(amount, f"a payout from {venue}")
        if paid > self.pending_usd(venue):
            raise ImpossiblePosting(
                f"expected a payout of at most {self.pending_usd(venue)} USD from {venue}, found {paid} USD"
            )
        self._owed[venue] -= paid
        entries = ((f"cash:{venue}", paid), (f"pending:{venue}", -paid))
        self._book_cash(CashMove("payout", venue, None, paid, reference, now_ns), entries)

    def post(self, fact: Fact) -> None:
        """Book a fact of whatever kind, as a restart does with those of the journal, in their order."""
        posting: dict[type, Callable[[Any], object]] = {
            Fill: self.post_fill,
            Settlement: self.post_settlement,
            Reversal: self.post_reversal,
            Conversion: self.post_conversion,
        }
        match fact:
            case Void(taken, correction_id):
                self.post_void(taken, correction_id)
            case CashMove(target=str(target)):
                self.transfer(fact.venue, target, fact.amount, fact.now_ns, fact.reference)
            case CashMove():
                moves = {"deposit": self.deposit, "withdrawal": self.withdraw, "payout": self.post_payout}
                if fact.kind not in moves:
                    raise ImpossiblePosting(f"expected a move among {', '.join(moves)}, found {fact.kind}")
                moves[fact.kind](fact.venue, fact.amount, fact.now_ns, fact.reference)
            case _:
                posting[type(fact)](fact)

    # What is

    def accounts(self) -> dict[str, Decimal]:
        """Return the balance of every account that is not at 0, by its name."""
        return self._accounts.balances()

    def position(self, strategy: str, instrument: str) -> Position | None:
        """Return what a strategy holds, or once held, of an outcome; None when it never traded it."""
        holding = self._holdings.get((strategy, instrument))
        return None if holding is None else holding.as_position()

    def cash_usd(self, venue: str | None = None) -> Decimal:
        """Return the cash at a venue, or at all of them."""
        return self._cash_total if venue is None else self._cash.get(venue, ZERO)

    def pending_usd(self, venue: str | None = None) -> Decimal:
        """Return what a venue owes us for settled positions, or what all of them owe."""
        return sum(self._owed.values(), ZERO) if venue is None else self._owed.get(venue, ZERO)

    def cost_usd(self, instrument: str | None = None) -> Decimal:
        """Return what the open positions of an outcome have cost without fees, or all open positions."""
        return self.costs.total if instrument is None else self.costs.on_outcome(instrument)

    def quantity(self, strategy: str | None, instrument: str) -> Decimal:
        """Return the contracts that a strategy holds of an outcome, or that all of them hold."""
        holders = self._open.get(instrument)
        if not holders:
            return ZERO
        if strategy is None:
            return sum((holding.quantity for holding in holders.values()), ZERO)
        return holders[strategy].quantity if strategy in holders else ZERO

    def owners(self, instrument: str) -> tuple[str, ...]:
        """Return the strategies that hold the outcome."""
        return tuple(self._open.get(instrument, ()))

    @property
    def realized_usd(self) -> Decimal:
        """Profit of the contracts that were sold or settled, before fees."""
        return -self._accounts.balance("realized")

    @property
    def fees_usd(self) -> Decimal:
        """Fees paid less rebates received."""
        return self._accounts.balance("fees")

    @property
    def capital_usd(self) -> Decimal:
        """Deposits less withdrawals."""
        return -self._accounts.balance("capital")

    def equity_usd(self, mark: Mark) -> Decimal:
        """Return cash, pending payouts and open positions at `mark` USD per contract.

        UnknownFigure when a mark is None, or cannot be the price of a contract: that is no price.
        """
        equity = self._cash_total + self.pending_usd()
        for instrument, holders in self._open.items():
            price = known_mark(instrument, mark(instrument))
            for holding in holders.values():
                equity += holding.quantity * price
        return equity

    def has_trade(self, order_id: str, trade_id: str) -> bool:
        """Return whether a trade was booked; both ids are the venue's."""
        return (order_id, trade_id) in self._trades

    def positions(self, *, with_closed: bool = False) -> tuple[Position, ...]:
        """Return the open positions, or all there ever were, in the order of their first trade."""
        if with_closed:
            return tuple(holding.as_position() for holding in self._holdings.values())
        return tuple(holding.as_position() for held in self._open.values() for holding in held.values())

    def take_results(self) -> list[Decimal]:
        """Return what each position closed since the last call has made, fees included; oldest first."""
        results, self._results = self._results, []
        return results

    def snapshot(self) -> dict[str, Any]:
        """Return the books as plain data; money and contracts as text."""
        return {
            "cash_usd": {venue: str(amount) for venue, amount in self._cash.items()},
            "pending_usd": {venue: str(amount) for venue, amount in self._owed.items()},
            "cost_usd": str(self.costs.total),
            "fees_usd": str(self.fees_usd),
            "realized_usd": str(self.realized_usd),
            "capital_usd": str(self.capital_usd),
            "positions": [
                {
                    "strategy": position.strategy,
                    "instrument": position.outcome.instrument,
                    "quantity": str(position.quantity),
                    "cost_usd": str(position.cost_usd),
                }
                for position in self.positions()
            ],
        }

    def audit(self) -> None:
        """Compare every account with the facts behind it; LedgerBroken names the first that differs."""
        for holding in self._holdings.values():
            self._audit_holding(holding)
        for purse, kept in (("cash", self._cash), ("pending", self._owed)):
            accounts = self._accounts.below(purse)
            for venue in kept.keys() | accounts.keys():
                must_agree(f"{purse}:{venue}", kept.get(venue, ZERO), accounts.get(venue, ZERO))
        must_agree("cash", sum(self._cash.values(), ZERO), self._cash_total)
        held = sum((holding.cost_usd for holding in self._holdings.values()), ZERO)
        must_agree("inventory", held, self.costs.total)
        self._must_balance()

    # How it is booked

    def _holding(self, strategy: str, outcome: Outcome) -> Holding:
        """Return a holding, a new one unless something of it was booked before; it is kept when that happens."""
        known = self._holdings.get((strategy, outcome.instrument))
        return known or Holding(strategy, outcome, f"inventory:{strategy}:{outcome.instrument}")

    def _book(
        self, rows: Sequence[tuple[Holding, Move]], label: Label, fact: Fact, *, is_paid: bool = True
    ) -> Transaction:
        venue = rows[0][0].outcome.venue
        purse, kept = ("cash", self._cash) if is_paid else ("pending", self._owed)
        entries: list[tuple[str, Decimal]] = []
        for holding, move in rows:
            entries += [
                (f"{purse}:{venue}", move.gross - move.fee),
                (holding.account, move.cost),
                ("fees", move.fee),
                ("realized", -(move.gross + move.cost)),
            ]
        booked = Transaction(*label, tuple(entries))
        self._accounts.post(booked)
        for holding, move in rows:
            self._holdings[holding.strategy, holding.outcome.instrument] = holding
            holding.follow(move)
            self._list(holding)
            if not holding.quantity:
                self._results.append(holding.result_usd())
            self.costs.add(holding.outcome, move.cost)
            kept[venue] += move.gross
            kept[venue] -= move.fee
            if is_paid:
                self._cash_total += move.gross
                self._cash_total -= move.fee
            self._audit_holding(holding)
        must_agree(f"{purse}:{venue}", kept[venue], self._accounts.balance(f"{purse}:{venue}"))
        return self._close(booked, fact)

    def _book_cash(self, fact: CashMove, entries: Entries) -> None:
        booked = Transaction(fact.kind, fact.reference, fact.now_ns, entries)
        self._accounts.post(booked)
        for account, amount in entries:
            purse, _, venue = account.partition(":")
            if purse == "cash":
                self._cash[venue] += amount
                self._cash_total += amount
                must_agree(account, self._cash[venue], self._accounts.balance(account))
        self._close(booked, fact)

    def _list(self, holding: Holding) -> None:
        instrument = holding.outcome.instrument
        if holding.quantity:
            self._open.setdefault(instrument, {})[holding.strategy] = holding
            return
        holders = self._open.get(instrument, {})
        holders.pop(holding.strategy, None)
        if not holders:
            self._open.pop(instrument, None)

    def _audit_holding(self, holding: Holding) -> None:
        must_agree(holding.account, holding.cost_usd, self._accounts.balance(holding.account))
        by_flows = holding.spent_usd - holding.received_usd + holding.realized_usd
        must_agree(f"{holding.account} by its trades", by_flows, holding.cost_usd)

    def _close(self, booked: Transaction, fact: Fact) -> Transaction:
        self._must_balance()
        if self.on_post:
            self.on_post(booked, fact)
        return booked

    def _must_balance(self) -> None:
        assets = self._cash_total + self.costs.total + self.pending_usd() + self.fees_usd
        sources = self.capital_usd + self.realized_usd
        if assets != sources:
            raise LedgerBroken(
                f"expected cash {self._cash_total}, positions {self.costs.total}, pending {self.pending_usd()} "
                f"and fees {self.fees_usd} to make {sources} USD of capital {self.capital_usd} and realized "
                f"profit {self.realized_usd}, found {assets} USD"
            )
