"""Several books of the same facts, held side by side; what differs is named with every figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, override

type Kind = Literal["cash", "purse", "position", "order", "fill"]
type Subject = tuple[Kind, str]
type Figure = Decimal | str

KINDS: Final[tuple[Kind, ...]] = ("cash", "purse", "position", "order", "fill")
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Books:
    """What one keeper says, by kind; a kind that it does not keep is missing.

    Cash in USD of a venue and of each purse there, and signed contracts by market, are numbers; open orders by the venue's id and fills by
    trade id are words, equal for equal facts. A subject that is missing is zero, or nothing.
    """

    keeper: str
    said: Mapping[Kind, Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact of which not all keepers say the same."""

    kind: Kind
    subject: str
    figures: Mapping[str, str]

    @override
    def __str__(self) -> str:
        """Return the difference as a sentence with all figures."""
        said = ", ".join(f"{keeper} {figure}" for keeper, figure in self.figures.items())
        return f"{self.kind} {self.subject}: {said}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, and what cannot be judged now, each with the evidence for that."""

    differing: Mapping[Subject, Difference]
    pending: Mapping[Subject, str]


def compare(books: Sequence[Books], pending: Mapping[Subject, str]) -> Comparison:
    """Hold `books` side by side; a difference in a subject that is `pending` is not judged."""
    differing: dict[Subject, Difference] = {}
    unjudged: dict[Subject, str] = {}
    for kind in KINDS:
        keepers = {one.keeper: one.said[kind] for one in books if kind in one.said}
        otherwise: Figure = Decimal(0) if kind in ("cash", "purse", "position") else NOTHING
        for subject in sorted({subject for told in keepers.values() for subject in told}):
            figures = {keeper: told.get(subject, otherwise) for keeper, told in keepers.items()}
            if len(set(figures.values())) < 2:
                continue
            if (kind, subject) in pending:
                unjudged[kind, subject] = pending[kind, subject]
            else:
                plain = {keeper: _text(figure) for keeper, figure in figures.items()}
                differing[kind, subject] = Difference(kind, subject, plain)
    return Comparison(differing, unjudged)


def _text(figure: Figure) -> str:
    return f"{figure.normalize():f}" if isinstance(figure, Decimal) else figure
