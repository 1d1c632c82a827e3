"""What the journal is told while a run goes on: signals, verdicts, order events, and what the ledger books."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final, override

from nautilus_trader.model import InstrumentId, LiquiditySide, QuoteTick, StrategyId

from engine import Belief, Companion, Desk
from risk.accounts import Transaction
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.proposal import Proposal, Refusal
from risk.trades import CashMove, Conversion, Fact, Leg, Reversal, Settlement, Void
from risk.trades import Fill as Trade
from storage.journal import records
from system.diary import Diary, sides_of
from system.event_log import plain_of
from system.run_journal import RunJournal

type Belongs = tuple[StrategyId, InstrumentId]
type Sides = tuple[Decimal | None, Decimal | None]

_NEVER_NOTED: Final = ("strategy_id", "instrument_id", "client_order_id", "ts_event")


class Chronicle(Companion):
    """Stands at the door before the diary, lets everything through, and tells the journal.

    From its making on it hears the verdicts of `guardian` and the postings of `ledger`, so make it when what
    the journal holds has been posted again. When the journal keeps nothing any more it raises JournalLost,
    and the door lets nothing out.
    """

    def __init__(self, journal: RunJournal, diary: Diary, guardian: Guardian, ledger: Ledger) -> None:
        super().__init__(diary)
        self._journal = journal
        self._run = journal.run
        self._diary = diary
        self._ledger = ledger
        self._beliefs: dict[Belongs, tuple[Belief, Sides]] = {}
        self._event: Any = None
        guardian.on_verdict = self._judged
        ledger.on_post = self._posted

    @override
    def hear(self, event: Any, desk: Desk) -> None:
        """Write an order's event down, and pass it on; what the ledger makes of it follows it in the journal."""
        if (order_id := getattr(event, "client_order_id", None)) is not None:
            self._journal.note(self._order_event(event, str(order_id)))
        self._event = event
        try:
            self._diary.hear(event, desk)
        finally:
            self._event = None

    def believed(
        self, strategy_id: StrategyId, instrument_id: InstrumentId, belief: Belief, quote: QuoteTick | None
    ) -> None:
        """Remember a signal: it is written down with the first order that it leads to, not with every tick."""
        self._diary.believed(strategy_id, instrument_id, belief, quote)
        self._beliefs[strategy_id, instrument_id] = belief, sides_of(quote) if quote else (None, None)

    def _order_event(self, event: Any, order_id: str) -> records.OrderEvent:
        venue_order_id = getattr(event, "venue_order_id", None)
        plain = plain_of(event)
        return records.OrderEvent(
            run=self._run,
            at_ns=event.ts_event,
            known_ns=event.ts_init,
            order_id=order_id,
            venue_order_id=None if venue_order_id is None else str(venue_order_id),
            strategy=str(event.strategy_id),
            instrument=str(event.instrument_id),
            kind=type(event).__name__,
            event_id=str(event.event_id),
            detail={name: value for name, value in plain.items() if name not in _NEVER_NOTED},
        )

    def _judged(self, order: Any, proposal: Proposal | None, refusal: Refusal | None) -> None:
        belief, sides = self._beliefs.pop((order.strategy_id, order.instrument_id), (None, (None, None)))
        if belief is not None:
            self._journal.note(
                records.Decision(
                    run=self._run,
                    at_ns=belief.at_ns,
                    strategy=str(order.strategy_id),
                    instrument=str(order.instrument_id),
                    kind="belief",
                    probability=belief.probability,
                    bid=sides[0],
                    ask=sides[1],
                    detail={},
                )
            )
        self._journal.note(self._verdict(order, proposal, refusal))

    def _verdict(self, order: Any, proposal: Proposal | None, refusal: Refusal | None) -> records.Verdict:
        return records.Verdict(
            run=self._run,
            order_id=str(order.client_order_id),
            strategy=str(order.strategy_id),
            instrument=str(order.instrument_id),
            side=order.side.name,
            rule=refusal.rule if refusal else None,
            reason=refusal.reason if refusal else None,
            **(_unjudged(order) if proposal is None else _judged(proposal)),
        )

    def _posted(self, booked: Transaction, fact: Fact) -> None:
        entries = [
            records.LedgerEntry(
                run=self._run,
                at_ns=booked.now_ns,
                kind=booked.kind,
                reference=booked.reference,
                account=account,
                amount_usd=amount,
            )
            for account, amount in booked.entries
        ]
        # Together: after a crash either the fact is in the journal, with its entries, or it is not.
        self._journal.note(self._fact(fact), *entries, *self._holdings(fact))

    def _fact(self, fact: Fact) -> records.Record:
        match fact:
            case Trade():
                return self._fill(fact, None)
            case Void(taken, correction_id):
                return self._fill(taken, correction_id)
            case Settlement():
                return records.Settlement(
                    run=self._run,
                    at_ns=fact.now_ns,
                    strategy=fact.strategy,
                    instrument=fact.outcome.instrument,
                    outcome=asdict(fact.outcome),
                    quantity=fact.quantity,
                    payout=fact.payout,
                    reference=fact.reference,
                    is_paid=fact.is_paid,
                )
            case Reversal():
                return records.Reversal(
                    run=self._run,
                    at_ns=fact.now_ns,
                    strategy=fact.strategy,
                    instrument=fact.outcome.instrument,
                    outcome=asdict(fact.outcome),
                    reference=fact.reference,
                )
            case Conversion():
                return records.Conversion(
                    run=self._run,
                    at_ns=fact.now_ns,
                    strategy=fact.strategy,
                    reference=fact.reference,
                    legs={"legs": [_plain_leg(leg) for leg in fact.legs]},
                )
            case CashMove():
                return records.Transfer(
                    run=self._run,
                    at_ns=fact.now_ns,
                    kind=fact.kind,
                    venue=fact.venue,
                    target=fact.target,
                    amount_usd=fact.amount,
                    reference=fact.reference,
                )

    def _fill(self, trade: Trade, correction_id: str | None) -> records.Fill:
        event = self._event
        return records.Fill(
            run=self._run,
            at_ns=trade.now_ns,
            known_ns=event.ts_init,
            order_id=str(event.client_order_id),
            venue_order_id=trade.order_id,
            trade_id=trade.trade_id,
            strategy=trade.strategy,
            instrument=trade.outcome.instrument,
            outcome=asdict(trade.outcome),
            side="BUY" if trade.is_buy else "SELL",
            quantity=trade.quantity,
            price=trade.price,
            fee_usd=trade.fee_usd,
            is_taker=getattr(event, "liquidity_side", None) != LiquiditySide.MAKER,
            evidence=self._diary.evidence(event),
            correction_id=correction_id,
        )

    def _holdings(self, fact: Fact) -> list[records.Holding]:
        if isinstance(fact, CashMove):
            return []
        owner = fact.taken if isinstance(fact, Void) else fact
        outcomes = [leg.outcome for leg in owner.legs] if isinstance(owner, Conversion) else [owner.outcome]
        found = [self._ledger.position(owner.strategy, outcome.instrument) for outcome in outcomes]
        return [
            records.Holding(
                run=self._run,
                at_ns=owner.now_ns,
                strategy=position.strategy,
                instrument=position.outcome.instrument,
                quantity=position.quantity,
                cost_usd=position.cost_usd,
                realized_usd=position.realized_usd,
                fees_usd=position.fees_usd,
            )
            for position in found
            if position is not None
        ]


def _plain_leg(leg: Leg) -> records.Plain:
    return {"outcome": asdict(leg.outcome), "quantity": str(leg.quantity), "usd": str(leg.usd)}


def _judged(proposal: Proposal) -> dict[str, Any]:
    belief, quote = proposal.belief, proposal.quote
    bid, ask = sides_of(quote) if quote else (None, None)
    return {
        "at_ns": proposal.now_ns,
        "kind": "change" if proposal.is_change else "new",
        "quantity": proposal.quantity,
        "price": proposal.price,
        "worst_case_usd": proposal.worst_case_usd,
        "expected_fee_usd": proposal.expected_fee_usd,
        "belief": belief.probability if belief else None,
        "belief_ns": belief.at_ns if belief else None,
        "bid": bid,
        "ask": ask,
    }


def _unjudged(order: Any) -> dict[str, Any]:
    price = getattr(order, "price", None)
    unknown = ("worst_case_usd", "expected_fee_usd", "belief", "belief_ns", "bid", "ask")
    return dict.fromkeys(unknown) | {
        "at_ns": order.ts_init,
        "kind": "new",
        "quantity": order.quantity.as_decimal(),
        "price": None if price is None else price.as_decimal(),
    }
