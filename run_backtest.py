"""Replay one book against the catalog: `python run_backtest.py [BOOK.toml] [--help]`."""

import typer

from system.backtest_command import command

if __name__ == "__main__":
    typer.run(command)
