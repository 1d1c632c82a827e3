"""Draw long series with few points, without losing their extremes."""

from collections.abc import Sequence


def thin(values: Sequence[float | None], limit: int) -> list[int]:
    """Return the indices to draw, ascending, about `limit` of them: both ends, and the low and high of each stretch.

    A None (nothing known there) is kept when a stretch starts with it. `limit` is at least 3.
    """
    if len(values) <= limit:
        return list(range(len(values)))
    stretch = -(-len(values) // (limit // 3))  # of each: its start, its low, its high
    kept = {len(values) - 1}
    for start in range(0, len(values), stretch):
        known = [
            (value, i)
            for i in range(start, min(start + stretch, len(values)))
            if (value := values[i]) is not None
        ]
        kept.add(start)
        if known:
            kept.update((min(known)[1], max(known)[1]))
    return sorted(kept)
