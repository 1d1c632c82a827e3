"""Where people read: a terminal, or a log that knows no width."""

from rich.console import Console

_WIDTH_IN_A_FILE = 120


def open_console(*, is_quiet: bool = False, to_stderr: bool = False) -> Console:
    """Return a console; written to a file or a pipe it is as wide as the tables want to be."""
    console = Console(quiet=is_quiet, stderr=to_stderr)
    if not console.is_terminal:
        console.width = _WIDTH_IN_A_FILE
    return console
