import contextlib
import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from markets.facts import FACTS, DataGap, MarketResolution, OraclePrice
from storage.catalog import CatalogWriter, open_parquet
from storage.errors import CatalogBusy, Overlap, WrongSchema
from storage.reading import CatalogReader

HOUSE = Path(__file__).parents[3]


class FullDisk:
    """Nautilus' catalog on a disk that is full at the third write."""

    def __init__(self, folder):
        self._real = open_parquet(folder)
        self._left = 2

    def __getattr__(self, name):
        if name.startswith("write_"):
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return getattr(self._real, name)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "a folder" / "catalog"


@pytest.fixture
def filled(root, toy):
    pair = toy.make_market()
    with CatalogWriter(root) as writer:
        writer.write([pair.yes, pair.no], toy.one_of_each(pair.yes))
    return root


def test_every_type_comes_back_as_it_was_written(root, toy):
    pair = toy.make_market()
    data = toy.one_of_each(pair.yes)
    with CatalogWriter(root) as writer:
        written = writer.write([pair.yes, pair.no], data)
    reader = CatalogReader(root)
    window = reader.window(toy.START, toy.START + 10)
    assert [one.to_dict() for one in reader.instruments()] == [pair.no.to_dict(), pair.yes.to_dict()]
    assert window.deltas == {pair.yes.id: [data[0]]}
    assert window.quotes == {pair.yes.id: [data[1]]}
    assert window.trades == {pair.yes.id: [data[2]]}
    assert sorted(fact.data.to_json() for fact in window.facts) == sorted(f.data.to_json() for f in data[3:])
    assert {type(fact.data) for fact in window.facts} == set(FACTS)
    assert written.instruments == 2
    assert set(written.rows.values()) == {1}


def test_a_catalog_says_its_schema_its_writer_and_its_evidence(filled, toy):
    mark = json.loads((filled / "argonaut.json").read_text())
    assert mark["schema"] == 1
    assert mark["written_by"].startswith("argonaut ")
    assert mark["evidence"] == ["recording"]
    pair = toy.make_market("KXBTC15M-B-30", recorded_as="trades")
    with CatalogWriter(filled) as writer:
        writer.write([pair.yes], [])
    assert CatalogReader(filled).mark.evidence == ("recording", "trades")


def test_nothing_but_data_and_the_mark_is_left_behind(filled):
    assert sorted(path.name for path in filled.iterdir()) == ["argonaut.json", "data"]


@pytest.mark.parametrize("name", ["delta", "quote", "trade", "resolution", "oracle"])
@pytest.mark.parametrize(("first", "last"), [(2, 4), (5, 5), (1, 9), (3, 3), (9, 12), (0, 2)])
def test_data_that_share_a_nanosecond_with_what_is_held_are_refused(root, toy, name, first, last):
    yes = toy.make_market().yes

    def make(at):
        return getattr(toy, name)(yes, at) if name in {"delta", "quote", "trade"} else getattr(toy, name)(at)

    with CatalogWriter(root) as writer:
        writer.write([yes], [make(2), make(9)])
    before = toy.fingerprint(root)
    with pytest.raises(Overlap) as refusal, CatalogWriter(root) as writer:
        writer.write([], [toy.gap(1, 2)])
        writer.write([], [make(first), make(last)])
    assert toy.fingerprint(root) == before
    assert refusal.value.held.start_ns == toy.START + 2
    assert refusal.value.start_ns == toy.START + first
    assert refusal.value.stream.kind in str(refusal.value)
    assert refusal.value.stream.identifier in str(refusal.value)
    assert "2026-09-21T14:13:20.000000009Z" in str(refusal.value)


def test_data_before_and_after_what_is_held_are_stored(root, toy):
    yes = toy.make_market().yes
    for times in ([5, 6], [7, 8], [1, 4]):
        with CatalogWriter(root) as writer:
            writer.write([yes], [toy.delta(yes, at) for at in times])
    found = CatalogReader(root).deltas(yes.id, toy.START, toy.START + 99)
    assert [one.ts_init - toy.START for one in found] == [1, 4, 5, 6, 7, 8]


def test_sessions_of_one_block_follow_each_other_or_are_refused(root, toy):
    yes = toy.make_market().yes
    with CatalogWriter(root) as writer:
        writer.write([yes], [toy.delta(yes, at) for at in (1, 2)])
        writer.write([yes], [toy.delta(yes, at) for at in (3, 4)])
    assert len(CatalogReader(root).deltas(yes.id, toy.START, toy.START + 99)) == 4
    with pytest.raises(Overlap), CatalogWriter(root) as writer:
        writer.write([], [toy.delta(yes, 11), toy.delta(yes, 13)])
        writer.write([], [toy.delta(yes, 13), toy.delta(yes, 14)])


def test_facts_of_interleaving_sessions_in_one_block_are_merged_and_kept_once(root, toy):
    with CatalogWriter(root) as writer:
        first = writer.write([], [toy.oracle(1), toy.oracle(4), toy.oracle(9)])
        second = writer.write([], [toy.oracle(4), toy.oracle(4, "7"), toy.oracle(6)])
        third = writer.write([], [toy.oracle(11), toy.oracle(12)])
        last = writer.write([], [toy.oracle(0), toy.oracle(20)])
    facts = CatalogReader(root).facts(OraclePrice, toy.START, toy.START + 99)
    assert [fact.ts_init - toy.START for fact in facts] == [0, 1, 4, 4, 6, 9, 11, 12, 20]
    assert [str(fact.data.value) for fact in facts][2:4] == ["81087.33", "7"]
    assert [sum(one.rows.values()) for one in (first, second, third, last)] == [3, 2, 2, 2]
    assert len(list(root.rglob("*.parquet"))) == 1


def test_equal_facts_of_one_session_are_all_kept(root, toy):
    with CatalogWriter(root) as writer:
        assert writer.write([], [toy.oracle(1), toy.oracle(1)]).rows == {"OraclePrice": 2}
    assert len(CatalogReader(root).facts(OraclePrice, toy.START, toy.START + 2)) == 2


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (ValueError, lambda toy, yes: [toy.delta(yes, 2), toy.delta(yes, 1)]),
        (ValueError, lambda toy, yes: [toy.oracle(2), toy.oracle(1)]),
        (ValueError, lambda toy, yes: [toy.oracle(2, symbol="BTC/USD")]),
        (TypeError, lambda toy, yes: [yes]),
        (TypeError, lambda toy, yes: [toy.gap(1, 2).data]),
    ],
    ids=["deltas out of order", "facts out of order", "no folder's name", "instrument", "bare fact"],
)
def test_what_cannot_be_stored_is_refused_and_nothing_of_its_block_is_kept(filled, toy, error, wrong):
    before = toy.fingerprint(filled)
    later = toy.make_market("KXBTC15M-B-30").yes
    with pytest.raises(error), CatalogWriter(filled) as writer:
        writer.write([later], [toy.delta(later, 1)])
        writer.write([], wrong(toy, later))
    assert toy.fingerprint(filled) == before


def test_a_failed_write_that_its_caller_forgives_still_loses_the_block(filled, toy):
    def write_and_forgive():
        with CatalogWriter(filled) as writer, contextlib.suppress(ValueError):
            writer.write([later], [toy.delta(later, 1), toy.quote(later, 2), toy.quote(later, 1)])

    before = toy.fingerprint(filled)
    later = toy.make_market("KXBTC15M-B-30").yes
    with pytest.raises(RuntimeError, match="without a failed write"):
        write_and_forgive()
    assert toy.fingerprint(filled) == before


def test_an_error_of_the_caller_leaves_no_trace_even_of_a_new_folder(root, toy):
    with pytest.raises(KeyboardInterrupt), CatalogWriter(root) as writer:
        writer.write([], [toy.oracle(1)])
        raise KeyboardInterrupt
    assert not root.parent.exists()


def test_a_disk_that_fills_half_way_leaves_the_catalog_as_it_was(filled, toy):
    before = toy.fingerprint(filled)
    later = toy.make_market("KXBTC15M-B-30").yes
    with pytest.raises(OSError, match="No space left"), CatalogWriter(filled, FullDisk) as writer:
        writer.write([later], [toy.delta(later, 1), toy.quote(later, 1)])
    assert toy.fingerprint(filled) == before


TOO_LARGE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests/unit/storage")
import conftest as toy
from storage.catalog import CatalogWriter
yes = toy.make_market("KXBTC15M-B-30").yes
with CatalogWriter(Path(sys.argv[1])) as writer:
    writer.write([yes], [toy.quote(yes, 1)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        writer.write([], [toy.oracle(at, str(1 + at * 7919 % 104729)) for at in range(10, 20_000)])
    except OSError:
        print("refused by the disk")
        raise
"""


def test_a_file_that_the_system_refuses_to_let_grow_leaves_the_catalog_as_it_was(filled, toy):
    before = toy.fingerprint(filled)
    ended = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, str(filled)], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip() == "refused by the disk", ended.stderr
    assert toy.fingerprint(filled) == before


@pytest.mark.parametrize("fails_at", range(1, 7))
def test_a_move_that_fails_takes_the_earlier_moves_back(filled, toy, monkeypatch, fails_at):
    before = toy.fingerprint(filled)
    later = toy.make_market("KXBTC15M-B-30").yes
    moves = []
    rename = Path.rename

    def rename_until(self, target):
        if filled / "data" in Path(target).parents or Path(target) == filled / "argonaut.json":
            moves.append(target)
            if len(moves) == fails_at:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_until)
    with pytest.raises(OSError, match="Input/output"), CatalogWriter(filled) as writer:
        writer.write([later], [toy.delta(later, 1), toy.quote(later, 1), toy.trade(later, 1), toy.oracle(9)])
    assert len(moves) == fails_at
    assert toy.fingerprint(filled) == before


DIES_AT_THE_THIRD_MOVE = """
import os, sys
from pathlib import Path
sys.path.insert(0, "tests/unit/storage")
import conftest as toy
from storage.catalog import CatalogWriter
root, moves, rename = Path(sys.argv[1]), [], Path.rename
def rename_until(self, target):
    if root / "data" in Path(target).parents:
        moves.append(target)
        if len(moves) == 3:
            os._exit(9)
    return rename(self, target)
Path.rename = rename_until
yes = toy.make_market("KXBTC15M-B-30").yes
with CatalogWriter(root) as writer:
    writer.write([yes], [toy.delta(yes, 1), toy.quote(yes, 1), toy.trade(yes, 1)])
"""


def test_what_a_dead_writer_had_moved_is_taken_back_by_the_next_one(filled, toy):
    before = toy.fingerprint(filled)
    script = [sys.executable, "-c", DIES_AT_THE_THIRD_MOVE, str(filled)]
    assert subprocess.run(script, cwd=HOUSE, check=False).returncode == 9
    assert toy.fingerprint(filled) != before
    later = toy.make_market("KXBTC15M-B-30").yes
    with CatalogWriter(filled) as writer:
        writer.write([later], [toy.delta(later, 1)])
    after = toy.fingerprint(filled)
    added = {path for path in after.keys() - before.keys() if path.endswith(".parquet")}
    assert {path.split("/")[1] for path in added} == {"binary_option", "order_book_deltas"}
    assert len(added) == 2
    assert not list(filled.glob(".*"))


def test_the_leftovers_of_a_writer_that_died_before_moving_are_ignored_and_cleared(filled, toy):
    stale = filled / ".staging-dead" / "data" / "quotes" / "KXBTC15M-A-15-YES.KALSHI"
    stale.mkdir(parents=True)
    (stale / "2026-09-21T14-13-20-000000001Z_2026-09-21T14-13-20-000000001Z.parquet").write_text(
        "half a file"
    )
    (filled / ".lock").write_text("4194304")
    reader = CatalogReader(filled)
    assert len(reader.window(toy.START, toy.START + 99).quotes) == 1
    with CatalogWriter(filled) as writer:
        writer.write([], [toy.oracle(30)])
    assert not list(filled.glob(".*"))


def test_a_second_writer_is_told_who_the_first_is(filled, toy):
    with CatalogWriter(filled) as writer:
        with pytest.raises(CatalogBusy, match=f"found process {os.getpid()} writing"), CatalogWriter(filled):
            pass
        writer.write([], [toy.oracle(30)])
    assert len(CatalogReader(filled).facts(OraclePrice, toy.START, toy.START + 99)) == 2


def test_a_lock_that_its_owner_gave_up_meanwhile_is_not_taken(filled, monkeypatch):
    flock = fcntl.flock

    def flock_after_the_owner_ended(file, operation):
        (filled / ".lock").unlink()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_after_the_owner_ended)
    with pytest.raises(CatalogBusy, match="try again"), CatalogWriter(filled):
        pass


@pytest.mark.parametrize("opening", [CatalogReader, lambda root: CatalogWriter(root).__enter__()])
@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ('{"schema": 0}', "schema 0"),
        ('{"schema": 2, "x": 1}', "schema 2"),
        ("{", "unreadable"),
        (None, "schema 0"),
    ],
)
def test_another_schema_is_neither_read_nor_written(filled, toy, opening, mark, found):
    (filled / "argonaut.json").unlink()
    if mark:
        (filled / "argonaut.json").write_text(mark)
    before = toy.fingerprint(filled)
    with pytest.raises(WrongSchema, match=f"{found}.*expected 1; import it again"):
        opening(filled)
    assert toy.fingerprint(filled) == before


def test_a_folder_with_a_readme_becomes_a_catalog(tmp_path, toy):
    (tmp_path / "README.md").write_text("what lives here")
    with CatalogWriter(tmp_path) as writer:
        writer.write([], [toy.gap(1, 2)])
    assert len(CatalogReader(tmp_path).facts(DataGap, toy.START, toy.START + 2)) == 1


def test_an_instrument_is_kept_again_only_when_its_facts_changed(root, toy):
    known, again = toy.make_market(), toy.make_market(known_ns=toy.START + 5)
    changed = toy.make_market(known_ns=toy.START + 7, title="Another title")
    back = toy.make_market(known_ns=toy.START + 9)
    with CatalogWriter(root) as writer:
        assert writer.write([known.yes, known.no, again.yes], []).instruments == 2
        assert writer.write([again.yes, again.no], []).instruments == 0
    with CatalogWriter(root) as writer:
        assert writer.write([known.yes, again.no, changed.yes], []).instruments == 1
        assert writer.write([changed.yes, back.yes], []).instruments == 1
    versions = [one for one in CatalogReader(root).instruments() if one.id == known.yes.id]
    assert [one.ts_init - toy.START for one in versions] == [0, 7, 9]
    assert [one.description for one in versions] == ["A toy market", "Another title", "A toy market"]


def test_an_instrument_that_was_known_earlier_than_the_catalog_thinks_is_kept(root, toy):
    with CatalogWriter(root) as writer:
        assert writer.write([toy.make_market(known_ns=toy.START + 5).yes], []).instruments == 1
    with CatalogWriter(root) as writer:
        assert writer.write([toy.make_market().yes], []).instruments == 1


def test_two_truths_about_an_instrument_at_one_time_are_refused(filled, toy):
    other = toy.make_market(title="Another title").yes
    with pytest.raises(Overlap, match="BinaryOption of KXBTC15M-A-15-YES"), CatalogWriter(filled) as writer:
        writer.write([other], [])


def test_a_resolution_of_an_imported_session_cannot_come_twice(filled, toy):
    with (
        pytest.raises(Overlap, match=r"MarketResolution of KXBTC15M\.KALSHI"),
        CatalogWriter(filled) as writer,
    ):
        writer.write([], [toy.resolution(9)])
    assert len(CatalogReader(filled).facts(MarketResolution, toy.START, toy.START + 99)) == 1


def test_a_writer_outside_of_its_block_refuses_to_write(filled, toy):
    writer = CatalogWriter(filled)
    with pytest.raises(RuntimeError, match="open block"):
        writer.write([], [toy.oracle(30)])
    with writer:
        pass
    with pytest.raises(RuntimeError, match="open block"):
        writer.write([], [toy.oracle(30)])
