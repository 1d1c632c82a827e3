"""The kill campaign: a small one loses nothing, and a node that does not ask what happened meanwhile is found out."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from campaigns.kills import run_kills
from campaigns.nursery import make_context
from campaigns.venues import campaigns_of


@pytest.mark.parametrize(("venue", "fills"), [("kalshi", 10), ("polymarket", 5)])
def test_twenty_kills_duplicate_no_order_and_lose_no_fill(venue, fills):
    broken = []
    found = asyncio.run(
        run_kills(
            venue, 20, first=1, workers=4, per_chain=5, on_chain=lambda chain: broken.extend(chain.laws)
        )
    )
    assert broken == []
    assert (found.kills, found.duplicate_orders, found.lost_fills) == (20, 0, 0)
    assert found.newborn > 0
    assert found.fills > fills


def test_a_node_that_does_not_ask_what_happened_while_it_was_dead_is_found_out(monkeypatch):
    monkeypatch.setattr("campaigns.chain._READY_SECS", 40.0)  # books that differ are waited for as long

    async def main():
        run, context = campaigns_of("kalshi").run_kills, make_context()
        with tempfile.TemporaryDirectory() as folder:
            folders = [Path(folder, str(seed)) for seed in range(1, 5)]
            for one in folders:
                one.mkdir()
            chains = [
                run(seed, 12, one, context, is_forgetful=True) for seed, one in enumerate(folders, start=1)
            ]
            return await asyncio.gather(*chains)

    laws = [law.partition(":")[0] for chain in asyncio.run(main()) for law in chain.laws]
    assert "money" in laws
    assert "position" in laws
