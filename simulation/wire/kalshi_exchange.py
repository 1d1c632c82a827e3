"""The engine behind the wire: takes commands one at a time, keeps books and cash, tells its listeners.

It knows no HTTP and no sockets. Every command runs at the time of the clock that it was given and is
finished when the call returns; the listeners hear of it once, after the books are consistent again.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable

from simulation.wire.kalshi_accounts import Accounts, Pocket
from simulation.wire.kalshi_candles import note_quote, note_trade
from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_events import Action, GroupNotice, LevelChange, Listener, Notice
from simulation.wire.kalshi_fees import charge, trade_fee
from simulation.wire.kalshi_groups import Group
from simulation.wire.kalshi_markets import Event, Market, Series
from simulation.wire.kalshi_matching import cross, fillable, rest, would_cross
from simulation.wire.kalshi_orders import CANCELED, EXECUTED, FOK, GTC, RESTING, Fill, Order, OrderAsk, Trade
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_units import ONE_PRICE


class Exchange:
    """All series, events, markets, orders and accounts of the double."""

    def __init__(self, settings: KalshiSettings, seed: int, now_ns: Callable[[], int]) -> None:
        self.settings = settings
        self.now_ns = now_ns
        self.chance = random.Random(seed)
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.accounts = Accounts()
        self.orders: dict[str, Order] = {}
        self.user_orders: dict[str, list[Order]] = {}
        self.client_ids: dict[tuple[str, str], Order] = {}
        self.groups: dict[str, Group] = {}
        self.fills: dict[str, list[Fill]] = {}
        self.trades: deque[Trade] = deque(maxlen=100_000)
        self.listeners: list[Listener] = []
        self.clocks: dict[int, int] = {}
        self.paused_shards: set[int] = set()
        self.halted_shards: set[int] = set()
        self.cancel_all_at: dict[tuple[str, int], int] = {}
        self._numbers = 0
        self._doomed: list[Order] = []
        self._expiries: list[tuple[int, int, Order]] = []

    # -- small services ------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number that grows with every thing recorded: the key of cursors."""
        self._numbers += 1
        return self._numbers

    def new_id(self) -> str:
        """A UUID of version 4 from the seed; `uuid.UUID` would be half of what an order costs."""
        text = f"{self.chance.getrandbits(128):032x}"
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

    def tell(self, notice: Notice) -> None:
        """Hand a notice to every listener."""
        for listener in self.listeners:
            listener(notice)

    def market(self, ticker: str) -> Market:
        """Return a market; `market_not_found` otherwise."""
        found = self.markets.get(ticker)
        if found is None:
            raise VenueError(404, "market_not_found", "market not found", ticker)
        return found

    def begin(self, market: Market) -> Action:
        """Open an action under the next clock value of the market's shard."""
        shard = market.exchange_index
        self.clocks[shard] = self.clocks.get(shard, 0) + 1
        return Action(market, self.clocks[shard], self.now_ns())

    def close(self, action: Action) -> None:
        """Finish an action: refresh reserves, keep views, tell, cancel what a triggered group left."""
        last = {order.order_id: (order, reason) for order, reason in action.orders}
        action.orders = list(last.values())
        self._keep_views(action)
        if action.levels:
            note_quote(action.market, action.at_ns)
        if action.levels or action.orders or action.trades:
            self.tell(action)
        while self._doomed:
            doomed = self._doomed.pop()
            if doomed.on_book:
                self.cancel(doomed)

    def _keep_views(self, action: Action) -> None:
        for pocket in [pocket for pocket in action.positions.values() if not pocket.is_trusted]:
            pocket.position(action.market.ticker).remember(action.at_ns)
            pocket.refresh(action.market.ticker)
        for order, _ in action.orders:
            pocket = self.pocket_of(order)
            if not pocket.is_trusted:
                pocket.refresh(order.ticker)
                order.remember(action.at_ns)

    def pocket_of(self, order: Order) -> Pocket:
        """The pocket that pays for an order."""
        return self.accounts.pocket(order.user, order.exchange_index, order.subaccount)

    # -- commands ------------------------------------------------------------------------------

    def place(self, user: str, ask: OrderAsk) -> tuple[Order, list[Fill]]:
        """Take a checked ask: match it, rest what may rest. VenueError when it is refused as a whole."""
        self.expire()
        market = self.market(ask.ticker)
        pocket = self.accounts.pocket(user, market.exchange_index, ask.subaccount)
        order = self._make(user, market, ask)
        if ask.time_in_force == FOK and self.settings.fok_kill_is_error and not fillable(market.book, order):
            raise VenueError(409, "fill_or_kill_insufficient_resting_volume")
        capped = self._cap_reduction(order, pocket)
        self.require_funds(pocket, order)
        self._register(order)
        action = self.begin(market)
        if capped and not order.remaining:
            self._end(action, order, CANCELED, "ReduceOnlyCancel")
        self._enter(action, order)
        self.close(action)
        return order, list(action.fills)

    def cancel(self, order: Order, reason: str | None = None) -> int:
        """End a resting order; return the contracts it gave up, in hundredths."""
        action = self.begin(self.markets[order.ticker])
        reduced = order.remaining
        self.finish(action, order, reason)
        self.close(action)
        return reduced

    def amend(self, order: Order, price: int, count: int, expiration_ns: int | None) -> list[Fill]:
        """Give a resting order a new price and total size; only cuts and expiries keep its place."""
        self.expire()
        market = self.markets[order.ticker]
        wanted = count - order.filled
        action = self.begin(market)
        order.expiration_ns = expiration_ns
        if price == order.price and wanted <= order.remaining:
            self._take_off(action, order, order.remaining - wanted)
            self._note_expiry(order)
            action.touch(order, "Amend")
        else:
            self._requote(action, order, price, wanted)
        order.initial = count
        self.close(action)
        return [fill for fill in action.fills if fill.order_id == order.order_id]

    def decrease(self, order: Order, remaining: int) -> None:
        """Cut a resting order down to `remaining`, at its place; zero cancels it."""
        action = self.begin(self.markets[order.ticker])
        if remaining == 0:
            self.finish(action, order, "Decrease")
        else:
            self._take_off(action, order, order.remaining - remaining)
            action.touch(order, "Decrease")
        self.close(action)

    def expire(self) -> None:
        """Cancel what has reached its expiry (`ExpiryCancel`)."""
        now_ns = self.now_ns()
        while self._expiries and self._expiries[0][0] <= now_ns:
            at_ns, _, order = heapq.heappop(self._expiries)
            if order.on_book and order.expiration_ns == at_ns:
                self.cancel(order, "ExpiryCancel")

    def trigger(self, group: Group) -> None:
        """Cancel a group's resting orders and refuse new ones until reset."""
        group.is_triggered = True
        for order in [order for order in group.orders.values() if order.on_book]:
            self.cancel(order)
        self.tell(GroupNotice(group.user, "triggered", group.group_id, None, self.now_ns()))

    # -- what matching asks (the Venue protocol) -------------------------------------------------

    def can_pay(self, order: Order, price: int, count: int, *, is_taker: bool) -> bool:
        """Whether the owner's cash covers this execution and its fee."""
        pocket = self.pocket_of(order)
        if pocket.is_trusted:
            return True
        held = pocket.count_of(order.ticker)
        closing = min(count, max(-held if order.is_bid else held, 0))
        unit = price if order.is_bid else ONE_PRICE - price
        fee = self._fee(self.markets[order.ticker], price, count, is_taker=is_taker)
        change = ONE_PRICE * closing - unit * count - fee
        return pocket.cash + change - change % self.settings.cash_unit_micro >= 0

    def execute(self, action: Action, maker: Order, taker: Order, count: int) -> bool:
        """Book one trade at the maker's price; False when it triggered the taker's group."""
        market, price = action.market, maker.price
        trade = Trade(
            self.next_number(), self.new_id(), market.ticker, price, count, taker.is_bid, action.at_ns
        )
        market.book.side(is_bid=maker.is_bid).shrink(maker, count)
        taker.remaining -= count
        action.levels.append(LevelChange(maker.is_bid, price, -count, maker))
        action.trades.append(trade)
        self._fill(action, trade, maker, is_taker=False)
        self._fill(action, trade, taker, is_taker=True)
        self.trades.append(trade)
        note_trade(market, trade)
        self._done_if_filled(action, maker)
        self._note_group(action, maker, count)
        return not self._note_group(action, taker, count)

    def finish(self, action: Action, order: Order, reason: str | None) -> None:
        """End an order as cancelled; a resting one leaves the book."""
        self._take_off(action, order, order.remaining)
        self._end(action, order, CANCELED, reason)

    # -- steps ---------------------------------------------------------------------------------

    def _make(self, user: str, market: Market, ask: OrderAsk) -> Order:
        return Order(
            self.new_id(), self.next_number(), user, ask.subaccount, market.exchange_index, ask, self.now_ns(),
            ask.price, ask.count, ask.count, ask.client_order_id, ask.expiration_ns, ask.group_id,
        )  # fmt: skip

    def _register(self, order: Order) -> None:
        self.orders[order.order_id] = order
        if not self.pocket_of(order).is_trusted:
            self.user_orders.setdefault(order.user, []).append(order)
        if order.client_order_id:
            self.client_ids[(order.user, order.client_order_id)] = order
        if order.group_id:
            self.groups[order.group_id].orders[order.order_id] = order

    def require_funds(self, pocket: Pocket, order: Order) -> None:
        """Refuse an order whose collateral and worst fee the pocket cannot cover."""
        if pocket.is_trusted or not order.remaining:
            return
        market = self.markets[order.ticker]
        fee = self._fee(market, order.price, order.remaining, is_taker=would_cross(market.book, order))
        held = pocket.count_of(order.ticker)
        closing = min(order.remaining, max(-held if order.is_bid else held, 0))
        needed = pocket.requirement(order.ticker, order) + max(
            fee - (ONE_PRICE - order.unit_cost) * closing, 0
        )
        if needed > pocket.free(but=order.ticker):
            raise VenueError(400, "insufficient_balance", "insufficient balance")

    def _cap_reduction(self, order: Order, pocket: Pocket) -> int:
        if not order.ask.reduce_only:
            return 0
        held = pocket.count_of(order.ticker)
        cut = max(order.remaining - max(-held if order.is_bid else held, 0), 0)
        order.remaining -= cut
        return cut

    def _enter(self, action: Action, order: Order) -> None:
        ask, book = order.ask, action.market.book
        if order.status != RESTING:
            return
        if ask.post_only and would_cross(book, order):
            self._end(action, order, CANCELED, "PostOnlyCrossCancel")
            return
        if ask.time_in_force == FOK and not fillable(book, order):
            self._end(action, order, CANCELED, None)
            return
        reason = cross(self, action.market, action, order)
        self._settle_remainder(action, order, reason)

    def _settle_remainder(self, action: Action, order: Order, reason: str | None) -> None:
        if order.status != RESTING:
            return
        is_short = order.filled + order.remaining < order.initial
        if order.remaining == 0 and not is_short:
            self._end(action, order, EXECUTED, "Trade")
        elif reason is not None or order.ask.time_in_force != GTC:
            order.remaining = 0
            word = "ReduceOnlyCancel" if is_short else reason
            self._end(action, order, CANCELED, None if word == "GroupTrigger" else word)
        else:
            rest(action.market, action, order, shown_first=self.settings.crossed_groups)
            self.pocket_of(order).rest(order)
            self._note_expiry(order)
            action.touch(order, "Trade" if order.filled else None)

    def _note_expiry(self, order: Order) -> None:
        if order.expiration_ns is not None:
            heapq.heappush(self._expiries, (order.expiration_ns, self.next_number(), order))

    def _requote(self, action: Action, order: Order, price: int, wanted: int) -> None:
        pocket = self.pocket_of(order)
        old = (order.price, order.remaining)
        pocket.unrest(order)
        order.price, order.remaining = price, wanted
        try:
            self.require_funds(pocket, order)
        finally:
            order.price, order.remaining = old
            pocket.rest(order)
        self._take_off(action, order, order.remaining)
        pocket.unrest(order)
        order.price, order.remaining, order.initial = price, wanted, order.filled + wanted
        self._enter(action, order)
        if order.status == RESTING:
            action.orders[-1] = (order, "Amend")

    def _take_off(self, action: Action, order: Order, count: int) -> None:
        if count and order.on_book:
            action.market.book.side(is_bid=order.is_bid).shrink(order, count)
            action.levels.append(LevelChange(order.is_bid, order.price, -count, order))

    def _end(self, action: Action, order: Order, status: str, reason: str | None) -> None:
        order.status, order.reason, order.remaining = status, reason, 0
        pocket = self.pocket_of(order)
        pocket.unrest(order)
        if pocket.is_trusted:  # the crowd would fill the memory of a long campaign
            self.orders.pop(order.order_id, None)
        if order.group_id:
            self.groups[order.group_id].orders.pop(order.order_id, None)
        action.touch(order, reason)

    def _fee(self, market: Market, price: int, count: int, *, is_taker: bool) -> int:
        rate = market.event.rates_at(self.now_ns()).of(is_taker=is_taker)
        return trade_fee(rate, price, count, self.settings.fee_unit_micro)

    def _fill(self, action: Action, trade: Trade, order: Order, *, is_taker: bool) -> None:
        pocket, market = self.pocket_of(order), action.market
        position = pocket.position(order.ticker)
        was_long = max(position.count, 0)
        was_closing = position.count < 0 if order.is_bid else position.count > 0
        signed = position.book(is_bid=order.is_bid, price=trade.price, count=trade.count)
        model = self._fee(market, trade.price, trade.count, is_taker=is_taker)
        fee = charge(order, signed, model, self.settings.cash_unit_micro)
        pocket.cash += signed - fee
        self.accounts.house += fee
        position.fees += fee
        market.open_interest += max(position.count, 0) - was_long
        cost = (trade.price if order.is_bid else ONE_PRICE - trade.price) * trade.count
        order.filled += trade.count
        if is_taker:
            order.taker_cost, order.taker_fees = order.taker_cost + cost, order.taker_fees + fee
        else:
            order.maker_cost, order.maker_fees = order.maker_cost + cost, order.maker_fees + fee
        fill = Fill(
            self.next_number(), trade, order.order_id, order.client_order_id, order.user, order.subaccount,
            order.exchange_index, order.is_bid, is_taker, was_closing, fee, signed - fee, position.count,
        )  # fmt: skip
        if not pocket.is_trusted:
            self.fills.setdefault(order.user, []).append(fill)
        action.fills.append(fill)
        action.positions[id(pocket)] = pocket

    def _done_if_filled(self, action: Action, maker: Order) -> None:
        if maker.remaining == 0:
            self._end(action, maker, EXECUTED, "Trade")
        else:
            action.touch(maker, "Trade")

    def _note_group(self, action: Action, order: Order, count: int) -> bool:
        group = self.groups.get(order.group_id) if order.group_id else None
        if group is None or group.is_triggered:
            return False
        if not group.note_fill(action.at_ns, count, int(self.settings.group_window_secs * 1e9)):
            return False
        group.is_triggered = True
        self._doomed += [other for other in group.orders.values() if other.on_book]
        self.tell(GroupNotice(group.user, "triggered", group.group_id, None, action.at_ns))
        return True
