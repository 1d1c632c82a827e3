"""A process that trades at Kalshi and is to be killed."""

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.factories import execution
from campaigns import victim
from campaigns.kalshi.desk import known_of
from campaigns.kalshi.world import SERIES, SHARDS
from campaigns.knowing import complaints
from campaigns.records import Known
from campaigns.victim import Orders
from system.node import BookNode

_ALL: Final[list[KalshiExecutionClient]] = []


def write_book(folder: Path, seed: int) -> Path:
    """Write the book that all lives of a chain run; return it."""
    names = [f"kalshi:{name}-*" for name in SERIES]
    rule = '{ rule = "risk.rules.exposure:MaxDeployed", config = { limit = 1000000 } }'
    file = folder / "book.toml"
    file.write_text(f"""name = "victim"
instruments = {names}
risk = [{rule}]
[[strategies]]
strategy = "campaigns.actor:Actor"
id = "actor-001"
config = {{ series = {names}, seed = {seed} }}
[live]
venues = ["KALSHI"]
[live.settings.KALSHI]
funded_shards = {list(SHARDS)}
reconcile_secs = 1.0
request_timeout_secs = 4.0
""")
    return file


def live(pipe: Connection, orders: Orders) -> None:
    """Run until killed."""
    execution.KalshiExecutionClient = _Kept  # type: ignore[misc]  # so that its doubts can be asked
    victim.live(pipe, orders, _known)


class _Kept(KalshiExecutionClient):
    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        _ALL.append(self)


def _known(node: BookNode) -> Known | None:
    if not _ALL:
        return None
    crew = node.crew
    return known_of(node._cache, crew.ledger, _ALL[0].doubts, complaints(crew.door, crew.guardian))
