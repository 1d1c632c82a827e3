"""Kalshi's past from disk: recorded socket frames and trade dumps, read as the live stream is read.

Recordings come in the order of their names, which begin with the time of recording. Memory holds one session
and the ones before it whose markets are still open at its start.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from msgspec import MsgspecError
from nautilus_trader.model import BinaryOption, CustomData, OrderBookDelta, QuoteTick

from adapters.kalshi.constants import SILENCE_NS
from adapters.kalshi.messages import market_data as sent
from adapters.kalshi.messages import recordings
from adapters.kalshi.parsing import NegativeLevelError, SpotSettlement, parse_spot_trade, settle_on_spot
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.recorded import FollowedMarket, MarketNotes
from markets.facts import Fact, OraclePrice
from markets.instruments import info_of

_BLOCK_BYTES: Final = 1 << 18
_SNIFFED_LINES: Final = 16
_CODECS: Final = {".zst": "zstd", ".gz": "gzip"}
_ENDINGS: Final = (".ndjson.zst", ".jsonl.zst", ".ndjson.gz", ".jsonl.gz", ".ndjson", ".jsonl")
_NAMED: Final = {".kalshi_ws.": "flat", ".trades.": "trades"}
_COUNTED: Final = (
    *("lines", "control", "orderbook_snapshot", "orderbook_delta", "ticker", "trade", "market_lifecycle_v2"),
    *("spot", "deltas", "groups", "quotes", "block_trades", "gaps", "skipped", "empty_snapshots"),
    *("sequence_gaps", "negative_levels", "crossed_at_group_end"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be used, and why; line 0 speaks of the whole file."""

    file: str
    line: int
    reason: str


class BadRecording(ValueError):
    """The first problem of a recording that was to be read strictly."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.file}:{problem.line}: {problem.reason}")
        self.problem = problem


@dataclass(frozen=True, slots=True)
class TickerCheck:
    """How often the rebuilt top was the venue's own (`parsing.TickerComparison`), a line for each that was not."""

    compared: int
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """One recording: its instruments, everything that happened in the order of `ts_init`, its faults."""

    name: str
    instruments: tuple[BinaryOption, ...]
    data: list[Any]
    problems: tuple[Problem, ...]
    counts: dict[str, int]
    ticker: TickerCheck


def find_recordings(sources: Sequence[Path]) -> tuple[Path, ...]:
    """Return the recordings among `sources`, by name; of a folder, those directly in it.

    FileNotFoundError for a source that does not exist, ValueError for a named file that is no recording
    of Kalshi and for a folder without any. Names as `<session>.kalshi_ws.ndjson.zst` and
    `<name>.trades.jsonl.zst` are taken at their word; of other files the first lines decide.
    """
    found: set[Path] = set()
    for source in sources:
        if not source.exists():
            raise FileNotFoundError(f"expected a recording or a folder of recordings, found no {source}")
        inside = [source] if source.is_file() else [p for p in source.iterdir() if p.name.endswith(_ENDINGS)]
        recordings = {path for path in inside if path.is_file() and _shape(path)}
        if not recordings:
            raise ValueError(f"expected recorded frames or trades of Kalshi in {source}, found none")
        found |= recordings
    return tuple(sorted(found, key=lambda path: (path.name, path)))


def read_recordings(
    sources: Sequence[Path], *, strict: bool = False, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Session]:
    """Yield the sessions of `sources` (files or folders, as `find_recordings`) in the order of their names.

    A line that cannot be used is passed over and reported among the problems; with `strict` it raises
    BadRecording. `on_bytes` is told how many bytes of the files were read since it was last told. What
    happens to a market after a session (the gap until the next one, its close, its result) is told by the
    last session that has the market.
    """
    notes = MarketNotes()
    held: list[_Tape] = []
    for path in find_recordings(sources):
        tape = _Tape(path, notes, strict)
        tape.read(path, tape.take, on_bytes)
        spot = path.with_name(path.name.replace(".kalshi_ws.", ".coinbase_trades."))
        if spot != path and spot.exists():
            tape.read(spot, tape.take_spot, on_bytes)
        tape.finish()
        for earlier in held:
            earlier.hand_over(tape)
        held.append(tape)
        while held and held[0].is_over_before(tape):
            yield held.pop(0).session()
    for tape in held:
        yield tape.session()


def coinbase_settlement(session: Session) -> tuple[SpotSettlement, ...]:
    """Return what Coinbase alone makes of each market that closed under the eyes of the spot recorder."""
    facts = (item.data for item in session.data if isinstance(item, CustomData))
    spot = sorted((fact.ts_event, fact.value) for fact in facts if isinstance(fact, OraclePrice))
    settlements = (settle_on_spot(spot, info_of(one), one.expiration_ns) for one in session.instruments)
    return tuple(found for found in settlements if found is not None)


class _Tape:
    """One recording: follows its sequences, silences and connections, and asks its markets what to tell."""

    def __init__(self, path: Path, notes: MarketNotes, strict: bool) -> None:
        self.first_ns = 0
        self._name = path.name.partition(".")[0]
        self._place = (path.name, 0)
        self._strict = strict
        self._decode = recordings.DECODERS[_shape(path) or ""]
        self._is_dump = self._decode is recordings.decode_trade
        self._notes = notes
        self._data: list[Any] = []
        self._problems: list[Problem] = []
        self._counts: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))
        self._markets: dict[str, FollowedMarket] = {}
        self._passed_on: set[str] = set()
        self._strangers: set[str] = set()
        self._last_ns = 0
        self._sequences: dict[int | None, tuple[int, int]] = {}
        self._acting: FollowedMarket | None = None
        self._takers: dict[type, Callable[[Any, recordings.AnyFrame, int], None]] = {
            sent.OrderbookDelta: self._take_delta,
            sent.OrderbookSnapshot: self._take_snapshot,
            sent.Ticker: self._take_ticker,
            sent.Trade: self._take_trade,
            sent.MarketLifecycle: self._take_lifecycle,
        }
        self._look_beside(path)

    def read(self, path: Path, take: Callable[[bytes], None], on_bytes: Callable[[int], None] | None) -> None:
        name = path.name
        try:
            for number, line in enumerate(_lines(path, on_bytes), 1):
                self._place = (name, number)
                try:
                    take(line)
                except BadRecording:
                    raise
                except (MsgspecError, ValueError) as error:
                    self._report(str(error))
        except OSError as error:
            self._report(f"expected more after this line, found a broken file: {error}")

    def take(self, line: bytes) -> None:
        self._counts["lines"] += 1
        recv_ns, frame = self._decode(line)
        self.first_ns = self.first_ns or recv_ns
        if frame.seq is not None:
            self._follow(frame.sid, frame.seq, recv_ns)
        if isinstance(frame, recordings.Control):
            self._take_control(frame, recv_ns)
            return
        if not self._is_dump and 0 < self._last_ns < recv_ns - SILENCE_NS:
            for market in self._markets.values():
                self._data += market.bridge(self._last_ns, recv_ns, "no frame for a while")
        self._last_ns = recv_ns
        self._takers[type(frame.msg)](frame.msg, frame, recv_ns)

    def take_spot(self, line: bytes) -> None:
        self._counts["spot"] += 1
        self._data.append(parse_spot_trade(recordings.decode_spot_trade(line)))

    def finish(self) -> None:
        self._end_action()
        self._lose(self._markets.values(), self._last_ns, "the recording ends")

    def hand_over(self, later: "_Tape") -> None:
        """Leave to a later recording what there is to say about our markets from then on."""
        for ticker in self._markets.keys() & later._markets.keys():
            self._passed_on.add(ticker)
            first_book_ns = later._markets[ticker].first_book_ns
            if first_book_ns is not None:
                self._data += self._markets[ticker].end_gap(first_book_ns)

    def is_over_before(self, later: "_Tape") -> bool:
        """Return whether no later recording can change what this one says."""
        return all(
            market.life.closes_ns <= later.first_ns or (ticker in self._passed_on and market.blind is None)
            for ticker, market in self._markets.items()
        )

    def session(self) -> Session:
        markets = self._markets.values()
        for ticker, market in self._markets.items():
            self._data += market.end_gap(market.life.closes_ns)
            if ticker not in self._passed_on:
                self._data += [fact.as_data() for fact in self._last_facts(market)]
            self._counts["gaps"] += market.gaps
            self._counts["groups"] += market.book.groups
            self._counts["crossed_at_group_end"] += market.book.crossed_groups
        kinds = Counter(map(type, self._data))
        self._counts["deltas"], self._counts["quotes"] = kinds[OrderBookDelta], kinds[QuoteTick]
        checks = [market.tickers.compare() for market in markets]
        return Session(
            name=self._name,
            instruments=tuple(side for market in markets for side in market.instruments()),
            data=sorted(self._data, key=attrgetter("ts_init")),
            problems=tuple(self._problems),
            counts=dict(self._counts),
            ticker=TickerCheck(sum(n for n, _ in checks), tuple(row for _, rows in checks for row in rows)),
        )

    def _last_facts(self, market: FollowedMarket) -> list[Fact]:
        try:
            return [market.life.closed(), *market.life.paid()]
        except ValueError as error:
            self._report(f"{market.life.terms.market} has no payout: {error}")
            return [market.life.closed()]

    def _take_control(self, control: recordings.Control, recv_ns: int) -> None:
        self._counts["control"] += 1
        if control.kind == "ws_connected":
            self._end_action()
            self._lose(self._markets.values(), self._last_ns, "the socket was connected again")
            self._sequences.clear()
            self._last_ns = recv_ns
        elif control.kind == "watch_market" and control.info is not None:
            self._announce(self._notes.watched(control.info, recv_ns))

    def _take_delta(self, delta: sent.OrderbookDelta, frame: recordings.AnyFrame, recv_ns: int) -> None:
        self._counts["orderbook_delta"] += 1
        market = self._markets.get(delta.market_ticker)
        if market is None or not market.has_book:
            self._skip(delta.market_ticker)
            return
        if market is not self._acting:
            self._end_action()
            self._acting = market
        try:
            self._data += market.take_delta(delta, recv_ns, frame.seq or 0)
        except ValueError as error:
            self._counts["negative_levels"] += isinstance(error, NegativeLevelError)
            self._lose([market], recv_ns, "a delta could not be applied")
            raise

    def _take_snapshot(self, book: sent.OrderbookSnapshot, frame: recordings.AnyFrame, recv_ns: int) -> None:
        self._counts["orderbook_snapshot"] += 1
        market = self._markets.get(book.market_ticker)
        if market is None:
            self._skip(book.market_ticker)
            return
        self._end_action()
        try:
            self._data += market.take_snapshot(book, recv_ns, frame.seq or 0)
        except ValueError:
            self._lose([market], recv_ns, "a snapshot could not be read")
            raise
        market.sid = frame.sid
        self._counts["empty_snapshots"] += not (market.book.bids or market.book.asks)

    def _take_ticker(self, ticker: sent.Ticker, _: recordings.AnyFrame, recv_ns: int) -> None:
        self._counts["ticker"] += 1
        market = self._markets.get(ticker.market_ticker)
        if market is None or not market.has_book:
            self._skip(ticker.market_ticker)
            return
        market.tickers.note_ticker(ticker)

    def _take_trade(self, trade: sent.Trade, _: recordings.AnyFrame, recv_ns: int) -> None:
        self._counts["trade"] += 1
        market = self._markets.get(trade.market)
        if market is None and self._is_dump and trade.market not in self._strangers:
            market = self._announce(self._notes.traded(trade.market))
        if market is None:
            self._skip(trade.market)
            return
        self._data += market.take_trade(trade, recv_ns)
        self._counts["block_trades"] += trade.is_block_trade

    def _take_lifecycle(self, step: sent.MarketLifecycle, _: recordings.AnyFrame, recv_ns: int) -> None:
        self._counts["market_lifecycle_v2"] += 1
        market = self._markets.get(step.market_ticker)
        if market is not None:  # the channel speaks of all markets of the venue, most of them not ours
            self._data += [fact.as_data() for fact in market.life.take(step, recv_ns)]

    def _follow(self, sid: int | None, seq: int, recv_ns: int) -> None:
        last, last_ns = self._sequences.get(sid, (seq - 1, recv_ns))
        self._sequences[sid] = (seq, recv_ns)
        if seq != last + 1:
            self._counts["sequence_gaps"] += 1
            self._end_action()
            blind = [market for market in self._markets.values() if market.sid == sid]
            self._lose(blind, last_ns, "frames are missing in the sequence")

    def _lose(self, markets: Iterable[FollowedMarket], since_ns: int, reason: str) -> None:
        for market in markets:
            self._data += market.lose(since_ns, reason)

    def _end_action(self) -> None:
        if self._acting is not None:
            self._data += self._acting.end_action()
            self._acting = None

    def _announce(self, life: MarketLife | None) -> FollowedMarket | None:
        if life is None:
            return None
        if life.terms.market not in self._markets:
            self._data += [fact.as_data() for fact in life.first_facts()]
            self._markets[life.terms.market] = FollowedMarket(life)
        return self._markets[life.terms.market]

    def _look_beside(self, path: Path) -> None:
        results = path.with_name("markets.json")
        events = path.with_name(path.name.replace(".trades.", ".events."))
        if results.exists():
            self._place = (results.name, 0)
            try:
                self._notes.take_results(results.read_bytes())
            except MsgspecError as error:
                self._report(str(error))
        if events != path and events.exists():
            self.read(events, self._notes.take_event, None)

    def _skip(self, ticker: str) -> None:
        self._counts["skipped"] += 1
        if ticker not in self._markets and ticker not in self._strangers:
            self._strangers.add(ticker)
            self._report(f"expected {ticker} to be announced before its first frame, found no announcement")

    def _report(self, reason: str) -> None:
        problem = Problem(*self._place, reason)
        if self._strict:
            raise BadRecording(problem)
        self._problems.append(problem)


def _shape(path: Path) -> str | None:
    for part, shape in _NAMED.items():  # so that a recording that is broken from the start is not passed over
        if part in path.name:
            return shape
    with suppress(OSError):
        for line in islice(_lines(path, None), _SNIFFED_LINES):
            with suppress(MsgspecError, ValueError):
                if found := recordings.shape_of(line):
                    return found
    return None


def _lines(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield the complete lines; OSError where a compressed file is broken, after all that came before."""
    rest = b""
    for block in _blocks(path, on_bytes):
        *complete, rest = (rest + block).split(b"\n")
        yield from filter(None, complete)
    if rest:
        yield rest


def _blocks(path: Path, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    done = told = 0
    with pa.OSFile(str(path)) as file, _unpacked(file, path) as stream, suppress(OSError):
        while block := stream.read(_BLOCK_BYTES):
            done += len(block)
            yield block
            if on_bytes is not None and file.tell() > told:
                on_bytes(file.tell() - told)
                told = file.tell()
        return
    with pa.OSFile(str(path)) as file, _unpacked(file, path) as stream:
        stream.read(done)
        while byte := stream.read(1):  # a block that meets the break is lost whole, so: byte by byte
            yield byte


def _unpacked(file: Any, path: Path) -> Any:
    codec = _CODECS.get(path.suffix)
    return pa.CompressedInputStream(file, codec) if codec else file
