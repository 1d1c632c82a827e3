"""A process that trades at Kalshi and is to be killed."""

from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

from nautilus_trader.model import InstrumentId

from adapters.kalshi.data.watch import Pace
from campaigns import knowing, victim
from campaigns.kalshi.desk import Parts, in_place
from campaigns.kalshi.world import MARKETS, SERIES, SHARDS, VENUE
from campaigns.records import Known
from campaigns.victim import Orders
from markets.instruments import outcome_id
from risk.ledger import Ledger
from system.node import BookNode


def write_book(folder: Path, seed: int, patience_secs: float = 4.0) -> Path:
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
venues = ["{VENUE}"]
[live.settings.{VENUE}]
funded_shards = {list(SHARDS)}
request_timeout_secs = {patience_secs}
reconcile_secs = 1.0
reconnect_first_secs = 0.05
reconnect_most_secs = 1.0
heartbeat_secs = 0.5
silence_secs = 1.5
""")
    return file


def live(pipe: Connection, orders: Orders) -> None:
    """Run until killed."""
    parts = Parts()

    def tell(node: BookNode) -> Known | None:
        return known_of(node, parts.clients[-1].doubts) if parts.clients else None

    with in_place(parts, Pace()):
        victim.live(pipe, orders, tell)


def known_of(node: BookNode, doubts: tuple[str, ...]) -> Known:
    """Return what engine, ledger and client say; in doubt is what the client doubts."""
    return knowing.known_of(node, VENUE, market_of, doubts, pairs_usd=_pairs(node.crew.ledger))


def _pairs(ledger: Ledger) -> Decimal:
    """Return what both sides of a market are worth where they are held at once: the venue has paid it out."""
    pairs = Decimal(0)
    for ticker, _, _ in MARKETS:
        pairs += min(ledger.quantity(None, str(outcome_id(ticker, VENUE, leg))) for leg in ("YES", "NO"))
    return pairs


def market_of(instrument_id: InstrumentId) -> tuple[str, int]:
    """Return the market of an outcome, and 1 for its YES, -1 for its NO."""
    market, _, leg = instrument_id.symbol.value.rpartition("-")
    return market, 1 if leg == "YES" else -1
