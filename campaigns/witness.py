"""Who watches the border: what left, what nobody knew then, whether the stream was down. Venue-neutral.

It keeps small books of its own from what passes the border, so that it can disagree with the adapter.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

type Deed = Literal["order", "change", "cancel"]
type Size = tuple[Decimal, Decimal]


@dataclass(slots=True)
class _Wish:
    market: str
    signed: Decimal
    wanted: Decimal  # the same as `signed`, but while a change is on its way
    filled: Decimal = Decimal(0)
    terms: Size | None = None

    @property
    def leaves(self) -> Decimal:
        """What may still fill, at the larger of its sizes; 0 when more has filled."""
        size = max(self.signed, self.wanted, key=abs)
        return size - self.filled if abs(self.filled) < abs(size) else Decimal(0)


class Witness:
    """Notes in `breaches` every order that opened risk while something was unknown.

    Contracts are signed: those of the first outcome positive, of the second negative.
    """

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self._unknown: dict[tuple[str, Deed], str] = {}
        self._told: set[str] = set()
        self._open: dict[str, _Wish] = {}
        self._net: dict[str, Decimal] = {}
        self._is_blind = False

    def leaves(self, client_order_id: str, market: str, signed: Decimal) -> None:
        """Note a new order; a breach when it opens risk while anything is unknown."""
        self._judge(client_order_id, market, signed)
        self._open[client_order_id] = _Wish(market, signed, signed)

    def changes(self, client_order_id: str, signed: Decimal) -> None:
        """Note that an order is to have `signed` contracts in all; judged as a new order is."""
        wish = self._open.pop(client_order_id, None)
        if wish is not None:
            self._judge(client_order_id, wish.market, signed - wish.filled)
            self._open[client_order_id] = wish
            wish.wanted = signed

    def doubts(self, client_order_id: str, deed: Deed, reason: str, terms: Size | None = None) -> None:
        """Note that nobody knows what became of a request, unless the stream has told already."""
        wish = self._open.get(client_order_id)
        is_told = client_order_id in self._told if deed == "order" else wish is None
        if not is_told and not (deed == "change" and wish is not None and wish.terms == terms):
            self._unknown[client_order_id, deed] = reason

    def tells(
        self, client_order_id: str, *deeds: Deed, is_over: bool = False, is_undone: bool = False
    ) -> None:
        """Note that the engine was told what became of these requests, or of the whole order; `is_undone`: no change."""
        self._told.add(client_order_id)
        for deed in ("order", "change", "cancel") if is_over else ("order", *deeds):
            self._unknown.pop((client_order_id, deed), None)
        if is_over:
            self._open.pop(client_order_id, None)
        elif is_undone and (wish := self._open.get(client_order_id)):
            wish.wanted = wish.signed

    def tells_terms(self, client_order_id: str, terms: Size) -> None:
        """Note that the engine was told of new terms (price, contracts) of an order."""
        self.tells(client_order_id, "change")
        wish = self._open.get(client_order_id)
        if wish is not None:
            wish.terms = terms
            wish.signed = wish.wanted = terms[1] if wish.signed > 0 else -terms[1]

    def fills(self, client_order_id: str, market: str, signed: Decimal) -> None:
        """Note a fill that the engine was told of."""
        self.tells(client_order_id)
        self._net[market] = self._net.get(market, Decimal(0)) + signed
        wish = self._open.get(client_order_id)
        if wish is not None:
            wish.filled += signed
            if not wish.leaves:
                self.tells(client_order_id, is_over=True)

    def takes_back(self, market: str, signed: Decimal) -> None:
        """Note that the engine was told that a fill never was; what was taken back fills no order any more."""
        self._net[market] = self._net.get(market, Decimal(0)) - signed

    def sees(self, *, is_whole: bool) -> None:
        """Note that the private stream is whole, or is not."""
        self._is_blind = not is_whole

    def _judge(self, client_order_id: str, market: str, signed: Decimal) -> None:
        why = "the private stream is down" if self._is_blind else None
        for (other, deed), reason in self._unknown.items():
            why = why or f"the {deed} of {other} is unknown: {reason}"
        if why is None:
            return
        sign = 1 if signed > 0 else -1
        same = {
            name: one for name, one in self._open.items() if one.market == market and one.leaves * sign > 0
        }
        waiting = sum((abs(one.leaves) for one in same.values()), Decimal(0))
        closing = max(Decimal(0), -self._net.get(market, Decimal(0)) * sign)
        if waiting + abs(signed) > closing:
            facts = f"{signed} of {market}, {closing} close, {waiting} wait in {sorted(same)}"
            self.breaches.append(f"order {client_order_id} opened risk ({facts}) while {why}")


def tell_when(kind: type, name: str, witness: Witness, *deeds: Deed, **how: bool) -> None:
    """Let a client of this kind tell the witness what its event `name` says of an order, just before it tells the engine."""
    native = getattr(kind, name)

    def tell(self: Any, order: Any, *facts: Any) -> None:
        witness.tells(order.client_order_id.value, *deeds, **how)
        native(self, order, *facts)

    setattr(kind, name, tell)
