"""What can go wrong between data and the catalog.

StorageError
    Overlap        the catalog already holds data of that time (a ValueError)
    WrongSchema    the folder was written by another version of this house (a ValueError)
    CatalogBusy    another process is writing (a RuntimeError)
"""

from storage.layout import StoredFile, Stream, timestamp_of


class StorageError(Exception):
    """Data could not enter or leave the catalog; the catalog itself is unchanged."""


class Overlap(StorageError, ValueError):
    """Data were given for a time that the catalog already holds: a replay could not order them."""

    def __init__(self, stream: Stream, held: StoredFile, start_ns: int, end_ns: int) -> None:
        super().__init__(
            f"expected {stream.kind} of {stream.identifier} outside of what the catalog holds, "
            f"{timestamp_of(held.start_ns)} to {timestamp_of(held.end_ns)}, "
            f"found {timestamp_of(start_ns)} to {timestamp_of(end_ns)}"
        )
        self.stream = stream
        self.held = held
        self.start_ns = start_ns
        self.end_ns = end_ns


class WrongSchema(StorageError, ValueError):
    """A folder holds data that this version cannot vouch for."""


class CatalogBusy(StorageError, RuntimeError):
    """Another writer is at work in the same catalog."""
