"""What a catalog says of itself, in `argonaut.json` at its root."""

from importlib.metadata import version
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from storage.errors import WrongSchema
from storage.layout import DATA

MARK = "argonaut.json"
SCHEMA = 1
IMPORT = "argonaut import kalshi-recording SRC... --catalog DIR"


class Mark(Struct, frozen=True, kw_only=True):
    """Who wrote a catalog last, in which schema, and what its prices rest on (`info["recorded_as"]`)."""

    schema: int = SCHEMA
    written_by: str = ""
    evidence: tuple[str, ...] = ()


def read_mark(root: Path) -> Mark | None:
    """Return the mark of the catalog at `root`, None when nothing has been stored there yet.

    WrongSchema when another schema wrote it, or when it holds Parquet without a mark.
    """
    try:
        mark = json.decode((root / MARK).read_bytes(), type=Mark)
    except FileNotFoundError:
        if next((root / DATA).rglob("*.parquet"), None) is None:
            return None
        raise _wrong(root, "schema 0 (Parquet without argonaut.json)") from None
    except (DecodeError, ValidationError) as error:
        raise _wrong(root, f"an unreadable {MARK} ({error})") from error
    if mark.schema != SCHEMA:
        raise _wrong(root, f"schema {mark.schema}")
    return mark


def require_mark(root: Path) -> Mark:
    """Return the mark of a catalog that is to be read; FileNotFoundError naming what fills it."""
    mark = read_mark(root)
    if mark is None:
        raise FileNotFoundError(f"expected a catalog at {root}, found none; fill it with: {IMPORT}")
    return mark


def write_mark(root: Path, evidence: set[str]) -> None:
    """Say at `root` that this version wrote it, from these sources."""
    mark = Mark(written_by=f"argonaut {version('argonaut')}", evidence=tuple(sorted(evidence)))
    (root / MARK).write_bytes(json.format(json.encode(mark)) + b"\n")


def _wrong(root: Path, found: str) -> WrongSchema:
    return WrongSchema(f"{root} was written by {found}, expected {SCHEMA}; import it again into a new folder")
