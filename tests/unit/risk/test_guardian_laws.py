from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model import InstrumentId, QuoteTick
from risk_cases import CASES, rules

from engine.config import decode
from engine.desk import Belief
from risk.contract import Outcome
from risk.trades import Fill

YES_ID = InstrumentId.from_str("KXFED-27JAN-C-YES.KALSHI")
EVERY_RULE = [decode(CASES[name].passes, kind) for name, kind in rules().items()]
WRONG = [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal(-1), Decimal("sNaN"), None]


class Number:
    """Stands in for a Nautilus price or size that holds what none can."""

    def __init__(self, value):
        self.value = value

    def as_decimal(self):
        return self.value


def trusted(table):
    t = table(EVERY_RULE)
    t.desk.believed = Belief(0.65, 1)
    t.guard.note_health("KALSHI", "normal", 1)
    t.guard.memory.printed_ns["BRTI.CFBENCHMARKS"] = t.desk.now
    t.guard.memory.recent.see(earlier(t.desk.quotes[YES_ID]))
    return t


def earlier(quote):
    now = quote.ts_init - 1
    return QuoteTick(
        quote.instrument_id, quote.bid_price, quote.ask_price, quote.bid_size, quote.ask_size, now, now
    )


def test_the_order_that_the_next_test_spoils_would_pass(table):
    t = trusted(table)
    assert t.ask(t.order("O-1", "buy", "10.00", "0.4000")) is None


def held():
    fact = (Decimal(1), Decimal("0.5"), Decimal(0), "V", "T", 1)
    return Fill("toy-1", Outcome(str(YES_ID), "M.KALSHI", "E.KALSHI", "KALSHI"), True, *fact)


def spoil(t, where, wrong):
    if where == "cash":
        t.desk.cash = wrong
    elif where == "belief":
        t.desk.believed = None if wrong is None else Belief(float(str(wrong).replace("s", "")), 1)
    elif where == "mark":
        t.ledger.post_fill(held())
        t.desk.mark = lambda _: wrong
    elif where == "quote":
        t.desk.quotes = {}
    elif where == "now":
        t.desk.now = wrong
    elif where == "stake":
        t.ledger.costs._outcomes["KXFED-27JAN-C-YES.KALSHI"] = wrong
    else:
        t.ledger._cash_total = wrong


@settings(deadline=None, max_examples=60)
@given(
    wrong=st.sampled_from(WRONG),
    where=st.sampled_from(
        ["quantity", "price", "cash", "belief", "quote", "now", "stake", "equity", "mark", "filled"]
    ),
)
def test_one_figure_that_cannot_be_true_is_a_refusal(table, wrong, where):
    t = trusted(table)
    order = t.order("O-1", "buy", "10.00", "0.4000")
    quantity = Number(wrong) if where == "quantity" else order.quantity
    price = Number(wrong) if where == "price" else order.price
    if where == "filled":
        order.filled_qty = Number(wrong)
    elif where not in ("quantity", "price"):
        spoil(t, where, wrong)
    assert t.guard.refuse(order, quantity, price, t.desk) is not None
    assert t.guard.exposure.live_count() == 0


class Story:
    """Plays random moves of up to five orders, as a venue could answer them."""

    def __init__(self, t):
        self.t, self.number, self.live, self.gone, self.fills = t, 0, {}, [], []

    def reservation(self, who):
        return self.t.guard.exposure.of(self.live[who].client_order_id) if who in self.live else None

    def new(self, who, size, price):
        if who not in self.live:
            self.live[who] = self.t.order(f"O-{self.number}", "buy", size, price)
            assert self.t.ask(self.live[who]) is None

    def change(self, who, size, price):
        if who in self.live:
            self.t.ask(self.live[who], quantity=size, price=price)

    def confirm(self, who, size, price):
        if (held := self.reservation(who)) and held.asks[-1].price is not None:
            newest = held.asks[-1]
            self.t.updated(self.live[who], f"{newest.quantity:.2f}", f"{newest.price:.4f}")

    def reject(self, who, size, price):
        if who in self.live:
            self.t.modify_rejected(self.live[who], "venue says no")

    def fill(self, who, size, price):
        held = self.reservation(who)
        if held is None or not held.left(held.asks[0]):
            return
        part = f"{min(held.left(held.asks[0]), Decimal(size)):.2f}"
        paid = price if held.asks[0].price is None else f"{held.asks[0].price:.4f}"
        self.t.fill(self.live[who], part, paid, trade_id=f"T-{self.number}")
        self.fills.append((self.live[who], f"T-{self.number}", part, paid))

    def void(self, who, size, price):
        if self.fills:
            self.t.void(*self.fills.pop(), correction=f"C-{self.number}")

    def reopen(self, who, size, price):
        if self.fills:
            self.gone.append(self.fills[-1][0])
            self.t.void(*self.fills.pop(), correction=f"C-{self.number}", is_reopened=True)

    def done(self, who, size, price):
        if who in self.live:
            self.t.done(self.live.pop(who))

    def end(self):
        for order in (*self.live.values(), *self.gone):
            self.t.done(order)


moves = st.lists(
    st.tuples(
        st.sampled_from(["new", "change", "confirm", "reject", "fill", "void", "reopen", "done"]),
        st.integers(0, 4),
        st.integers(1, 3000).map(lambda hundredths: f"{hundredths / 100:.2f}"),
        st.integers(1, 99).map(lambda cents: f"{cents / 100:.4f}"),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=80)
@given(story=moves)
def test_reservations_cover_every_limit_in_flight_and_end_at_zero(table, story):
    t = table(cash="100000")
    exposure, player = t.guard.exposure, Story(t)
    for player.number, (what, *how) in enumerate(story):
        getattr(player, what)(*how)
        assert exposure.reserved.total == sum(held.usd for held in exposure._live.values())
        for held in exposure._live.values():
            for ask in held.asks:
                assert held.usd >= held.left(ask) * (1 if ask.price is None else ask.price)
        t.ledger.audit()
    player.end()
    assert (exposure.reserved.total, exposure.live_count()) == (0, 0)
    assert (exposure._offered, exposure._owners) == ({}, {})
