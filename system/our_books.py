"""What engine, guardian, ledger and journal say of one venue, in the words of a venue's statement."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import InstrumentId, Venue
from sqlalchemy import Connection

from risk.guardian import Guardian
from risk.ledger import Ledger
from storage.journal.reading import read_noted
from storage.journal.records import Conversion, Fill, LedgerEntry, Record, Reversal, Settlement
from storage.journal.tables import TABLES
from system.comparing import Books, Subject
from system.run_journal import RunJournal
from system.statements import Place, Stated, Statement, VenueBooks

_NETTED_USD: Final = Decimal(1)  # what a venue that nets gives back for one YES and one NO


class OurBooks:
    """Reads our own books of `venue`; `theirs` knows how that venue counts."""

    def __init__(
        self, cache: Any, ledger: Ledger, guardian: Guardian, venue: str, theirs: VenueBooks
    ) -> None:
        self._cache = cache
        self._ledger = ledger
        self._guardian = guardian
        self._venue = Venue(venue)
        self._theirs = theirs
        self._places: dict[str, Place | None] = {}

    def engine(self, fills: Mapping[str, Stated]) -> Books:
        """Return the engine's positions, its open orders, and which of `fills` it has heard of."""
        positions: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in self._cache.positions_open(venue=self._venue):
            if place := self.place_of(str(one.instrument_id)):
                held = one.quantity.as_decimal()  # `signed_qty` is a float that drifts over many fills (rc7)
                positions[place.market] += place.sign * (held if one.is_long else -held)
        heard = {str(trade) for order in self._cache.orders(venue=self._venue) for trade in order.trade_ids}
        return Books(
            "engine",
            {
                "position": positions,
                "order": self._open_orders(),
                "fill": {trade_id: one.words for trade_id, one in fills.items() if trade_id in heard},
            },
        )

    def guard(self) -> Books:
        """Return the open orders that the guardian was asked about."""
        known = {
            str(order.venue_order_id)
            for order in self._cache.orders_open(venue=self._venue)
            if self._guardian.exposure.of(order.client_order_id) is not None
        }
        return Books(
            "guardian", {"order": {one: words for one, words in self._open_orders().items() if one in known}}
        )

    def ledger(self, fills: Mapping[str, Stated]) -> Books:
        """Return the ledger's positions, and which of `fills` it has booked."""
        booked = {
            trade_id: one.words
            for trade_id, one in fills.items()
            if self._ledger.has_trade(one.order_id, trade_id)
        }
        return Books("ledger", {"position": self._ledger_positions(), "fill": booked})

    def flows_usd(self) -> dict[str, Decimal]:
        """Return what trades and settlements have brought to each purse; YES and NO together count one dollar.

        A venue that nets has paid that dollar already; our ledger waits for it until the settlement.
        """
        flows: defaultdict[str, Decimal] = defaultdict(Decimal)
        for position in self._ledger.positions(with_closed=True):
            if place := self.place_of(position.outcome.instrument):
                flows[place.purse] += position.realized_usd - position.cost_usd - position.fees_usd
        for purse, usd in self._netted_usd().items():
            flows[purse] += usd
        return dict(flows)

    def cash_usd(self) -> Decimal:
        """Return the cash that the venue should have in all, if it nets."""
        return self._ledger.cash_usd(self._venue.value) + self.netted_usd

    @property
    def netted_usd(self) -> Decimal:
        """What the venue has paid for YES and NO held together, and our ledger has not booked yet."""
        return sum(self._netted_usd().values(), Decimal(0))

    @property
    def purses(self) -> dict[str, str]:
        """The purse of each market that we know of."""
        return {place.market: place.purse for place in self._places.values() if place}

    def _netted_usd(self) -> dict[str, Decimal]:
        legs: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for position in self._ledger.positions():
            if place := self.place_of(position.outcome.instrument):
                legs[place.purse, place.market][place.sign > 0] += position.quantity
        netted: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (purse, _), both in legs.items():
            netted[purse] += min(both) * _NETTED_USD
        return netted

    def pending(self, statement: Statement, patience_ns: int) -> dict[str, str]:
        """Return the markets that cannot be judged by this statement, each with the evidence.

        An order under way there, a trade or an order's news later than the statement, a trade of the statement
        that is younger than `patience_ns` and may still be on its way to us, a payout as young as that.
        """
        found: dict[str, str] = {}
        for instrument_id, evidence in self._under_way(statement.as_of_ns):
            if place := self.place_of(str(instrument_id)):
                found.setdefault(place.market, evidence)
        for trade_id, fill in statement.fills.items():
            if fill.at_ns + patience_ns >= statement.as_of_ns:
                found.setdefault(fill.market, f"trade {trade_id} has just happened")
        for market, at_ns in statement.settled.items():
            if at_ns + patience_ns >= statement.as_of_ns:
                found.setdefault(market, "it has just been settled")
        return found

    def _under_way(self, as_of_ns: int) -> Iterator[tuple[InstrumentId, str]]:
        for order in self._cache.orders_inflight(venue=self._venue):
            yield order.instrument_id, f"order {order.client_order_id} is in flight"
        for order in self._cache.orders(venue=self._venue):
            if order.ts_last >= as_of_ns:
                yield order.instrument_id, f"order {order.client_order_id} changed since"
        for position in self._cache.positions(venue=self._venue):
            if position.ts_last >= as_of_ns:
                yield position.instrument_id, f"{position.id} changed since"

    def place_of(self, instrument: str) -> Place | None:
        """Return where an instrument of this venue counts, None for one of another or that nobody described."""
        if instrument not in self._places:
            known = self._cache.instrument(InstrumentId.from_str(instrument))
            if known is None:
                return None
            self._places[instrument] = self._theirs.place_of(known) if known.id.venue == self._venue else None
        return self._places[instrument]

    def _open_orders(self) -> dict[str, str]:
        orders = self._cache.orders_open(venue=self._venue)
        return {
            str(order.venue_order_id): self._theirs.words_of(
                order, self._cache.instrument(order.instrument_id)
            )
            for order in orders
            if order.venue_order_id is not None
        }

    def _ledger_positions(self) -> dict[str, Decimal]:
        positions: defaultdict[str, Decimal] = defaultdict(Decimal)
        for position in self._ledger.positions():
            if place := self.place_of(position.outcome.instrument):
                positions[place.market] += place.sign * position.quantity
        return dict(positions)


@dataclass(slots=True)
class JournalBooks:
    """What the journal says, read on from where the last look ended."""

    journal: RunJournal
    venue: str
    _seen_ns: dict[type[Record], int] = field(default_factory=dict)
    _held: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _settled: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    _trades: set[str] = field(default_factory=set)
    _cash: Decimal = Decimal(0)

    async def look(self) -> None:
        """Take in what was written since; what was told before this call is part of it."""
        await self.journal.journal.ask(self._read)

    def books(self, ours: OurBooks, fills: Mapping[str, Stated]) -> Books:
        """Return positions and trades as the journal has them."""
        positions: defaultdict[str, Decimal] = defaultdict(Decimal)
        for instrument, held in self._held.items():
            if place := ours.place_of(instrument):
                positions[place.market] += place.sign * held
        known = {trade_id: one.words for trade_id, one in fills.items() if trade_id in self._trades}
        return Books("journal", {"position": positions, "fill": known})

    @property
    def cash_usd(self) -> Decimal:
        """The venue's cash by the entries of the ledger that were written down."""
        return self._cash

    def _read(self, connection: Connection) -> None:
        for fill in self._news(connection, Fill):
            sign = (1 if fill.side == "BUY" else -1) * (1 if fill.correction_id is None else -1)
            self._held[fill.instrument] += sign * fill.quantity
            self._trades.add(fill.trade_id)
        for end in self._news(connection, Settlement):
            self._held[end.instrument] -= end.quantity
            self._settled[end.strategy, end.instrument, end.reference] = end.quantity
        for taken in self._news(connection, Reversal):
            key = taken.strategy, taken.instrument, taken.reference
            self._held[taken.instrument] += self._settled[key]
        for change in self._news(connection, Conversion):
            for leg in change.legs["legs"]:
                self._held[leg["outcome"]["instrument"]] += Decimal(leg["quantity"])
        for entry in self._news(connection, LedgerEntry):
            if entry.account == f"cash:{self.venue}":
                self._cash += entry.amount_usd

    def _news[R: Record](self, connection: Connection, kind: type[R]) -> list[R]:
        since_ns = self._seen_ns.get(kind, 0)
        noted = list(
            read_noted(connection, kind, self.journal.scope.of(kind), TABLES[kind].c.noted_ns > since_ns)
        )
        if noted:
            self._seen_ns[kind] = noted[-1][0]
        return [record for _, record in noted]


def pending_subjects(
    markets: Mapping[str, str], statement: Statement, ours: Sequence[Books], purses: Mapping[str, str]
) -> dict[Subject, str]:
    """Return what the markets that cannot be judged make unjudgeable: their positions, orders, trades and purses."""
    found: dict[Subject, str] = {("position", market): evidence for market, evidence in markets.items()}
    for market in markets.keys() & purses.keys():
        found["purse", purses[market]] = f"{market}: {markets[market]}"
    places: list[tuple[Subject, str]] = [
        (("order", one), told.market) for one, told in statement.orders.items()
    ]
    places += [(("fill", one), told.market) for one, told in statement.fills.items()]
    for books in ours:
        orders = books.said.get("order", {})
        places += [(("order", one), str(words).rpartition(" in ")[2]) for one, words in orders.items()]
    return found | {subject: markets[market] for subject, market in places if market in markets}
