"""What a node tells a real Redis, and that it needs none."""

import asyncio
import json
import signal

from node_stage import coin, events_of, node_process, standing, until, write_book
from redis import Redis

RUN = "20261126T120000-sandbox-abcdef"


async def _play(tmp_path, url, is_done):
    folder = tmp_path / "runs" / "staged" / RUN
    book = write_book(tmp_path, coin(1), live=f'venues = ["KALSHI"]\nredis = "{url}"')
    options = ("--mode", "sandbox", "--run-id", RUN, "--out", str(tmp_path / "runs"), "--quiet")
    async with standing() as (_, environ), node_process(book, environ, *options) as process:
        output = asyncio.create_task(process.stdout.read())
        await until(lambda: process.returncode is not None or is_done(events_of(folder)))
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
        return code, (await output).decode()


def has_traded(log):
    return any(one["event"] == "OrderFilled" for one in log)


def test_orders_positions_and_a_heartbeat_are_told_in_json_and_market_data_are_not(tmp_path, redis_url):
    code, text = asyncio.run(_play(tmp_path, redis_url, has_traded))
    assert code == 0, text
    client = Redis.from_url(redis_url, decode_responses=True)
    streams = [key.partition(":stream:")[2] for key in client.scan_iter("trader-staged-SANDBOX:stream:*")]
    kinds = {name.rpartition(".")[0] or name for name in streams}
    assert {"events.order", "events.position", "health:heartbeat"} <= kinds
    assert not [name for name in streams if name.startswith("data.book") or name.startswith("data.quotes")]
    (orders,) = (name for name in streams if name.startswith("events.order."))
    entries = client.xrange(f"trader-staged-SANDBOX:stream:{orders}")
    client.close()
    told = [json.loads(fields["payload"]) for _, fields in entries]
    assert [kind for one in told[:2] for kind in one] == ["Initialized", "Submitted"]
    assert {event["strategy_id"] for one in told for event in one.values()} == {"coin-1"}


def test_a_node_trades_without_the_redis_that_its_book_names(tmp_path):
    code, text = asyncio.run(_play(tmp_path, "redis://127.0.0.1:1", has_traded))
    assert code == 0, text
