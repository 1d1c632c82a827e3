"""All or nothing: a folder whose files become part of the catalog together, or not at all.

Files are moved by rename, so nothing is written twice and a full disk shows before the first move. The
plan of the moves lies in the folder before they begin, and `argonaut.json` moves last: when a process
dies half way, the next writer finds a plan whose last move is missing and takes the others back.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from msgspec import json

from storage.errors import CatalogBusy
from storage.mark import MARK, read_mark

_PREFIX = ".staging-"
_LOCK = ".lock"
_PLAN = ".moves.json"


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """Give a folder whose files are moved into `root` when the block ends without an error.

    The block must put an `argonaut.json` there. Raises CatalogBusy when another process writes,
    WrongSchema when `root` is not ours to write to.
    """
    with _folder(root), _only_writer(root):
        _clear_leftovers(root)
        read_mark(root)
        staging = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        try:
            yield staging
            _publish(staging, root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _folder(root: Path) -> Iterator[None]:
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for folder in missing:
                folder.rmdir()
        raise


@contextmanager
def _only_writer(root: Path) -> Iterator[None]:
    path = root / _LOCK
    with path.open("a+") as lock:
        _acquire(lock, root)
        try:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield
        finally:
            path.unlink()


def _acquire(lock: IO[str], root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise CatalogBusy(
            f"expected to be the only writer of {root}, found process {lock.read() or '?'} writing"
        ) from error
    if os.fstat(lock.fileno()).st_nlink == 0:  # its owner finished between our open and our lock
        raise CatalogBusy(
            f"expected to be the only writer of {root}, found another one just ending; try again"
        )


def _publish(staging: Path, root: Path) -> None:
    files = sorted(path.relative_to(staging) for path in staging.rglob("*") if path.is_file())
    files.sort(key=lambda file: file.name == MARK)
    for file in files:
        if file.name != MARK and (root / file).exists():
            raise FileExistsError(f"expected no {root / file} yet, found one")
    _write_plan(staging, files)
    with ExitStack() as undo:
        for file in files:
            _make_parents(root / file, undo)
            if file.name != MARK:  # the last move: nothing after it can fail, and it replaces an older one
                undo.callback(_take_back, staging / file, root / file)
            (staging / file).rename(root / file)
        undo.pop_all()


def _write_plan(staging: Path, files: list[Path]) -> None:
    draft = staging / f"{_PLAN}.draft"
    draft.write_bytes(json.encode([str(file) for file in files]))
    draft.rename(staging / _PLAN)


def _make_parents(path: Path, undo: ExitStack) -> None:
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        undo.callback(_remove_empty, folder)
        folder.mkdir()


def _take_back(source: Path, target: Path) -> None:
    if not source.exists():
        target.rename(source)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _clear_leftovers(root: Path) -> None:
    for stale in root.glob(f"{_PREFIX}*"):
        plan = stale / _PLAN
        if plan.exists() and (stale / MARK).exists():  # died between the first move and the last
            for file in json.decode(plan.read_bytes(), type=list[str]):
                if not (stale / file).exists():
                    (root / file).unlink(missing_ok=True)
        shutil.rmtree(stale)
