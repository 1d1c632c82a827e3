"""Show the findings in a terminal of 100 columns; every colour is also said in words."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from research.findings import Findings
from research.profit import Tally
from research.record import EVIDENCE_CLASSES, PROMOTABLE
from research.report import events_per_sec
from research.wording import NOTHING, cents, count, interval, iso_time, listed, plain, score, usd, yes_no

_WIDTH = 98
_EVENTS_SHOWN = 5
_COLOURS = {"profit": "green", "loss": "red", "invalid": "red"}


def tables(findings: Findings) -> Group:
    """Return the report for `rich.console.Console.print`: verdict, facts, profit, scores, refusals, notes.

    Names from the record are printed as they are, never read as rich markup.
    """
    parts: list[RenderableType] = [
        _headline(findings),
        _facts(findings),
    ]
    if findings.profit.lines:
        parts.append(_by_class(findings))
        parts.append(_cut("Strategy", findings.profit.by_strategy))
        parts.append(_events(findings.profit.by_event))
    parts.append(_statistics(findings))
    if findings.refusals_by_rule:
        parts.append(_refusals(findings.refusals_by_rule))
    parts.extend(Text(f"Note: {note}") for note in findings.record.facts.notes)
    return Group(*parts)


def _headline(findings: Findings) -> Panel:
    facts, verdict = findings.record.facts, findings.verdict
    body = Text(verdict.text)
    body.append(f"\nEvidence classes with fills: {listed(sorted(findings.profit.by_class))}", style="bold")
    title = f"{facts.book} ({facts.mode})"
    if findings.is_synthetic:
        title = f"SYNTHETIC DATA: {title}"
    return Panel(
        body,
        title=Text(title, style="bold"),
        subtitle=Text(f"verdict: {verdict.title}"),
        border_style=_COLOURS.get(verdict.level, "yellow"),
        width=_WIDTH,
    )


def _facts(findings: Findings) -> Table:
    facts, profit = findings.record.facts, findings.profit
    speed = events_per_sec(facts)
    drawdown = findings.worst_drawdown_usd
    pairs = [
        ("Net P&L", usd(facts.ledger_net_usd)),
        ("From", iso_time(facts.start_ns)),
        ("Fees paid", f"{plain(profit.total.fees_usd)} USD"),
        ("To", iso_time(facts.end_ns)),
        ("Worst drawdown", NOTHING if drawdown is None else usd(drawdown)),
        ("Replayed", f"{count(facts.events, 'record')} in {facts.wall_secs:,.1f} s"),
        ("P&L on marks", usd(profit.marked_net_usd)),
        ("Speed", NOTHING if speed is None else f"{speed:,.0f} records/s"),
        ("Ledger conserved", yes_no(facts.ledger_conserved)),
        ("Peak memory", f"{facts.peak_rss_mb:,.0f} MB"),
        ("Fills explain it", _reconciled(findings)),
        ("Engine", facts.engine),
        ("Orders / fills", f"{facts.orders:,} / {profit.total.fills:,}"),
        ("Catalog", facts.catalog),
        ("Denied / rejected", f"{facts.denied:,} / {facts.rejected:,}"),
        ("Earlier trials", f"{facts.trials_before:,}"),
        ("Settled positions", f"{facts.settled_positions:,}"),
        ("Event log", facts.event_log_sha256[:16]),
    ]
    grid = Table.grid(padding=(0, 2), expand=False)
    for style in ("dim", "bold", "dim", "none"):
        grid.add_column(style=style, overflow="fold")
    for (left, value), (right, other) in zip(pairs[::2], pairs[1::2], strict=True):
        grid.add_row(left, Text(value), right, Text(other))
    return grid


def _reconciled(findings: Findings) -> str:
    if findings.profit.reconciles:
        return "yes, exactly"
    return f"NO, {findings.profit.difference_usd:+f} USD left"


def _by_class(findings: Findings) -> Table:
    table = _money_table("Class", "What the fill rests on", "Promotes")
    for name, meaning in EVIDENCE_CLASSES.items():
        if name in findings.profit.by_class:
            promotes = "yes" if name in PROMOTABLE else "never"
            table.add_row(name, meaning, promotes, *_money(findings.profit.by_class[name]))
    table.add_section()
    table.add_row("All", "", "", *_money(findings.profit.total), style="bold")
    return table


def _cut(name: str, tallies: Mapping[str, Tally]) -> Table:
    table = _money_table(name)
    for key, sums in sorted(tallies.items()):
        table.add_row(Text(key), *_money(sums))
    return table


def _events(by_event: Mapping[str, Tally]) -> Table:
    ranked = sorted(by_event.items(), key=lambda item: (-item[1].net_usd, item[0]))
    hidden = len(ranked) - 2 * _EVENTS_SHOWN
    table = _money_table("Event, best first")
    for event, sums in ranked if hidden <= 0 else ranked[:_EVENTS_SHOWN]:
        table.add_row(Text(event), *_money(sums))
    if hidden > 0:
        table.add_row(Text(f"... {count(hidden, 'more event')}"), "", "", "", "", style="dim")
        for event, sums in ranked[-_EVENTS_SHOWN:]:
            table.add_row(Text(event), *_money(sums))
    return table


def _statistics(findings: Findings) -> Table:
    compared = findings.score
    table = _table("Statistic", "Value", "Independent events")
    table.columns[1].justify = table.columns[2].justify = "right"
    table.add_row("Mean P&L per event, USD", interval(findings.pnl_per_event, 2), f"{findings.events:,}")
    table.add_row("Brier of the model (lower is better)", score(compared.brier_model), f"{compared.events:,}")
    table.add_row("Brier of the market, same forecasts", score(compared.brier_market), f"{compared.events:,}")
    table.add_row("Model less market", interval(compared.difference, 4), f"{compared.events:,}")
    return table


def _refusals(by_rule: Mapping[str, int]) -> Table:
    table = _table("Rule that refused", "Orders")
    table.columns[1].justify = "right"
    for rule, number in by_rule.items():
        table.add_row(Text(rule), f"{number:,}")
    return table


def _money_table(*words: str) -> Table:
    table = _table(*words)
    for name in ("Fills", "Contracts", "Fees USD", "Net P&L USD"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _table(*columns: str) -> Table:
    table = Table(width=_WIDTH, header_style="bold", title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _money(sums: Tally) -> Iterable[Text]:
    values = (f"{sums.fills:,}", plain(sums.contracts), plain(sums.fees_usd), cents(sums.net_usd))
    return (Text(value) for value in values)
