"""Ask every rule about every order, and follow what becomes of it; the first refusal stands."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId, OrderFilled, OrderSubmitted, OrderUpdated, Price, Quantity

from engine.desk import Desk
from engine.guard import Clearing
from markets.facts import Condition, Fact, OraclePrice, VenueCondition
from risk import hearsay
from risk.clerk import Clerk, Draft, ask_of
from risk.contract import Contract, Contracts
from risk.errors import UnknownFigure
from risk.exposure import Exposure
from risk.follower import MOVES_MONEY, Follower, is_settlement
from risk.ledger import Ledger
from risk.lookout import Lookout
from risk.marks import Marks
from risk.memory import Keeper, Memory, recall
from risk.proposal import Proposal, Refusal, fault_of
from risk.recovery import Step
from risk.rules.drawdown import DrawdownSteps
from risk.rules.rule import Pause, Rule
from risk.standing import Books
from risk.state import State, Switch
from risk.store import Store
from risk.sums import ZERO
from risk.tally import COUNTED

type OnVerdict = Callable[[Any, Proposal | None, Refusal | None], None]
"""Hears of an order, its proposal (None when it was refused before there was one), and the refusal."""

_BEAT_NS = 1_000_000_000
_MAY_GROW = (OrderUpdated, OrderFilled)
_ONLY_SALES = frozenset({Condition.CLOSED_ONLY, Condition.GEOBLOCKED})


class Guardian:
    """The one judge of the house, in a replay as in earnest.

    Besides the rules it always asks: is trading on, can the figures be true, is what is sold held and
    not yet on offer, is the strike of what is bought named, and, when `exclusive`, does another strategy
    have the instrument that is bought. What raises
    while an order is judged refuses it; what raises while an event is followed refuses all that comes.
    With a `store`, what a restart must not forget is read from it first (positions are not: post the
    journal's facts to the ledger before) and written to it before an order leaves.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        ledger: Ledger,
        on_verdict: OnVerdict | None = None,
        *,
        exclusive: bool = False,
        store: Store | None = None,
    ) -> None:
        self.ledger = ledger
        self.exposure = Exposure()
        self.memory = recall(store) if store else Memory()
        self._keeper = Keeper(self.memory, store) if store else None
        self._rules = [(rule.name, rule) for rule in rules]
        self._pauses = [rule for rule in rules if isinstance(rule, Pause)]
        self._lookout = Lookout(self.memory, rules)
        self._is_paused = False
        self._tell: list[Callable[[], None]] = []
        self._steps = _steps_of(rules)
        self.on_verdict = on_verdict
        self._exclusive = exclusive
        self._switch = self.memory.switch
        self._contracts = Contracts()
        wants_cash = any(rule.needs_free_cash for rule in rules)
        self._clerk = Clerk(ledger, self.exposure, with_free_cash=wants_cash)
        self._books = Books(ledger, self.exposure, self.memory, self._steps)
        self._follower = Follower(ledger, self.exposure, self._contracts)
        self._must_look = any(rule.needs_equity for rule in rules)
        self._unfollowed: str | None = None
        self.doubts: dict[str, str] = {}
        ledger.take_results()  # what ended before this start is in the memory already

    # Trading on, half on, off

    @property
    def state(self) -> State:
        return self._switch.state

    @property
    def switch(self) -> Switch:
        """The state with its history, for whoever reports it."""
        return self._switch

    @property
    def marks(self) -> Marks:
        """The baselines of the loss limits, for whoever reports them."""
        return self.memory.marks

    @property
    def scale(self) -> Decimal:
        """The share of full size that `DrawdownSteps` allows; a strategy may size its orders by it."""
        return self.memory.recovery.scale

    def halt(self, cause: str, now_ns: int) -> None:
        """Let nothing new out, until a named operator resumes."""
        self._switch.halt(cause, now_ns)
        self._keep_and_tell()

    def reduce_only(self, cause: str, now_ns: int) -> None:
        """Let out only what sells a position, until a named operator resumes."""
        self._switch.reduce_only(cause, now_ns)
        self._keep_and_tell()

    def resume(self, reason: str, operator: str, now_ns: int) -> None:
        """Trade again, also after the last step of a drawdown; ValueError without a reason or a name."""
        self._switch.resume(reason, operator, now_ns)
        self.memory.recovery.resume(self._steps)
        self._keep()

    # What others know

    def note_health(self, venue: str, condition: str, now_ns: int, *, by_desk: bool = False) -> None:
        """Take note of a venue's mode or failure (`markets.facts.Condition`); ValueError for another word.

        `by_desk`: whoever sends orders says so. It and whoever brings data may differ: the worse word counts.
        A restriction is no matter of rules: `closed_only` and `geoblocked` leave only sales, `banned` halts,
        until a named operator resumes.
        """
        told = Condition(condition)
        self.memory.tally.note(venue, told, now_ns, by_desk=by_desk)
        if told in _ONLY_SALES:
            self.reduce_only(f"{venue} says {told}", now_ns)
        elif told == Condition.BANNED:
            self.halt(f"{venue} says {told}", now_ns)
        self._keep()

    def note_market(self, market: str, problem: str | None) -> None:
        """Take note that a market's result is awaited or disputed; None takes the note back."""
        if problem is None:
            self.memory.unsettled.pop(market, None)
        else:
            self.memory.unsettled[market] = problem
        self._keep()

    def note_doubt(self, market: str, now_ns: int) -> None:
        """Take note that the book of a market may be wrong, until its next quote."""
        self.memory.doubted_ns[market] = now_ns
        self._keep()

    @property
    def sources(self) -> list[str]:
        """The sources of prices that a rule looks at, each as symbol.source."""
        return sorted({one for _, rule in self._rules for one in rule.wanted_sources()})

    def meet(self, market: str, yes: InstrumentId) -> None:
        """Know a market from now on, in case a rule watches prices; `yes` is the side whose mid is its price."""
        self._lookout.meet(market, yes)

    def learn(self, fact: Fact) -> None:
        """Take note of what a venue or a source says; the same fact twice changes nothing."""
        if isinstance(fact, OraclePrice):
            self.memory.printed_ns[fact.identifier] = fact.ts_event
            self.memory.printed[fact.identifier] = fact.value
        elif isinstance(fact, VenueCondition):
            self.note_health(fact.venue, fact.condition, fact.ts_init)
        else:
            hearsay.take(fact, self.memory)
            self._keep()

    def unwanted(self, desk: Desk) -> Clearing:
        """Return which resting orders must go: in a halt all, else in a pause those that could open a position."""
        if self._unfollowed or self._switch.state == State.HALTED:
            return Clearing.ALL
        if self._switch.state == State.REDUCE_ONLY or self._still_pauses(desk):
            return Clearing.OPENING
        return Clearing.NOTHING

    @property
    def beat_ns(self) -> int:
        """A second where a limit could pause trading or watches prices: they move while nobody sends an order."""
        return _BEAT_NS if self._pauses or self._lookout.is_on else 0

    def recheck(self, desk: Desk) -> bool:
        """Look at prices, and have `unwanted` look at the limits that pause; return whether there is more to see."""
        self._is_paused = bool(self._pauses)
        self._lookout.look(desk)
        return bool(self.exposure.reserved.total) or self._lookout.is_on

    def watch(self, look: Callable[[], None]) -> None:
        """Call `look` whenever the state changes, from now on."""
        self._tell.append(look)

    def doubt(self, venue: str, reason: str | None) -> None:
        """Let out only what sells a position at a venue whose books and ours differ; None ends that."""
        if reason is None:
            self.doubts.pop(venue, None)
        else:
            self.doubts[venue] = reason

    def describe(self) -> list[str]:
        """Return what is forbidden, one sentence a rule, in the order in which they are asked."""
        return [rule.describe() for _, rule in self._rules]

    # Orders

    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        """Return why `order` may not rest with this size and price, or None when it may.

        What passes is reserved until its events say what became of it.
        """
        proposal, refusal = self._judge(order, quantity, price, desk)
        if quote := desk.quote(order.instrument_id):
            self.memory.recent.see(quote)
        if self.on_verdict:
            self.on_verdict(order, proposal, refusal)
        if refusal is None:
            return None
        reason = str(refusal)
        self.exposure.refuse_change(order.client_order_id, reason)
        return reason

    def adopt(self, order: Any, desk: Desk) -> None:
        """Reserve for an order that rests already, such as one from before a restart, without judging it.

        All that it has traded counts as traded, heard of or not.
        """
        price = getattr(order, "price", None)
        contract = self._contracts.of(order.instrument_id, desk)
        self._reserve(self._clerk.draft(order, ask_of(order.quantity, price), contract, desk))

    def hear(self, event: Any, desk: Desk) -> None:
        """Take note of an order or position event; ledger and reservations are right when this returns."""
        kind = type(event)
        if kind is OrderSubmitted and self.exposure.of(event.client_order_id) is None:
            self.halt(
                f"{event.client_order_id} of {event.strategy_id} left without being asked about",
                event.ts_init,
            )
        handler = self._follower.handlers.get(kind)
        if handler is None and kind not in COUNTED:
            return
        # Stays set when something below raises: on books that missed an event nobody may trade.
        before, self._unfollowed = self._unfollowed, self._unfollowed or kind.__name__
        if self._must_look and kind in MOVES_MONEY:
            self._look(desk)
        self._count(event)
        live = self.exposure.of(event.client_order_id) if kind in _MAY_GROW else None
        set_aside = ZERO if live is None else live.usd + live.offered
        if handler is not None:
            handler(event, desk)
        if live is not None and live.exceeds(set_aside):
            self.halt(
                f"{event.client_order_id} of {event.strategy_id} grew without being asked about",
                event.ts_init,
            )
        self.memory.tally.end(self.ledger.take_results(), event.ts_init)
        self._keep()
        self._unfollowed = before
        self._is_paused = self._is_paused or (kind in MOVES_MONEY and bool(self._pauses))

    def _judge(
        self, order: Any, quantity: Quantity, price: Price | None, desk: Desk
    ) -> tuple[Proposal | None, Refusal | None]:
        proposal, asking = None, "sound_order"
        now_ns = None
        try:
            now_ns = desk.now_ns()
            if refusal := self._closed_to_all():
                return None, refusal
            contract = self._contracts.of(order.instrument_id, desk)
            draft = self._clerk.draft(order, ask_of(quantity, price), contract, desk)
            proposal = draft.proposal
            if draft.asks_nothing and fault_of(proposal) is None:
                self._let_out(draft)
                return proposal, None
            if refusal := self._always(draft) or _undecided(proposal, contract):
                return proposal, refusal
            if self._must_look:
                self._look(desk)
            self._lookout.look(desk)
            self._lookout.hear(proposal)
            self._books.forget_lots()
            self.memory.tally.on_day(proposal.now_ns)
            for name, rule in self._rules:
                asking = name
                if refusal := rule.refuse(proposal, self._books):
                    self._is_paused = self._is_paused or isinstance(rule, Pause)
                    return proposal, refusal
            asking = "state_kept"
            self._let_out(draft)
        except Exception as error:  # noqa: BLE001 - whatever breaks in here must refuse, in the rule's name
            self._count_fault(now_ns)
            return proposal, Refusal(asking, f"could not judge: {error!r}")
        return proposal, None

    def _closed_to_all(self) -> Refusal | None:
        if self._unfollowed:
            return Refusal("event_followed", f"the books missed an event: {self._unfollowed}")
        if self._switch.state == State.HALTED:
            return Refusal("trading_state", f"halted: {self._switch.cause}")
        return None

    def _always(self, draft: Draft) -> Refusal | None:
        proposal = draft.proposal
        if fault := fault_of(proposal):
            self._count_fault(proposal.now_ns)
            return Refusal("sound_order", fault)
        if proposal.is_reducing and proposal.quantity > draft.sellable:
            return Refusal(
                "sell_what_is_held",
                f"{proposal.quantity} contracts of {proposal.instrument} would be on offer, "
                f"{proposal.strategy} holds {draft.sellable} that are not yet",
            )
        if self._switch.state == State.REDUCE_ONLY and not proposal.is_reducing:
            return Refusal("trading_state", f"only what sells a position may pass: {self._switch.cause}")
        if (doubt := self.doubts.get(proposal.venue)) and not proposal.is_reducing:
            return Refusal("books_agree", f"{proposal.venue} and we differ: {doubt}")
        return self._owned_by_another(proposal) if self._exclusive and not proposal.is_reducing else None

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

    def _let_out(self, draft: Draft) -> None:
        self.memory.tally.pass_order(draft.proposal.now_ns)
        self._keep()
        self._reserve(draft)

    def _count(self, event: Any) -> None:
        if type(event) in COUNTED and not is_settlement(event):
            self.memory.tally.hear(event, self.exposure.of(event.client_order_id), event.ts_init)

    def _count_fault(self, now_ns: int | None) -> None:
        if isinstance(now_ns, int):
            self.memory.tally.break_down(now_ns)

    def _still_pauses(self, desk: Desk) -> bool:
        """Return whether a pause holds; asked only after one was found or money moved, since it is dear."""
        if not self._is_paused:
            return False
        if self._must_look:
            self._look(desk)
        self._is_paused = any(self._is_reached(rule, desk.now_ns()) for rule in self._pauses)
        return self._is_paused

    def _is_reached(self, rule: Pause, now_ns: int) -> bool:
        try:
            return rule.breach(self._books, now_ns) is not None
        except UnknownFigure:  # what cannot be known lets nothing new out, and is no reason to cancel
            return False

    def _keep_and_tell(self) -> None:
        self._keep()
        for look in self._tell:
            look()

    def _keep(self) -> None:
        if self._keeper:
            self._keeper.keep()

    def _reserve(self, draft: Draft) -> None:
        if draft.is_change:
            self.exposure.ask_change(draft.order_id, draft.ask)
        else:
            self.exposure.open(draft.order_id, draft.reservation)

    def _look(self, desk: Desk) -> None:
        def mark(instrument: str) -> Decimal | None:
            return desk.mark(self._contracts.id_of(instrument))

        self._books.look(mark, desk.now_ns())


def _undecided(proposal: Proposal, contract: Contract) -> Refusal | None:
    if proposal.is_reducing or not contract.awaits_strike:
        return None
    return Refusal("terms_known", f"the strike of {proposal.instrument} is not named yet")


def _steps_of(rules: Sequence[Rule]) -> tuple[Step, ...]:
    found = [rule.exact_steps() for rule in rules if isinstance(rule, DrawdownSteps)]
    if len(found) > 1:
        raise ValueError(f"expected at most one DrawdownSteps in a book, found {len(found)}")
    return found[0] if found else ()
