import asyncio
import time
from itertools import count

import pytest
from redis import Redis

from storage.journal.commands import Kind, unfinished
from storage.journal.journal import Journal
from storage.journal.reading import kept_in, read
from storage.journal.records import Alert
from system.book import Live
from system.redis_channel import relay, stream_of
from system.run_journal import RunJournal

BOOKS = (f"book-{number}" for number in count())


class Desk:
    """A run's journal, a Redis, and the relay between the two."""

    def __init__(self, folder, url):
        self.folder, self.url, self.told = folder, url, []
        self.book = next(BOOKS)
        self.redis = Redis.from_url(url)
        self.open()

    def open(self):
        self.journal = Journal.open(self.folder / "journal.sqlite", lambda: time.clock_gettime_ns(0))
        self.run = RunJournal(self.journal, "r-1", "live", self.book, lambda: 1)
        self.run.begin("T", "rc7", {})

    def say(self, **fields):
        return self.redis.xadd(stream_of(self.book), fields)

    def rows(self):
        return [
            (one.kind, one.reason, one.operator, one.source, one.mode)
            for one in self.journal.find(unfinished)
        ]

    def alerts(self):
        return [one.text for one in self.journal.find(lambda connection: list(read(connection, Alert)))]

    def relayed(self, is_done, *, before=lambda: None, url=None):
        """Let the relay run until something is so."""

        async def main():
            task = asyncio.create_task(relay(url or self.url, self.run, self.told.append))
            try:
                await until(lambda: self.kept() or self.told)
                before()
                await until(is_done)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        async def until(condition):
            async with asyncio.timeout(60):
                while not condition():
                    await asyncio.sleep(0.01)

        asyncio.run(main())

    def kept(self):
        return self.journal.find(lambda connection: kept_in(connection, "redis"))


@pytest.fixture
def desk(tmp_path, redis_url):
    one = Desk(tmp_path, redis_url)
    yield one
    one.journal.close()
    one.redis.close()


def test_what_is_said_in_redis_ends_as_the_row_of_a_typed_command(desk):
    desk.relayed(desk.rows, before=lambda: desk.say(kind="halt", reason="smoke", operator="ann"))
    assert desk.rows() == [(Kind.HALT, "smoke", "ann", "redis", "live")]


def test_money_that_was_moved_is_told_with_venue_and_amount(desk):
    about = {"reason": "savings", "operator": "ann", "mode": "live"}
    desk.relayed(
        desk.rows,
        before=lambda: desk.say(kind="withdraw", venue="KALSHI", amount_usd="12.50", **about),
    )
    (told,) = desk.journal.find(unfinished)
    assert (told.kind, told.venue, str(told.amount_usd)) == (Kind.WITHDRAW, "KALSHI", "12.50")


def test_what_was_said_before_the_first_run_counts_for_nothing(desk):
    desk.say(kind="stop", reason="old", operator="bob")
    desk.relayed(desk.rows, before=lambda: desk.say(kind="halt", reason="new", operator="ann"))
    assert [row[1] for row in desk.rows()] == ["new"]


def test_what_is_said_while_nobody_reads_is_obeyed_by_who_comes_next_and_once(desk):
    desk.relayed(desk.rows, before=lambda: desk.say(kind="halt", reason="one", operator="ann"))
    desk.say(kind="resume", reason="two", operator="ann", mode="live")
    desk.say(kind="resume", reason="three", operator="ann", mode="sandbox")
    desk.journal.close()
    desk.open()
    desk.relayed(lambda: len(desk.rows()) > 1)
    desk.relayed(lambda: True)
    assert [row[:2] for row in desk.rows()] == [(Kind.HALT, "one"), (Kind.RESUME, "two")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "resume", "reason": "fine", "operator": ""}, "a reason and an operator's name"),
        ({"kind": "resume", "reason": "fine", "operator": "ann"}, "expected the mode to resume"),
        (
            {"kind": "deposit", "reason": "r", "operator": "ann", "venue": "KALSHI", "amount_usd": "nan"},
            "above 0",
        ),
        (
            {"kind": "deposit", "reason": "r", "operator": "ann", "venue": "KALSHI", "amount_usd": "5"},
            "expected the mode to deposit",
        ),
        ({"kind": "buy", "reason": "r", "operator": "ann"}, "'buy' is not a valid Kind"),
        ({"something": "else"}, "'' is not a valid Kind"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_aloud_and_what_follows_is_obeyed(desk, fields, words):
    def say():
        desk.say(**fields)
        desk.say(kind="halt", reason="after", operator="ann")

    desk.relayed(desk.rows, before=say)
    assert [row[1] for row in desk.rows()] == ["after"]
    assert [words in text for text in desk.alerts()] == [True]
    assert desk.told == desk.alerts()


def test_a_redis_that_is_not_there_is_told_once_and_stops_nobody(desk):
    desk.relayed(lambda: len(desk.told) == 1, url="redis://127.0.0.1:1/0")
    assert desk.told[0].startswith("no commands come through Redis now")


@pytest.mark.parametrize("url", ["localhost:6379", "http://host", "redis://host/3", "redis://host?db=3"])
def test_an_address_that_is_no_redis_of_ours_is_refused(url):
    with pytest.raises(ValueError, match="expected a Redis as"):
        Live(venues=["KALSHI"], redis=url)


@pytest.mark.parametrize("url", ["redis://localhost", "redis://u:p@host:1/0", "rediss://host:6380"])
def test_an_address_of_a_redis_is_taken(url):
    assert Live(venues=["KALSHI"], redis=url).redis == url
