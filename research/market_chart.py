"""Draw the YES quote of a market with our fills on it; importing this loads plotly."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from research.charts import BLUE, GREY, ORANGE, chart_time, embed
from research.profit import mirror
from research.record import Fill, PricePoint, Record
from research.thinning import thin

MARKETS_SHOWN = 12
"""Markets in the dropdown: each adds its quotes to the size of the page."""

_POINTS = 1_500
_MARKS = (
    ("BUY", "YES", "triangle-up", BLUE),
    ("SELL", "YES", "triangle-down", ORANGE),
    ("BUY", "NO", "triangle-down-open", ORANGE),
    ("SELL", "NO", "triangle-up-open", BLUE),
)
_TRACES = 2 + len(_MARKS)


def markets_by_fills(record: Record) -> list[str]:
    """Return the markets whose YES or NO we traded, most fills first."""
    traded = Counter(fill.market for fill in record.fills if mirror(fill.outcome, fill.price) is not None)
    return sorted(traded, key=lambda market: (-traded[market], market))


def draw_markets(record: Record) -> str | None:
    """Return the market with most fills, and a dropdown for the next ones; None without fills on YES or NO.

    A fill on NO at `p` is drawn at `1 - p`. Up means that we gained YES, down that we gave it away.
    """
    markets = markets_by_fills(record)[:MARKETS_SHOWN]
    if not markets:
        return None
    figure = go.Figure()
    for number, market in enumerate(markets):
        quotes = sorted((p for p in record.prices if p.market == market), key=lambda point: point.ts_ns)
        fills = [fill for fill in record.fills if fill.market == market]
        for trace in (*_quote_traces(quotes), *_fill_traces(fills)):
            figure.add_trace(trace.update(visible=number == 0))
    if len(markets) > 1:
        figure.update_layout(updatemenus=[_dropdown(markets)])
    figure.update_yaxes(title_text="YES, USD per contract")
    figure.update_xaxes(title_text="UTC")
    figure.update_layout(showlegend=True)
    return embed(figure, "market", 460)


def _quote_traces(quotes: Sequence[PricePoint]) -> list[Any]:
    drawn = [quotes[i] for i in thin([_level(point) for point in quotes], _POINTS)]
    times = [chart_time(point.ts_ns) for point in drawn]
    look = {"x": times, "mode": "lines", "connectgaps": False}
    return [
        go.Scatter(
            y=[None if p.bid is None else float(p.bid) for p in drawn],
            name="YES bid",
            line={"color": GREY, "width": 1.2, "shape": "hv"},
            **look,
        ),
        go.Scatter(
            y=[None if p.ask is None else float(p.ask) for p in drawn],
            name="YES ask",
            line={"color": "#3c4452", "width": 1.2, "shape": "hv", "dash": "dot"},
            **look,
        ),
    ]


def _level(point: PricePoint) -> float | None:
    known = point.ask if point.bid is None else point.bid
    return None if known is None else float(known)


def _fill_traces(fills: Sequence[Fill]) -> list[Any]:
    return [_fill_trace(fills, *mark) for mark in _MARKS]


def _fill_trace(fills: Sequence[Fill], side: str, outcome: str, symbol: str, colour: str) -> Any:
    mine = [fill for fill in fills if fill.side == side and fill.outcome.upper() == outcome]
    return go.Scatter(
        x=[chart_time(fill.ts_ns) for fill in mine],
        y=[float(fill.price if outcome == "YES" else 1 - fill.price) for fill in mine],
        text=[_said(fill) for fill in mine],
        name=f"{side.lower()} {outcome}",
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 11, "line": {"width": 1.5}},
        hovertemplate="%{text}<extra></extra>",
        showlegend=bool(mine),
    )


def _said(fill: Fill) -> str:
    role = "taker" if fill.is_taker else "maker"
    return escape(
        f"{fill.strategy}: {fill.side} {fill.quantity} {fill.outcome} at {fill.price}, {role}, class {fill.evidence}"
    )


def _dropdown(markets: Sequence[str]) -> dict[str, Any]:
    shown = [
        [number == at // _TRACES for at in range(_TRACES * len(markets))] for number in range(len(markets))
    ]
    return {
        "buttons": [
            {"label": escape(market), "method": "restyle", "args": [{"visible": visible}]}
            for market, visible in zip(markets, shown, strict=True)
        ],
        "direction": "down",
        "x": 1,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "bgcolor": "#ffffff",
    }
