"""Does a run in real time agree with the backtest of what it heard? Where do they part, and by how much?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from msgspec import json, to_builtins

from storage.reading import CatalogReader
from storage.recording import find_runs
from system.backtest import Backtest
from system.book import BadBook, Raw, outline, read_book_file
from system.event_log import EventLog
from system.feed import Feed
from system.importing import import_kalshi
from system.planning import Wish, make_plan
from system.recording import BOOK, WORD
from system.reporting import keep_report

_INTENT: Final = (
    "instrument_id",
    "order_side",
    "price",
    "quantity",
    "time_in_force",
    "post_only",
    "reduce_only",
)
_FILL: Final = ("instrument_id", "order_side", "last_px", "last_qty", "commission", "liquidity_side")
_SETTLEMENT: Final = "EXPIRATION-"

type Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """How far a run and its replay may be apart.

    `intents` and `fills` are the least share that must be equal, in order; the others are the most by which profit
    (USD), the share of events that won, and profit per event over its deviation may differ.
    """

    intents: float = 0.95
    fills: float = 0.95
    pnl_usd: Decimal = Decimal("1.00")
    win_rate: float = 0.05
    sharpe: float = 0.10


@dataclass(frozen=True, slots=True)
class Parting:
    """The first place at which one strategy did another thing: its number, and both sides; None is nothing."""

    strategy: str
    number: int
    run: Line | None
    replay: Line | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of both sides; None when it cannot be known. `difference` is what `allowed` bounds."""

    name: str
    run: str | None
    replay: str | None
    difference: str | None
    allowed: str
    is_within: bool


@dataclass(frozen=True, slots=True)
class Parity:
    """What came of a comparison; `first` is where intents part first in time, `first_fill` where fills do, or None."""

    run: str
    mode: str
    measures: tuple[Measure, ...]
    first: Parting | None
    first_fill: Parting | None
    partings: tuple[Parting, ...]

    @property
    def is_within(self) -> bool:
        """Whether every figure is within what was allowed."""
        return all(one.is_within for one in self.measures)

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON types."""
        plain: dict[str, Any] = to_builtins(self)
        return plain | {"is_within": self.is_within}


@dataclass(frozen=True, slots=True)
class Side:
    """What one side did: the lines of its event log, and its report, empty when it left none."""

    events: Sequence[Line]
    report: Mapping[str, Any]


def replay_run(run: Path, book: Path | None = None) -> tuple[Side, Side]:
    """Replay what a run recorded through the backtest, into `run/parity`; return the run and its replay.

    FileNotFoundError for a folder that is no run or has no recording, BadBook for a book that cannot be replayed.
    """
    ours = _side(run)
    folder = run / "parity"
    folder.mkdir(exist_ok=True)
    raw = _book_of(run, book, ours.report)
    catalog = _catalog_of(run, folder)
    reader = CatalogReader(catalog)
    plan = make_plan(raw, catalog, reader, Wish())
    with EventLog(folder / "events.jsonl") as log:
        record = Backtest(plan, Feed(reader, plan.markets, plan.pace), log).run()
    keep_report(record, folder, with_html=False)
    return ours, _side(folder)


def compare_sides(name: str, run: Side, again: Side, allowed: Allowed) -> Parity:
    """Hold a run against its replay."""
    intents = _by_strategy(run.events, again.events, "OrderInitialized", _INTENT)
    fills = _by_strategy(run.events, again.events, "OrderFilled", _FILL)
    partings, fill_partings = _partings(intents), _partings(fills)
    measures = (
        _share("intents", intents, allowed.intents),
        _share("fills", fills, allowed.fills),
        _figure("profit, USD", _net(run), _net(again), allowed.pnl_usd),
        _figure("win rate", _win_rate(run), _win_rate(again), Decimal(str(allowed.win_rate))),
        _figure("Sharpe per event", _sharpe(run), _sharpe(again), Decimal(str(allowed.sharpe))),
    )
    mode = str(run.report.get("mode", "unknown"))
    first, first_fill = ((found or (None,))[0] for found in (partings, fill_partings))
    return Parity(name, mode, measures, first, first_fill, partings)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One strategy's lines of a kind on both sides, and the fields that count."""

    strategy: str
    run: Sequence[Line]
    replay: Sequence[Line]
    fields: Sequence[str]

    def key(self, line: Line) -> tuple[Any, ...]:
        return tuple(line.get(name) for name in self.fields)

    @property
    def equal(self) -> int:
        """How many are equal, in order."""
        both = [self.key(one) for one in self.run], [self.key(one) for one in self.replay]
        return sum(block.size for block in SequenceMatcher(None, *both, autojunk=False).get_matching_blocks())

    @property
    def most(self) -> int:
        return max(len(self.run), len(self.replay))

    def parting(self) -> Parting | None:
        """Return the first place at which the sides differ."""
        for number in range(self.most):
            ours = self.run[number] if number < len(self.run) else None
            theirs = self.replay[number] if number < len(self.replay) else None
            if ours is None or theirs is None or self.key(ours) != self.key(theirs):
                return Parting(self.strategy, number + 1, ours, theirs)
        return None


def _by_strategy(run: Sequence[Line], again: Sequence[Line], kind: str, fields: Sequence[str]) -> list[_Pair]:
    sides = [_of_kind(run, kind), _of_kind(again, kind)]
    names = sorted({name for side in sides for name in side})
    return [_Pair(name, sides[0].get(name, []), sides[1].get(name, []), fields) for name in names]


def _of_kind(events: Sequence[Line], kind: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for one in events:
        if one["event"] == kind and not str(one.get("client_order_id", "")).startswith(_SETTLEMENT):
            found.setdefault(str(one["strategy_id"]), []).append(one)
    return found


def _partings(pairs: Sequence[_Pair]) -> tuple[Parting, ...]:
    return tuple(sorted(filter(None, (one.parting() for one in pairs)), key=_when))


def _when(parting: Parting) -> int:
    return min(int(one["ts_event"]) for one in (parting.run, parting.replay) if one is not None)


def _share(name: str, pairs: Sequence[_Pair], least: float) -> Measure:
    run, again = sum(len(one.run) for one in pairs), sum(len(one.replay) for one in pairs)
    most = sum(one.most for one in pairs)
    share = sum(one.equal for one in pairs) / most if most else 1.0
    return Measure(name, str(run), str(again), f"{share:.4f} equal", f"at least {least:g}", share >= least)


def _figure(name: str, run: Decimal | None, again: Decimal | None, most: Decimal) -> Measure:
    ours, theirs = (None if one is None else f"{one:f}" for one in (run, again))
    if run is None or again is None:  # nothing on both sides is no difference; on one side it is not known
        return Measure(name, ours, theirs, None, f"at most {most}", run is again)
    difference = abs(run - again)
    return Measure(name, ours, theirs, f"{difference:f}", f"at most {most}", difference <= most)


def _net(side: Side) -> Decimal | None:
    return Decimal(side.report["pnl_net"]) if "pnl_net" in side.report else None


def _results(side: Side) -> list[Decimal]:
    return [Decimal(net) for net in side.report.get("pnl_by_event", {}).values()]


def _win_rate(side: Side) -> Decimal | None:
    results = _results(side)
    return _rounded(sum(one > 0 for one in results) / len(results)) if results else None


def _sharpe(side: Side) -> Decimal | None:
    results = [float(one) for one in _results(side)]
    deviation = stdev(results) if len(results) > 1 else 0.0
    return _rounded(fmean(results) / deviation) if deviation else None


def _rounded(figure: float) -> Decimal:
    return Decimal(f"{figure:.6f}")


def _side(folder: Path) -> Side:
    log, report = folder / "events.jsonl", folder / "report.json"
    if not log.exists():
        raise FileNotFoundError(f"expected a run with an events.jsonl in {folder}, found none")
    lines = log.read_bytes().split(b"\n")[:-1]  # a run that was killed may end within a line
    return Side(
        [json.decode(line) for line in lines], json.decode(report.read_bytes()) if report.exists() else {}
    )


def _book_of(run: Path, typed: Path | None, report: Mapping[str, Any]) -> Raw:
    """Return the book with the money that the run began with."""
    file = typed or run / BOOK
    if not file.exists():
        raise FileNotFoundError(f"expected the book of the run at {file}, found none: name it with --book")
    raw = read_book_file(file)
    book = outline(raw)
    if book.live is None:
        raise BadBook(f"expected a book with a [live] table at {file}, found none")
    money: Mapping[str, Any] = book.live.starting_usd or (book.backtest.starting_usd if book.backtest else {})
    if report.get("mode") != "sandbox" and len(book.live.venues) == 1 and "starting_usd" in report:
        money = {book.live.venues[0]: Decimal(report["starting_usd"])}
    if not money:
        raise BadBook(f"expected the money that the run began with in {file}, found none")
    return raw | {"backtest": {"starting_usd": dict(money)}}


def _catalog_of(run: Path, folder: Path) -> Path:
    """Return a catalog of what the run heard, made of the raw frames."""
    word = run / WORD
    if not word.exists():
        raise FileNotFoundError(f"expected a run that was recorded (--record) in {run}, found no {WORD}")
    raw = Path(json.decode(word.read_bytes(), type=dict[str, str])["raw"])
    if not find_runs([raw]):
        raise FileNotFoundError(f"expected recorded frames in {raw}, found none")
    catalog = folder / "catalog"
    if not catalog.exists():
        import_kalshi([raw], catalog)
    return catalog
