"""All that we hold or may come to hold of an outcome, in one place."""

from dataclasses import dataclass, field
from decimal import Decimal

from risk.contract import Outcome
from risk.exposure import ANY_PRICE, Exposure, Reservation
from risk.ledger import Ledger
from risk.sums import ZERO


@dataclass(slots=True)
class Lot:
    """An outcome of ours: contracts held and their cost, live bids, live offers.

    A bid is (contracts, the most they can cost with the fee); an offer is (contracts, USD per contract).
    """

    outcome: Outcome
    held: Decimal = ZERO
    cost_usd: Decimal = ZERO
    bids: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    offers: list[tuple[Decimal, Decimal]] = field(default_factory=list)

    @property
    def stake_usd(self) -> Decimal:
        """What is at stake: cost of what is held and worst case of the bids."""
        return sum((usd for _, usd in self.bids), self.cost_usd)

    def loss_usd(self, payout: Decimal) -> Decimal:
        """Return the most that can be lost when a contract pays `payout`, whichever live orders fill."""
        bids = sum((max(usd - contracts * payout, ZERO) for contracts, usd in self.bids), ZERO)
        offers = sum((max(contracts * (payout - price), ZERO) for contracts, price in self.offers), ZERO)
        return self.cost_usd - self.held * payout + bids + offers


def lots_of(ledger: Ledger, exposure: Exposure) -> dict[str, Lot]:
    """Return every outcome that is held or on order, by its instrument."""
    lots: dict[str, Lot] = {}
    for position in ledger.positions():
        lot = lots.setdefault(position.outcome.instrument, Lot(position.outcome))
        lot.held += position.quantity
        lot.cost_usd += position.cost_usd
    for live in exposure.live():
        _add(lots.setdefault(live.outcome.instrument, Lot(live.outcome)), live)
    return lots


def _add(lot: Lot, live: Reservation) -> None:
    left = min(map(live.left, live.asks))
    if live.is_buy:
        lot.bids.append((left, live.usd))
        return
    prices = [ZERO if ask.price is None else min(ask.price, ANY_PRICE) for ask in live.asks]
    lot.offers.append((live.offered, min(prices)))
