"""Money on outcomes, summed the six ways in which limits ask for it."""

from decimal import Decimal

from risk.contract import Outcome

ZERO = Decimal(0)


class Sums:
    """Running sums in USD: on an outcome, on a market, on an event, on a shard, at a venue, in all."""

    def __init__(self) -> None:
        self.total = ZERO
        self._outcomes: dict[str, Decimal] = {}
        self._markets: dict[str, Decimal] = {}
        self._events: dict[str, Decimal] = {}
        self._purses: dict[str, Decimal] = {}
        self._venues: dict[str, Decimal] = {}

    def add(self, outcome: Outcome, amount: Decimal) -> None:
        """Put `amount` on `outcome`; a negative one takes it off."""
        self.total += amount
        _add(self._outcomes, outcome.instrument, amount)
        _add(self._markets, outcome.market, amount)
        _add(self._events, outcome.event, amount)
        _add(self._purses, outcome.purse, amount)
        _add(self._venues, outcome.venue, amount)

    def on_outcome(self, instrument: str) -> Decimal:
        return self._outcomes.get(instrument, ZERO)

    def on_market(self, market: str) -> Decimal:
        return self._markets.get(market, ZERO)

    def on_event(self, event: str) -> Decimal:
        return self._events.get(event, ZERO)

    def in_purse(self, purse: str) -> Decimal:
        return self._purses.get(purse, ZERO)

    def at_venue(self, venue: str) -> Decimal:
        return self._venues.get(venue, ZERO)


def _add(sums: dict[str, Decimal], key: str, amount: Decimal) -> None:
    if after := sums.get(key, ZERO) + amount:
        sums[key] = after
    else:  # markets come by the thousand: what is back at nothing is forgotten
        sums.pop(key, None)
