"""What a start takes from the journal: the ledger's facts, posted again, and what strategies kept."""

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from heapq import merge
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from engine import Strategy
from risk import trades
from risk.contract import Outcome
from risk.errors import LedgerBroken
from risk.ledger import Ledger
from risk.trades import CashMove, Fact, Leg, Void
from risk.trades import Fill as Trade
from risk.trades import Settlement as End
from storage.journal.reading import read, read_noted
from storage.journal.records import (
    Conversion,
    Fill,
    LedgerEntry,
    Plain,
    Record,
    Reversal,
    Settlement,
    Transfer,
)
from system.run_journal import RunJournal


def rebuild(
    journal: RunJournal, ledger: Ledger, on_fact: Callable[[Record, Decimal], None] | None = None
) -> int:
    """Post all facts of the journal that count for this run to an empty ledger; return how many there were.

    `on_fact` is told each with the profit that it realized.

    LedgerBroken when the accounts that come out are not those that were written down as it went. Call it
    before the guardian is made, and before anybody listens to the ledger.
    """

    def find(connection: Connection) -> tuple[int, dict[str, Decimal]]:
        records = _records(connection, journal)
        for record in records:
            realized_usd = ledger.realized_usd
            ledger.post(_fact(record))
            if on_fact is not None:
                on_fact(record, ledger.realized_usd - realized_usd)
        return len(records), _written(connection, journal)

    count, written = journal.journal.find(find, timeout_secs=600.0)
    ledger.audit()
    found = ledger.accounts()
    for account in sorted(found.keys() | written.keys()):
        before, now = written.get(account, Decimal(0)), found.get(account, Decimal(0))
        if before != now:
            raise LedgerBroken(
                f"expected {account} to hold {before} USD as the journal says, found {now} USD"
            )
    return count


class StrategyMemory:
    """What strategies keep by `on_save` and are given by `on_load`, before `on_start`; call it on the loop only."""

    def __init__(self, journal: RunJournal) -> None:
        self._store = journal.store("strategies")

    def load(self, strategies: Sequence[Strategy[Any]]) -> None:
        """Give each strategy what it kept last; one that kept nothing hears nothing."""
        for strategy in strategies:
            kept = self._store.load(str(strategy.strategy_id))
            if kept:
                strategy.load({name: b64decode(text) for name, text in kept.items()})

    def save(self, strategies: Sequence[Strategy[Any]]) -> None:
        """Keep what each strategy wants kept, if that has changed."""
        for strategy in strategies:
            name = str(strategy.strategy_id)
            plain: Plain = {key: b64encode(value).decode() for key, value in strategy.save().items()}
            if plain != (self._store.load(name) or {}):
                self._store.save(name, plain)


def _records(connection: Connection, journal: RunJournal) -> list[Record]:
    kinds: tuple[type[Record], ...] = (Fill, Settlement, Reversal, Conversion, Transfer)
    noted = [read_noted(connection, kind, journal.scope.of(kind)) for kind in kinds]
    return [record for _, record in merge(*noted, key=itemgetter(0))]


def _fact(record: Record) -> Fact:
    match record:
        case Fill():
            trade = Trade(
                strategy=record.strategy,
                outcome=Outcome(**record.outcome),
                is_buy=record.side == "BUY",
                quantity=record.quantity,
                price=record.price,
                fee_usd=record.fee_usd,
                order_id=record.venue_order_id,
                trade_id=record.trade_id,
                now_ns=record.at_ns,
            )
            return trade if record.correction_id is None else Void(trade, record.correction_id)
        case Settlement():
            return End(
                strategy=record.strategy,
                outcome=Outcome(**record.outcome),
                quantity=record.quantity,
                payout=record.payout,
                reference=record.reference,
                now_ns=record.at_ns,
                is_paid=record.is_paid,
            )
        case Reversal():
            return trades.Reversal(record.strategy, Outcome(**record.outcome), record.reference, record.at_ns)
        case Conversion():
            legs = tuple(
                Leg(Outcome(**leg["outcome"]), Decimal(leg["quantity"]), Decimal(leg["usd"]))
                for leg in record.legs["legs"]
            )
            return trades.Conversion(record.strategy, legs, record.reference, record.at_ns)
        case Transfer():
            return CashMove(
                record.kind, record.venue, record.target, record.amount_usd, record.reference, record.at_ns
            )
        case _:
            raise TypeError(f"expected a fact of the ledger, found {record!r}")


def _written(connection: Connection, journal: RunJournal) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in read(connection, LedgerEntry, journal.scope.of(LedgerEntry)):
        sums[entry.account] += entry.amount_usd
    return {account: balance for account, balance in sums.items() if balance}
