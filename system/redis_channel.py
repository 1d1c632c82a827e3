"""Commands that come through Redis: each ends as the same row of the journal as a typed one. Loads no Nautilus.

The stream is `argonaut:<book>:commands`; an entry says `kind`, `reason` and `operator`, and a `mode`, without which it is
for every run under way; a resume needs one, as do `deposit` and `withdraw`, which also say `venue` and `amount_usd`. Each run reads for its own mode. How far it was read is kept in
the journal, in one transaction with the row: so no entry is obeyed twice, and what is written while nobody
reads is obeyed by who comes next. Before the first run nothing counts.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection

from network.backoff import Backoff
from storage.journal import commands
from storage.journal.commands import MOVES_CASH, NEEDS_ONE_RUN, Cash, Kind, Wish
from storage.journal.reading import kept_in
from storage.journal.records import Alert, Kept
from storage.journal.writing import write
from system.run_journal import RunJournal

_SCOPE: Final = "redis"
_BLOCK_MS: Final = 1_000
_MOST_AT_ONCE: Final = 100
_BACKOFF: Final = Backoff(first_secs=0.1, most_secs=5.0, jitter=0.0)


def stream_of(book: str) -> str:
    """Return the name of the stream in which commands for a book are written."""
    return f"argonaut:{book}:commands"


async def relay(url: str, journal: RunJournal, tell: Callable[[str], None]) -> None:
    """Write each command that comes through Redis into the journal, until cancelled.

    A Redis that cannot be reached is told once, and tried again. JournalLost ends it.
    """
    failures = 0
    while True:
        client = Redis.from_url(url, decode_responses=True, socket_timeout=_BLOCK_MS / 1000 + 5)
        try:
            async with client:
                last = await _where_to_begin(client, journal)
                while True:
                    last = await _read(client, journal, last, tell)
                    failures = 0
        except (RedisError, OSError) as error:
            if not failures:
                tell(f"no commands come through Redis now: {error}")
            await asyncio.sleep(_BACKOFF.delay_secs(failures, lambda: 0.0))
            failures += 1


async def _where_to_begin(client: Redis, journal: RunJournal) -> str:
    name = stream_of(journal.book)
    kept = await journal.journal.look(lambda connection: kept_in(connection, _SCOPE).get(_place_of(journal)))
    if kept is not None:
        return str(kept["last"])
    newest: Any = await client.xrevrange(name, count=1)
    last = str(newest[0][0]) if newest else "0-0"
    await journal.journal.durable(_read_up_to(journal, last))
    return last


async def _read(client: Redis, journal: RunJournal, last: str, tell: Callable[[str], None]) -> str:
    name = stream_of(journal.book)
    found: Any = await client.xread({name: last}, count=_MOST_AT_ONCE, block=_BLOCK_MS)
    for _, entries in found:
        for entry_id, fields in entries:
            await journal.journal.ask(_booking(journal, entry_id, fields, tell))
            last = entry_id
    return last


def _booking(
    journal: RunJournal, entry_id: str, fields: Mapping[str, str], tell: Callable[[str], None]
) -> Callable[[Connection], None]:
    now_ns = journal.now_ns()

    def book(connection: Connection) -> None:
        write(connection, [(now_ns, _read_up_to(journal, entry_id))])
        if fields.get("mode", journal.mode) != journal.mode:
            return
        try:
            commands.send(connection, _wish(fields), now_ns, journal.mode)
        except ValueError as error:
            text = f"a command of Redis was refused: {error}"
            alert = Alert(run=journal.run, at_ns=now_ns, severity="warning", source=_SCOPE, text=text)
            write(connection, [(now_ns, alert)])
            tell(text)

    return book


def _wish(fields: Mapping[str, str]) -> Wish:
    kind = Kind(fields.get("kind", ""))
    cash = Cash.of(fields.get("venue", ""), fields.get("amount_usd", "")) if kind in MOVES_CASH else None
    wish = Wish(kind, fields.get("reason", ""), fields.get("operator", ""), _SCOPE, cash)
    if kind in NEEDS_ONE_RUN and "mode" not in fields:
        raise ValueError(f"expected the mode to {kind}, found none")
    return wish


def _place_of(journal: RunJournal) -> str:
    return f"{stream_of(journal.book)}/{journal.mode}"


def _read_up_to(journal: RunJournal, entry_id: str) -> Kept:
    return Kept(
        run=journal.run,
        at_ns=journal.now_ns(),
        scope=_SCOPE,
        name=_place_of(journal),
        plain={"last": entry_id},
    )
