"""What a rehearsal does to the venue by hand: list markets, fund accounts, pause, change terms, schedule faults."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from simulation.wire.fault_plan import PlannedFault
from simulation.wire.kalshi_events import EventNotice, FeeNotice, MarketNotice
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_life import Life
from simulation.wire.kalshi_markets import MADE_UP_RULES, STRUCTURES, Event, Market, Series
from simulation.wire.kalshi_orders import Fill, Order, OrderAsk
from simulation.wire.kalshi_rows import range_rows
from simulation.wire.kalshi_units import SECOND_NS, parse_count, parse_money, parse_price


@dataclass(frozen=True, slots=True)
class Listing:
    """The terms of a new market; `facts` are further keys of its REST row (strikes, rules, titles)."""

    ticker: str
    event_ticker: str
    series_ticker: str
    open_ns: int
    close_ns: int
    structure: str = "linear_cent"
    timer_secs: int = 1
    exchange_index: int = 0
    facts: dict[str, Any] | None = None
    fee_type: str = "quadratic"
    fee_multiplier: Fraction = Fraction(1)
    collateral_return_type: str = ""


class Control:
    """The operator's hand."""

    def __init__(self, exchange: Exchange, life: Life) -> None:
        self.exchange = exchange
        self.life = life

    def list_market(self, listing: Listing) -> Market:
        """Create a market, and its event and series where they do not exist."""
        now_ns = self.exchange.now_ns()
        series = self.exchange.series.get(listing.series_ticker) or self._series(listing)
        event = self.exchange.events.get(listing.event_ticker) or self._event(listing, series)
        market = Market(
            listing.ticker, self.exchange.new_id(), self.exchange.next_number(), event, listing.open_ns,
            listing.close_ns, now_ns, listing.structure, STRUCTURES[listing.structure], listing.timer_secs,
            dict(listing.facts or {}), updated_ns=now_ns,
        )  # fmt: skip
        self.exchange.markets[market.ticker] = market
        self.life.add(market)
        self.exchange.tell(MarketNotice("created", market, _created(market)))
        self.life.advance()
        return market

    def fund(self, user: str, dollars: str, exchange_index: int = 0, subaccount: int = 0) -> None:
        """Pay in (negative dollars: take out, even what resting orders need)."""
        self.exchange.accounts.deposit(user, exchange_index, parse_money(dollars), subaccount)

    def trade_as(
        self, user: str, ticker: str, side: str, price: str, count: str, **more: Any
    ) -> tuple[Order, list[Fill]]:
        """Place an order in-process for any user, by default good till cancelled."""
        ask = OrderAsk(ticker, side == "bid", parse_price(price), parse_count(count), **more)
        return self.exchange.place(user, ask)

    def make_trusted(self, user: str, exchange_index: int) -> None:
        """Let a user trade without cash checks: a counterparty for tests."""
        self.exchange.accounts.deposit(user, exchange_index, 0).is_trusted = True

    def change_structure(self, ticker: str, structure: str) -> None:
        """Give a market another price grid; resting orders stay."""
        market = self.exchange.market(ticker)
        market.structure, market.ranges = structure, STRUCTURES[structure]
        extra = {"price_level_structure": structure, "price_ranges": range_rows(market)}
        self.exchange.tell(MarketNotice("price_level_structure_updated", market, extra))

    def change_facts(self, ticker: str, **facts: Any) -> None:
        """Change strikes or the subtitle of a market (`metadata_updated`)."""
        market = self.exchange.market(ticker)
        market.facts |= facts
        market.updated_ns = self.exchange.now_ns()
        self.exchange.tell(MarketNotice("metadata_updated", market, dict(facts)))

    def override_fee(self, event_ticker: str, fee_type: str | None, multiplier: Fraction | None) -> None:
        """Change an event's fee from now on; None goes back to the series."""
        event = self.exchange.events[event_ticker]
        event.fee_changes.append((self.exchange.now_ns(), fee_type, multiplier))
        self.exchange.tell(FeeNotice(event))

    def pause_shard(self, exchange_index: int, secs: float | None = None) -> None:
        """Stop trading on a shard (cancels work), for some seconds or until `resume_shard`."""
        self.exchange.paused_shards.add(exchange_index)
        if secs is not None:
            self._later(secs, partial(self.resume_shard, exchange_index))

    def halt_shard(self, exchange_index: int, secs: float | None = None) -> None:
        """Stop a shard altogether: not even cancels."""
        self.exchange.halted_shards.add(exchange_index)
        if secs is not None:
            self._later(secs, partial(self.resume_shard, exchange_index))

    def resume_shard(self, exchange_index: int) -> None:
        """Trade again."""
        self.exchange.paused_shards.discard(exchange_index)
        self.exchange.halted_shards.discard(exchange_index)

    def carry_out(self, fault: PlannedFault) -> None:
        """Make a timed fault of a market or shard happen now; `target` names the market."""
        secs, ticker = fault.millis / 1000, fault.target
        if fault.kind == "maintenance":
            for index, _ in self.exchange.settings.shards:
                self.pause_shard(index, secs)
        elif fault.kind == "full_pause":
            for index, _ in self.exchange.settings.shards:
                self.halt_shard(index, secs)
        elif fault.kind == "pause_market":
            self.life.deactivate(ticker)
            self._later(secs, partial(self.life.activate, ticker))
        elif fault.kind == "close_moved":
            offset_ns = self.exchange.settings.ns(fault.millis)
            self.life.move_close(ticker, self.exchange.now_ns() + offset_ns)
        elif fault.kind == "resolution_flip":
            self._flip(ticker, secs)

    def _flip(self, ticker: str, secs: float) -> None:
        market = self.exchange.market(ticker)
        if market.result not in ("yes", "no"):
            self.life.determine(ticker, "yes")
        other = "no" if market.result == "yes" else "yes"
        self.life.dispute(ticker)
        self._later(secs, partial(self.life.amend, ticker, other))

    def _later(self, secs: float, step: Any) -> None:
        self.life.at(self.exchange.now_ns() + int(secs * SECOND_NS), step)

    def _series(self, listing: Listing) -> Series:
        series = Series(
            listing.series_ticker, listing.series_ticker, "Rehearsal", "custom", listing.exchange_index,
            [(0, listing.fee_type, listing.fee_multiplier)],
        )  # fmt: skip
        self.exchange.series[series.ticker] = series
        return series

    def _event(self, listing: Listing, series: Series) -> Event:
        event = Event(
            listing.event_ticker, series, listing.event_ticker,
            collateral_return_type=listing.collateral_return_type, updated_ns=self.exchange.now_ns(),
        )  # fmt: skip
        self.exchange.events[event.ticker] = event
        self.exchange.tell(EventNotice(event))
        return event


def _created(market: Market) -> dict[str, Any]:
    names = ("strike_type", "floor_strike", "cap_strike", "custom_strike")
    known = {name: market.facts[name] for name in names if name in market.facts}
    about = {
        "name": market.event.title, "title": market.event.title,
        "yes_sub_title": market.facts.get("yes_sub_title", "Yes"), "no_sub_title": "No",
        "rules_primary": MADE_UP_RULES, "rules_secondary": "", "can_close_early": True,
        "event_ticker": market.event.ticker, "expected_expiration_ts": market.close_ns // SECOND_NS,
    }  # fmt: skip
    return {
        "open_ts": market.open_ns // SECOND_NS,
        "close_ts": market.close_ns // SECOND_NS,
        "additional_metadata": about | known,
    }
