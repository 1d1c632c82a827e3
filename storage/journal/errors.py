"""What can go wrong between a process and its journal; free of Nautilus, as the supervisor is.

JournalError
    BadJournal      the address or the tables there cannot be used as they are (a ValueError)
    JournalLost     what was told cannot be kept: the queue is full, or the database failed (an OSError)
"""


class JournalError(Exception):
    """The journal could not be opened, read or written."""


class BadJournal(JournalError, ValueError):
    """An address that names no journal, or tables of another version."""


class JournalLost(JournalError, OSError):
    """The journal keeps nothing any more: whoever needs a memory must stop."""
