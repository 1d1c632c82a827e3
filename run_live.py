"""Supervise one book: `python run_live.py BOOK.toml --mode sandbox|rehearsal|live [--help]`. Never loads Nautilus."""

import typer

from system.live_command import command

if __name__ == "__main__":
    typer.run(command)
