"""What earlier processes traded, for the report: the same facts that the ledger begins with explain it at the end."""

from decimal import Decimal

from research.record import Fill, Settlement
from risk.contract import Outcome
from storage.journal import records
from storage.journal.records import Record


class Recollection:
    """Takes the facts that a ledger is made of again, in their order; what was taken back is none."""

    def __init__(self) -> None:
        self._fills: dict[tuple[str, str], Fill] = {}
        self._settlements: dict[tuple[str, str, str], Settlement] = {}

    @property
    def fills(self) -> list[Fill]:
        """The trades that stand."""
        return list(self._fills.values())

    @property
    def settlements(self) -> list[Settlement]:
        """The payouts that stand."""
        return list(self._settlements.values())

    def take(self, record: Record, realized_usd: Decimal) -> None:
        """Take a fact and the profit that it realized; one without a trade or a payout says nothing here."""
        match record:
            case records.Fill(correction_id=None):
                self._fills[record.venue_order_id, record.trade_id] = _fill(record)
            case records.Fill():
                self._fills.pop((record.venue_order_id, record.trade_id), None)
            case records.Settlement():
                key = record.strategy, record.instrument, record.reference
                self._settlements[key] = _settlement(record, realized_usd)
            case records.Reversal():
                self._settlements.pop((record.strategy, record.instrument, record.reference), None)


def _fill(record: records.Fill) -> Fill:
    outcome = Outcome(**record.outcome)
    return Fill(
        record.at_ns,
        record.strategy,
        record.instrument,
        outcome.market,
        outcome.event,
        "YES" if outcome.is_yes else "NO",
        record.side,
        record.quantity,
        record.price,
        record.fee_usd,
        record.is_taker,
        record.evidence,
    )


def _settlement(record: records.Settlement, realized_usd: Decimal) -> Settlement:
    outcome = Outcome(**record.outcome)
    return Settlement(
        record.at_ns,
        record.strategy,
        record.instrument,
        outcome.market,
        outcome.event,
        record.payout,
        record.quantity,
        realized_usd,
    )
