"""Ask every rule about every order, and follow what becomes of it; the first refusal stands."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.model import Price, Quantity

from engine.desk import Desk
from risk.clerk import Clerk, Draft, ask_of
from risk.contract import Contracts
from risk.exposure import Exposure
from risk.follower import MOVES_MONEY, Follower
from risk.ledger import Ledger
from risk.marks import Marks
from risk.proposal import Proposal, Refusal, fault_of
from risk.rules.rule import Rule
from risk.standing import Books
from risk.state import State, Switch

type OnVerdict = Callable[[Any, Refusal | None], None]


class Guardian:
    """The one judge of the house, in a replay as in earnest.

    Besides the rules it always asks: is trading on, can the figures be true, is what is sold held and
    not yet on offer, and, when `exclusive`, does another strategy have the instrument. What raises
    while an order is judged refuses it; what raises while an event is followed refuses all that comes.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        ledger: Ledger,
        on_verdict: OnVerdict | None = None,
        *,
        exclusive: bool = False,
        marks: Marks | None = None,
    ) -> None:
        self.ledger = ledger
        self.exposure = Exposure()
        self.marks = marks or Marks()
        self._rules = [(rule.name, rule) for rule in rules]
        self._on_verdict = on_verdict
        self._exclusive = exclusive
        self._switch = Switch()
        self._contracts = Contracts()
        wants_cash = any(rule.needs_free_cash for rule in rules)
        self._clerk = Clerk(ledger, self.exposure, with_free_cash=wants_cash)
        self._books = Books(ledger, self.exposure, self.marks)
        self._follower = Follower(ledger, self.exposure, self._contracts)
        self._must_look = any(rule.needs_equity for rule in rules)
        self._unfollowed: str | None = None

    # Trading on, half on, off

    @property
    def state(self) -> State:
        return self._switch.state

    @property
    def switch(self) -> Switch:
        """The state with its history, for whoever reports it."""
        return self._switch

    def halt(self, cause: str, now_ns: int) -> None:
        """Let nothing new out, until a named operator resumes."""
        self._switch.halt(cause, now_ns)

    def reduce_only(self, cause: str, now_ns: int) -> None:
        """Let out only what sells a position, until a named operator resumes."""
        self._switch.reduce_only(cause, now_ns)

    def resume(self, reason: str, operator: str, now_ns: int) -> None:
        """Trade again; ValueError without a reason or an operator's name."""
        self._switch.resume(reason, operator, now_ns)

    def describe(self) -> list[str]:
        """Return what is forbidden, one sentence a rule, in the order in which they are asked."""
        return [rule.describe() for _, rule in self._rules]

    # Orders

    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        """Return why `order` may not rest with this size and price, or None when it may.

        What passes is reserved until its events say what became of it.
        """
        refusal = self._judge(order, quantity, price, desk)
        if self._on_verdict:
            self._on_verdict(order, refusal)
        if refusal is None:
            return None
        reason = str(refusal)
        self.exposure.refuse_change(order.client_order_id, reason)
        return reason

    def adopt(self, order: Any, desk: Desk) -> None:
        """Reserve for an order that rests already, such as one from before a restart, without judging it."""
        price = getattr(order, "price", None)
        contract = self._contracts.of(order.instrument_id, desk)
        self._reserve(self._clerk.draft(order, ask_of(order.quantity, price), contract, desk))

    def hear(self, event: Any, desk: Desk) -> None:
        """Take note of an order or position event; ledger and reservations are right when this returns."""
        kind = type(event)
        handler = self._follower.handlers.get(kind)
        if handler is None:
            return
        # Stays set when something below raises: on books that missed an event nobody may trade.
        before, self._unfollowed = self._unfollowed, self._unfollowed or kind.__name__
        if self._must_look and kind in MOVES_MONEY:
            self._look(desk)
        handler(event, desk)
        self._unfollowed = before

    def _judge(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> Refusal | None:
        asking = "sound_order"
        try:
            if refusal := self._closed_to_all():
                return refusal
            contract = self._contracts.of(order.instrument_id, desk)
            draft = self._clerk.draft(order, ask_of(quantity, price), contract, desk)
            if refusal := self._always(draft):
                return refusal
            if self._must_look:
                self._look(desk)
            for name, rule in self._rules:
                asking = name
                if refusal := rule.refuse(draft.proposal, self._books):
                    return refusal
            self._reserve(draft)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse, in the rule's name
            return Refusal(asking, f"could not judge: {error!r}")
        return None

    def _closed_to_all(self) -> Refusal | None:
        if self._unfollowed:
            return Refusal("event_followed", f"the books missed an event: {self._unfollowed}")
        if self._switch.state == State.HALTED:
            return Refusal("trading_state", f"halted: {self._switch.cause}")
        return None

    def _always(self, draft: Draft) -> Refusal | None:
        proposal = draft.proposal
        if fault := fault_of(proposal):
            return Refusal("sound_order", fault)
        if proposal.is_reducing and proposal.quantity > draft.sellable:
            return Refusal(
                "sell_what_is_held",
                f"{proposal.quantity} contracts of {proposal.instrument} would be on offer, "
                f"{proposal.strategy} holds {draft.sellable} that are not yet",
            )
        if self._switch.state == State.REDUCE_ONLY and not proposal.is_reducing:
            return Refusal("trading_state", f"only what sells a position may pass: {self._switch.cause}")
        return self._owned_by_another(proposal) if self._exclusive else None

    def _owned_by_another(self, proposal: Proposal) -> Refusal | None:
        owners = (
            *self.ledger.owners(proposal.instrument),
            *self.exposure.owners(proposal.instrument),
        )
        for owner in owners:
            if owner != proposal.strategy:
                return Refusal(
                    "one_strategy_per_instrument",
                    f"{proposal.instrument} is in the hands of {owner}, found an order of {proposal.strategy}",
                )
        return None

    def _reserve(self, draft: Draft) -> None:
        if draft.is_change:
            self.exposure.ask_change(draft.order_id, draft.ask)
        else:
            self.exposure.open(draft.order_id, draft.reservation)

    def _look(self, desk: Desk) -> None:
        def mark(instrument: str) -> Decimal | None:
            return desk.mark(self._contracts.id_of(instrument))

        self._books.look(mark, desk.now_ns())
