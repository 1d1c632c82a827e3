"""Books that never came: nothing answers a subscription, so only the missing book shows that one has failed."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from adapters.polymarket.data.market import LiveMarket

_LOG: Final = logging.getLogger(__name__)
_FIRST_LOOKS: Final = 5
_MOST_LOOKS: Final = 300


class MissingBooks:
    """Counts for how many looks a wanted book has been missing; `ask_again(market)` is called ever more rarely.

    `counts` gets `markets_without_book`. Each market is named once.
    """

    def __init__(self, ask_again: Callable[[LiveMarket], None], counts: Counter[str]) -> None:
        self._ask_again = ask_again
        self._counts = counts
        self._looks: Counter[str] = Counter()
        self._due: dict[str, int] = {}

    def look(self, wanted: Iterable[LiveMarket]) -> None:
        """Look at the markets whose books are wanted, while their connection is there."""
        for market in wanted:
            name = market.condition
            if market.book.is_known:
                self._looks.pop(name, None)
                self._due.pop(name, None)
                continue
            self._looks[name] += 1
            due = self._due.setdefault(name, _FIRST_LOOKS)
            if self._looks[name] < due:
                continue
            if due == _FIRST_LOOKS:
                self._counts["markets_without_book"] += 1
                _LOG.warning("expected a book of %s, found none: it has no data", market.terms.name)
            self._due[name] = min(2 * due, due + _MOST_LOOKS)
            self._ask_again(market)
