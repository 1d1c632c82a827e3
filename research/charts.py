"""Draw the account, the events, the calibration and the fees; importing this loads plotly."""

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go
import plotly.io
from plotly.subplots import make_subplots

from research.equity import drawdowns
from research.findings import Findings
from research.profit import tally
from research.record import EVIDENCE_CLASSES
from research.scoring import Bin
from research.thinning import thin
from research.wording import iso_time

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#00795c", "#8a8f98"
"""Told apart by most colour-blind readers (Okabe, Ito, 2008); shapes and words say the same."""

_POINTS = 2_000
_LABELLED_EVENTS = 40
_CLASS_LOOK = {
    "A": (GREEN, ""),
    "B": (BLUE, ""),
    "C": ("#56b4e9", "/"),
    "D": ("#e69f00", "x"),
    "S": (GREY, "."),
}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def draw_equity(findings: Findings) -> str | None:
    """Return equity and cash over the drawdown; None when no equity was sampled."""
    points = findings.record.equity
    if not points:
        return None
    equity = [float(point.equity_usd) for point in points]
    falls = [float(fall) for fall in drawdowns(points, findings.record.facts.starting_usd)]
    # The deepest fall and the best day are extremes of different series: keep those of both.
    kept = sorted({*thin(equity, _POINTS), *thin(falls, _POINTS)})
    times = [chart_time(points[i].ts_ns) for i in kept]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.06)
    cash = [float(points[i].cash_usd) for i in kept]
    figure.add_scatter(
        x=times,
        y=cash,
        name="cash",
        line={"color": GREY, "dash": "dot", "width": 1.2, "shape": "hv"},
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=times, y=[equity[i] for i in kept], name="equity", line={"color": BLUE, "shape": "hv"}, row=1, col=1
    )
    figure.add_scatter(
        x=times, y=[falls[i] for i in kept], name="drawdown", fill="tozeroy", line={"color": ORANGE, "width": 1, "shape": "hv"},
        row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(title_text="USD", row=1, col=1)
    figure.update_yaxes(title_text="below best, USD", row=2, col=1)
    figure.update_xaxes(title_text="UTC", row=2, col=1)
    return embed(figure, "equity", 460)


def draw_events(findings: Findings) -> str | None:
    """Return P&L per event as bars, stacked by evidence class, in order of first fill; None without fills."""
    lines = sorted(findings.profit.lines, key=lambda line: line.fill.ts_ns)
    if not lines:
        return None
    events = list(dict.fromkeys(line.fill.event for line in lines))
    sums = tally(lines, lambda line: (line.fill.evidence, line.fill.event))
    figure = go.Figure()
    for name in (name for name in EVIDENCE_CLASSES if name in findings.profit.by_class):
        colour, pattern = _CLASS_LOOK[name]
        mine = [event for event in events if (name, event) in sums]
        figure.add_bar(
            x=[escape(event) for event in mine],
            y=[float(sums[name, event].net_usd) for event in mine],
            name=f"class {name}",
            marker={"color": colour, "pattern": {"shape": pattern}, "line": {"width": 0}},
        )
    figure.update_layout(barmode="relative", showlegend=True)
    figure.update_yaxes(title_text="net P&L, USD", zerolinecolor="#444")
    labels, shared = short_labels(events)
    are_labelled = len(events) <= _LABELLED_EVENTS
    figure.update_xaxes(
        categoryorder="array",
        categoryarray=[escape(event) for event in events],
        type="category",
        showticklabels=are_labelled,
        tickvals=[escape(event) for event in events],
        ticktext=[escape(label) for label in labels],
        title_text=shared if are_labelled else f"{len(events):,} events in order of first fill",
        tickangle=-45,
    )
    return embed(figure, "events", 420)


def draw_calibration(findings: Findings) -> str | None:
    """Return what came true against what was forecast, model and market; None when nothing was scored."""
    score = findings.score
    if not score.events:
        return None
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"color": GREY, "dash": "dot"}, hoverinfo="skip"
    )  # fmt: skip
    figure.add_trace(_calibration("model", score.model_bins, BLUE, "circle"))
    figure.add_trace(_calibration("market", score.market_bins, ORANGE, "diamond-open"))
    figure.update_xaxes(title_text="mean forecast of YES in the bin", range=[-0.02, 1.02])
    figure.update_yaxes(title_text="share that came true", range=[-0.05, 1.05])
    return embed(figure, "calibration", 420)


def draw_fees(findings: Findings) -> str | None:
    """Return fees per strategy, as taker and as maker; None without fills."""
    lines = findings.profit.lines
    if not lines:
        return None
    sums = tally(lines, lambda line: (line.fill.strategy, line.fill.is_taker))
    strategies = sorted(findings.profit.by_strategy, reverse=True)
    figure = go.Figure()
    for is_taker, name, colour, pattern in ((True, "taker", BLUE, ""), (False, "maker", ORANGE, "/")):
        mine = [strategy for strategy in strategies if (strategy, is_taker) in sums]
        figure.add_bar(
            y=[escape(strategy) for strategy in mine],
            x=[float(sums[strategy, is_taker].fees_usd) for strategy in mine],
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern}, "line": {"width": 0}},
        )
    figure.update_layout(barmode="relative", showlegend=True)
    figure.update_xaxes(title_text="fees, USD (below 0: rebate)")
    return embed(figure, "fees", 150 + 36 * len(strategies))


def short_labels(names: Sequence[str]) -> tuple[list[str], str]:
    """Return `names` without the words that all share at both ends, and those words as `first-*.last`.

    Words end at a `-` in front and start at a `.` behind, as in `KXBTC15M-26OCT030015.KALSHI`.
    """
    front = _shared_start(names).rpartition("-")
    behind = _shared_start([name[::-1] for name in names])[::-1].partition(".")
    head, tail = front[0] + front[1], behind[1] + behind[2]
    if len(names) < 2 or not head + tail:
        return list(names), ""
    return [name.removeprefix(head).removesuffix(tail) for name in names], f"{head}*{tail}"


def chart_time(ts_ns: int) -> str:
    """Return a time as plotly reads it: UTC to the millisecond, without a zone."""
    return iso_time(ts_ns // 1_000_000 * 1_000_000).removesuffix("Z")


def embed(figure: Any, name: str, height_px: int) -> str:
    """Return `figure` as a div that expects plotly.js on its page; `name` is its id, once per page."""
    figure.update_layout(
        template="plotly_white",
        height=height_px,
        margin={"l": 64, "r": 16, "t": 36, "b": 48},
        font={"family": _FONT, "size": 13, "color": "#1d2430"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"font": {"family": _FONT}},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    div = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        div_id=f"chart-{name}",
        default_height=f"{height_px}px",
        # Its buttons would lie over the legend; dragging zooms and a double click resets without them.
        config={"displayModeBar": False, "responsive": True},
    )
    return str(div)


def _shared_start(names: Sequence[str]) -> str:
    # What the first and the last in the alphabet share, all between them share too.
    first, last = min(names), max(names)
    differ = (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(differ, min(len(first), len(last)))]


def _calibration(name: str, bins: Sequence[Bin], colour: str, symbol: str) -> Any:
    seen = [one for one in bins if one.events]
    return go.Scatter(
        x=[one.forecast for one in seen],
        y=[one.realised for one in seen],
        customdata=[one.events for one in seen],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 1},
        marker={"symbol": symbol, "size": 10, "line": {"width": 2}},
        hovertemplate="forecast %{x:.3f}, came true %{y:.3f}, events %{customdata}",
    )
