"""The fees of one market over time: its series' terms, and what its event puts in their place. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.kalshi.fees import FeeChange, fee_terms
from adapters.kalshi.messages.reference import Event, EventFeeChange, Series, SeriesFeeChange


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series as the venue describes it, and the changes of its fees, past and planned."""

    series: Series
    fee_changes: tuple[SeriesFeeChange, ...] = ()


def dated_fees(
    facts: SeriesFacts, event: Event, overrides: Sequence[EventFeeChange], known_ns: int
) -> tuple[dict[str, Any], ...]:
    """Return the fees of an event's markets in the plain form of `MarketTerms.fees`.

    What an event overrides counts before its series; an override of null gives a field back to the series.
    What holds at `known_ns` is what series and event say of themselves; the lists of changes tell the times
    before and after. Before the first change on a list, that change's own terms are assumed. ValueError as
    `fees.fee_terms`.
    """
    by_series = _dated(
        [(one.since_ns, (one.fee_type, one.fee_multiplier)) for one in facts.fee_changes],
        (facts.series.fee_type, facts.series.fee_multiplier),
        known_ns,
    )
    by_event = _dated(
        [(one.since_ns, (one.fee_type_override, one.fee_multiplier_override)) for one in overrides],
        (event.fee_type_override, event.fee_multiplier_override),
        known_ns,
        before=(None, None),
    )
    changes: list[FeeChange] = []
    for since_ns in sorted({0, *by_series, *by_event}):
        series_type, series_multiplier = _at(by_series, since_ns)
        event_type, event_multiplier = _at(by_event, since_ns)
        fee_type = series_type if event_type is None else event_type
        multiplier = series_multiplier if event_multiplier is None else event_multiplier
        if not changes or (fee_type, multiplier) != (changes[-1].fee_type, changes[-1].multiplier):
            changes.append(FeeChange(since_ns, fee_type, multiplier))
    first, *later = changes
    return fee_terms(first.fee_type, first.multiplier, later)


def _dated[T](changes: list[tuple[int, T]], now: T, known_ns: int, before: T | None = None) -> dict[int, T]:
    """Return terms by the time from which they hold, beginning at 0; what is true now has the last word."""
    terms = dict(sorted(changes, key=lambda change: change[0]))
    past = [since_ns for since_ns in terms if since_ns <= known_ns]
    if not past:
        return {0: now} | terms
    if terms[max(past)] != now:
        terms[known_ns] = now
    first = terms[min(terms)] if before is None else before
    return dict(sorted(({0: first} | terms).items()))


def _at[T](terms: dict[int, T], at_ns: int) -> T:
    return terms[max(since_ns for since_ns in terms if since_ns <= at_ns)]
