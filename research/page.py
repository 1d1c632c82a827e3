"""Make one HTML file of the findings that opens anywhere, offline; importing this loads plotly."""

from html import escape

from plotly.offline import get_plotlyjs

from research import sections
from research.charts import draw_calibration, draw_equity, draw_events, draw_fees
from research.findings import Findings
from research.market_chart import MARKETS_SHOWN, draw_markets, markets_by_fills
from research.styling import CSS

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""The browser itself refuses to load anything from elsewhere."""

_NO_FILLS = "Nothing was filled."


def make_page(findings: Findings) -> str:
    """Return the whole report as the text of one HTML file of about 5 MB, plotly.js included once.

    The same findings give the same text. A section without data says why it is empty.
    """
    title = f"{'SYNTHETIC DATA: ' if findings.is_synthetic else ''}{findings.record.facts.book}"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{CSS}</style>"
        f"<script>{get_plotlyjs()}</script></head><body><main>"
        f"{sections.headline(findings)}{_money(findings)}{_knowledge(findings)}{_run(findings)}"
        "</main></body></html>\n"
    )


def _money(findings: Findings) -> str:
    traded = bool(findings.profit.lines)
    events = draw_events(findings)
    fees = draw_fees(findings)
    return "".join(
        (
            _section(
                "Profit by evidence class",
                "Classes D and S never promote a strategy.",
                sections.classes_table(findings) if traded else None,
                _NO_FILLS,
            ),
            _section(
                "Equity and drawdown",
                "Cash and open positions at their marks; below, how far equity lies under its best so far.",
                draw_equity(findings),
                "No equity was sampled in this run.",
            ),
            _section(
                "P&L per event",
                "Each event counts once: its markets and fills are not independent. In order of first fill.",
                events and events + _folded("All events as a table", sections.events_table(findings)),
                _NO_FILLS,
            ),
            _section(
                "YES price and our fills", _market_caption(findings), draw_markets(findings.record), _NO_FILLS
            ),
            _section(
                "Strategies and fees",
                "Gross is before fees; a fee below 0 is a rebate.",
                fees and sections.strategies_table(findings) + fees,
                _NO_FILLS,
            ),
        )
    )


def _market_caption(findings: Findings) -> str:
    markets = markets_by_fills(findings.record)
    shown = min(len(markets), MARKETS_SHOWN)
    quoted = {point.market for point in findings.record.prices}
    missing = sum(market not in quoted for market in markets[:shown])
    without = f" No quotes were sampled for {missing} of them." if missing else ""
    return (
        "Up: we gained YES, down: we gave it away. Open marks are fills on NO, drawn at 1 - price."
        f" Most fills first, {shown} of {len(markets)} traded markets.{without}"
    )


def _knowledge(findings: Findings) -> str:
    score = findings.score
    chart = draw_calibration(findings)
    left_out = f"{score.without_outcome:,} had no outcome, {score.without_market:,} no two-sided market."
    return _section(
        "Calibration against the market",
        f"{score.forecasts:,} forecasts over {score.events:,} events, each event once per bin. Left out: {left_out}",
        chart and chart + _folded("The bins as a table", sections.calibration_table(findings)),
        f"No forecast could be scored: {left_out}",
    )


def _run(findings: Findings) -> str:
    notes = findings.record.facts.notes
    return "".join(
        (
            _section(
                "Refusals by rule",
                "Orders that a risk rule did not let pass.",
                sections.refusals_table(findings) if findings.record.refusals else None,
                "No rule refused an order.",
            ),
            _section("Facts of the run", "", sections.facts_table(findings), ""),
            _section("Notes", "", sections.notes_list(notes) if notes else None, "The run left no notes."),
        )
    )


def _section(title: str, caption: str, content: str | None, reason_if_empty: str) -> str:
    said = f"<p>{escape(caption)}</p>" if caption and content else ""
    inside = content or f"<p class='empty'>{escape(reason_if_empty)}</p>"
    return f"<section><h2>{escape(title)}</h2>{said}{inside}</section>"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>"
