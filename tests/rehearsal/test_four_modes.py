"""One book in all four modes: the journal says by hash that book and classes were the same files."""

import asyncio
import subprocess
import sys
from hashlib import sha256

from node_stage import HOUSE, coin, kept, node_process, standing, write_book

from storage.journal.records import Run

SYNTHETIC = "synthetic = { markets = 1, events_per_second = 0.2 }"


def replay(book, folder):
    words = ("--out", str(folder / "runs"), "--no-html", "--quiet")
    subprocess.run([sys.executable, "run_backtest.py", str(book), *words], cwd=HOUSE, check=True)


async def run_live(book, folder, environ, mode):
    options = ("--mode", mode, "--out", str(folder / "runs"), "--duration", "1", "--quiet")
    async with node_process(book, environ, *options) as process:
        output = await process.stdout.read()
        assert await process.wait() == 0, output.decode()


def test_the_same_book_and_strategy_files_run_in_all_four_modes(tmp_path):
    async def scene():
        async with standing(window_secs=30) as (double, environ):
            double.control.fund("alice", "1000", exchange_index=2)
            keys = {name: environ[name] for name in ("KALSHI_API_KEY", "KALSHI_PRIVATE_KEY")}
            where = {
                "rest_url": environ["ARGONAUT_KALSHI_REST_URL"],
                "socket_url": environ["ARGONAUT_KALSHI_SOCKET_URL"],
            }
            settings = "\n".join(f'{name} = "{address}"' for name, address in where.items())
            live = (
                f'venues = ["KALSHI"]\nmode = "live"\n[live.settings.KALSHI]\nfunded_shards = [2]\n{settings}'
            )
            book = write_book(tmp_path, coin(1), live=live)
            catalog = f'catalog = "{tmp_path / "catalog"}"\n{SYNTHETIC}'
            book.write_text(book.read_text().replace("[backtest]\n", f"[backtest]\n{catalog}\n"))
            replay(book, tmp_path)
            await run_live(book, tmp_path, environ, "sandbox")
            await run_live(book, tmp_path, environ, "rehearsal")
            await run_live(book, tmp_path, keys | {"ARGONAUT_LIVE": "staged-LIVE"}, "live")
            return book

    book = asyncio.run(scene())
    runs = kept(tmp_path, Run)
    assert [one.mode for one in runs] == ["backtest", "sandbox", "rehearsal", "live"]
    assert [one.trader.rpartition("-")[2] for one in runs] == ["001", "SANDBOX", "REHEARSAL", "LIVE"]
    strategy = HOUSE / "strategies" / "coin_flip.py"
    rule = HOUSE / "risk" / "rules" / "exposure.py"
    files = {"book": book, "strategies.coin_flip:CoinFlip": strategy, "risk.rules.exposure:MaxDeployed": rule}
    expected = {name: sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    assert [one.hashes for one in runs] == [expected] * 4
