"""Write the parts of the page that are words and tables; every text from a record is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from research.findings import Findings
from research.profit import Tally
from research.record import EVIDENCE_CLASSES, PROMOTABLE
from research.report import events_per_sec
from research.scoring import Bin
from research.verdict import MINIMUM_EVENTS
from research.wording import (
    NOTHING,
    bounds,
    cents,
    count,
    exact,
    iso_time,
    listed,
    mean,
    percent,
    plain,
    score,
    usd,
    yes_no,
)

_MONEY_COLUMNS = ("Fills", "Contracts", "Gross P&L, USD", "Fees, USD", "Net P&L, USD")


def headline(findings: Findings) -> str:
    """Return the name of the run, the verdict, the evidence classes and the figures that matter most."""
    facts, verdict = findings.record.facts, findings.verdict
    span = f"{facts.mode}, {iso_time(facts.start_ns)} to {iso_time(facts.end_ns)}"
    classes = listed(sorted(findings.profit.by_class))
    return (
        f"<header>{_banner(findings)}<p class='kicker'>Argonaut, report of a run</p><h1>{escape(facts.book)}</h1>"
        f"<p class='span'>{escape(span)}</p>"
        f"<div class='verdict {verdict.level}'><p class='level'>Verdict: {verdict.title}</p>"
        f"<p>{escape(verdict.text)}</p>"
        f"<p class='classes'>Evidence classes with fills: <strong>{escape(classes)}</strong></p></div>"
        f"{_cards(findings)}</header>"
    )


def _banner(findings: Findings) -> str:
    if not findings.is_synthetic:
        return ""
    synthetic, total = findings.profit.by_class["S"].fills, findings.profit.total.fills
    return f"<p class='banner'>SYNTHETIC DATA: {synthetic:,} of {count(total, 'fill')} rest on it.</p>"


def _cards(findings: Findings) -> str:
    profit, compared = findings.profit, findings.score
    drawdown = findings.worst_drawdown_usd
    cards = [
        ("Net P&L", usd(findings.record.facts.ledger_net_usd), f"after {plain(profit.total.fees_usd)} USD of fees"),
        ("Independent events", f"{findings.events:,}", f"a verdict on profit takes {MINIMUM_EVENTS}"),
        ("Mean P&L per event", f"{mean(findings.pnl_per_event, 2)} USD", bounds(findings.pnl_per_event, 2)),
        ("Worst drawdown", NOTHING if drawdown is None else usd(drawdown), "below the best equity so far"),
        ("Brier, model", score(compared.brier_model), f"{count(compared.events, 'event')}, lower is better"),
        ("Brier, market", score(compared.brier_market), "on the same forecasts"),
        ("Model less market", mean(compared.difference, 4), bounds(compared.difference, 4)),
        ("Ledger", "conserved" if findings.record.facts.ledger_conserved else "NOT CONSERVED", _reconciled(findings)),
    ]  # fmt: skip
    inner = "".join(
        f"<div class='card'><dt>{escape(name)}</dt><dd>{escape(value)}</dd><p>{escape(hint)}</p></div>"
        for name, value, hint in cards
    )
    return f"<dl class='cards'>{inner}</dl>"


def _reconciled(findings: Findings) -> str:
    if findings.profit.reconciles:
        return "the fills explain its net exactly"
    return f"the fills leave {exact(findings.profit.difference_usd)} USD unexplained"


def classes_table(findings: Findings) -> str:
    """Return profit per evidence class; every class has a row, so that an absent one is seen."""
    nothing = "no fills"
    rows = []
    for name, meaning in EVIDENCE_CLASSES.items():
        sums = findings.profit.by_class.get(name)
        promotes = "yes" if name in PROMOTABLE else "never"
        figures = _money(sums) if sums else (nothing, "", "", "", "")
        rows.append((name, meaning, promotes, *figures))
    rows.append(("All", "", "", *_money(findings.profit.total)))
    return table(("Class", "What the fill rests on", "Promotes", *_MONEY_COLUMNS), rows, words=3)


def strategies_table(findings: Findings) -> str:
    """Return profit per strategy, with the share of its fills that took."""
    rows = [
        (name, percent(sums.taker_fills / sums.fills), *_money(sums))
        for name, sums in sorted(findings.profit.by_strategy.items())
    ]
    return table(("Strategy", "Taker fills", *_MONEY_COLUMNS), rows, words=1)


def events_table(findings: Findings) -> str:
    """Return profit per event, best first."""
    ranked = sorted(findings.profit.by_event.items(), key=lambda item: (-item[1].net_usd, item[0]))
    return table(("Event", *_MONEY_COLUMNS), [(name, *_money(sums)) for name, sums in ranked], words=1)


def calibration_table(findings: Findings) -> str:
    """Return the calibration of model and market side by side, bin by bin."""
    pairs = zip(findings.score.model_bins, findings.score.market_bins, strict=True)
    rows = [
        (f"{model.low:.1f} to {model.high:.1f}", *_bin(model), *_bin(market))
        for model, market in pairs
        if model.events or market.events
    ]
    side = ("events", "mean forecast", "came true")
    names = [f"{who}: {what}" for who in ("Model", "Market") for what in side]
    return table(("Forecast of YES", *names), rows, words=1)


def _bin(one: Bin) -> tuple[str, str, str]:
    return (f"{one.events:,}", score(one.forecast), score(one.realised))


def refusals_table(findings: Findings) -> str:
    """Return how often each rule refused, and what it said the first time."""
    first = {refusal.rule: refusal.reason for refusal in reversed(findings.record.refusals)}
    rows = [(rule, first[rule], f"{number:,}") for rule, number in findings.refusals_by_rule.items()]
    return table(("Rule", "Its first reason", "Orders"), rows, words=2)


def facts_table(findings: Findings) -> str:
    """Return what was run, how fast, and whether the books balance."""
    facts, profit = findings.record.facts, findings.profit
    speed = events_per_sec(facts)
    rows = [
        ("Book", facts.book),
        ("Mode", facts.mode),
        ("Engine", facts.engine),
        ("Catalog", facts.catalog),
        ("From, UTC", iso_time(facts.start_ns)),
        ("To, UTC", iso_time(facts.end_ns)),
        ("Records replayed", f"{facts.events:,} in {facts.wall_secs:,.2f} s"),
        ("Records per second", NOTHING if speed is None else f"{speed:,.0f}"),
        ("Peak memory", f"{facts.peak_rss_mb:,.0f} MB"),
        ("Orders", f"{facts.orders:,}, of which {facts.denied:,} denied by rules, {facts.rejected:,} rejected by the venue"),
        ("Settled positions", f"{facts.settled_positions:,}"),
        ("Starting balance, USD", exact(facts.starting_usd)),
        ("Ledger net, USD", exact(facts.ledger_net_usd)),
        ("Sum over the fills, USD", exact(profit.total.net_usd)),
        ("Difference, USD", exact(profit.difference_usd)),
        ("Part that rests on marks, USD", exact(profit.marked_net_usd)),
        ("Ledger conserved", yes_no(facts.ledger_conserved)),
        ("Earlier trials of this idea", f"{facts.trials_before:,}"),
        ("Event log, SHA-256", facts.event_log_sha256),
    ]  # fmt: skip
    return table(("Fact", "Value"), rows, words=2)


def notes_list(notes: Iterable[str]) -> str:
    """Return the notes of the run as a list."""
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: int) -> str:
    """Return a table of escaped text; the first `words` columns are words, the others numbers."""
    kinds = ["word" if at < words else "number" for at in range(len(columns))]
    head = "".join(
        f"<th class='{kind}'>{escape(name)}</th>" for kind, name in zip(kinds, columns, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td class='{kind}'>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )  # fmt: skip
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _money(sums: Tally) -> tuple[str, str, str, str, str]:
    gross, net = cents(sums.gross_usd), cents(sums.net_usd)
    return (f"{sums.fills:,}", plain(sums.contracts), gross, plain(sums.fees_usd), net)
