"""A whole book in a sandbox at Polymarket: our node, our guard and our ledger on live books, with no key and no order."""

import asyncio
import signal

from fake_venue import FakeVenue
from node_scene import Scene, now_ns
from node_stage import events_of, node_process, until
from typer.testing import CliRunner

from storage.coverage import coverage
from system.cli import app
from system.importing import import_kalshi

RUN = "20261126T120000-sandbox-abcdef"
BOOK = """name = "staged"
instruments = ["polymarket:btc-updown-5m-*"]
risk = [{ rule = "risk.rules.exposure:MaxDeployed", config = { limit = 500 } }]

[[strategies]]
strategy = "strategies.coin_flip:CoinFlip"
id = "coin-1"
config = { series = "polymarket:btc-updown-5m-*", seed = 1, wait_secs = 0.2 }

[[strategies]]
strategy = "strategies.coin_flip:CoinFlip"
id = "coin-2"
config = { series = "polymarket:btc-updown-5m-*", seed = 2, wait_secs = 0.2 }

[simulation]
latency_ms = 5

[live]
venues = ["POLYMARKET"]
starting_usd = { POLYMARKET = 1000 }
settings = { POLYMARKET = { proof_every_secs = 0 } }
"""


def addresses(base):
    return {
        "ARGONAUT_POLYMARKET_REST_URL": f"{base}/clob",
        "ARGONAUT_POLYMARKET_GAMMA_URL": f"{base}/gamma",
        "ARGONAUT_POLYMARKET_DATA_URL": f"{base}/data",
        "ARGONAUT_POLYMARKET_SOCKET_URL": base.replace("http", "ws"),
    }


async def trade_and_settle(scene, folder, process):
    sizes = iter(range(100, 100_000))
    while not any(one["event"] == "OrderFilled" for one in events_of(folder)):
        assert process.returncode is None
        await scene.change(("BUY", "0.39", str(next(sizes))))
        await asyncio.sleep(0.05)
    row = scene.venue.rows["0xa"]
    row |= {"closed": True, "acceptingOrders": False, "outcomePrices": '["1", "0"]'}
    said = {"event_type": "market_resolved", "id": "1", "market": "0xa", "assets_ids": ["11", "12"]}
    said |= {"winning_asset_id": "11", "winning_outcome": "Up", "timestamp": str(now_ns() // 10**6)}
    await scene.venue.push(said)
    await until(lambda: any("EXPIRATION" in str(one.get("client_order_id")) for one in events_of(folder)))


def must_be_recorded(tmp_path):
    """The process beside the node has told the recording; who imports it later tells the same."""
    (market,) = coverage(tmp_path / "recorded" / RUN / "catalog").markets
    assert (market.market, market.is_resolved) == ("0xa.POLYMARKET", True)
    found = import_kalshi([tmp_path / "recorded" / RUN / "raw"], tmp_path / "again", strict=True)
    assert not found.problems
    (again,) = coverage(tmp_path / "again").markets
    assert again.rows == market.rows


def test_a_book_trades_at_polymarket_in_a_sandbox_and_its_books_add_up(tmp_path):
    async def run():
        venue = FakeVenue()
        book, folder = tmp_path / "book.toml", tmp_path / "runs" / "staged" / RUN
        book.write_text(BOOK)
        options = ("--mode", "sandbox", "--run-id", RUN, "--out", str(tmp_path / "runs"))
        options += ("--record", str(tmp_path / "recorded"))
        async with venue.running() as base:
            scene = Scene(base, venue)
            async with node_process(book, addresses(base), *options) as process:
                output = asyncio.create_task(process.stdout.read())
                await trade_and_settle(scene, folder, process)
                process.send_signal(signal.SIGTERM)
                code = await process.wait()
                text = (await output).decode()
        assert code == 0, text
        fills = [one for one in events_of(folder) if one["event"] == "OrderFilled"]
        bought = [one for one in fills if "EXPIRATION" not in str(one["client_order_id"])]
        assert all(one["commission"].endswith("pUSD") for one in bought)
        price, size = float(bought[0]["last_px"]), float(bought[0]["last_qty"])
        fee = float(bought[0]["commission"].split()[0])
        assert abs(fee - round(size * 0.07 * price * (1 - price), 5)) < 1e-9
        assert (folder / "report.json").exists()
        must_be_recorded(tmp_path)

    asyncio.run(asyncio.wait_for(run(), 500))
    parity = CliRunner().invoke(app, ["parity", str(tmp_path / "runs" / "staged" / RUN)])
    assert parity.exit_code == 0, parity.output
    assert "Every fill is the same on both sides." in parity.output
