"""Our side of a Kalshi campaign: a live node with both clients, an actor behind door and guardian, a ledger."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeConfig,
    LiveRiskEngineConfig,
    SubmissionRecoveryPolicy,
)
from nautilus_trader.live.clients import ExecutionClientFactory
from nautilus_trader.model import InstrumentId, OrderStatus, StrategyId, TraderId

from adapters.kalshi.config import KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.execution.client import KalshiClientConfig, KalshiExecutionClient
from adapters.kalshi.factories.data import KalshiDataClientConfig
from adapters.kalshi.factories.execution import KalshiTradingDataClientFactory
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from adapters.kalshi.websocket.client import KalshiSocket, Listener
from campaigns.actor import Actor, ActorConfig
from campaigns.kalshi.world import CASH_USD, MARKETS, SERIES, SHARDS, VENUE, wall_ns
from campaigns.knowing import booked_of, complaints, held_of, known_order
from campaigns.records import Known
from engine import Door, Seat, Usd
from markets.instruments import outcome_id
from markets.names import Series
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerMarket

type Wrap = Callable[[Listener], Listener]

PATIENCE_SECS = 1.2
_STRATEGY = StrategyId("actor-001")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a campaign may put in place of the adapter's own parts."""

    client: type[KalshiExecutionClient] = KalshiExecutionClient
    http: type[KalshiHttp] = KalshiHttp
    wrap: Wrap = field(default=lambda listener: listener)


class Desk:
    """One node, built and not yet run, against the double at `rest` and `socket`.

    `environ` holds our credentials. `on_intent` hears the id of each new order before it leaves.
    """

    def __init__(
        self,
        addresses: tuple[str, str],
        environ: Mapping[str, str],
        seed: int,
        *,
        parts: Parts | None = None,
        on_intent: Callable[[str], None] | None = None,
    ) -> None:
        self.differences: list[str] = []
        self.intents: list[str] = []
        self.clients: list[KalshiExecutionClient] = []
        self.ledger = Ledger()
        self.ledger.deposit(VENUE, Decimal(CASH_USD * len(SHARDS)), wall_ns(), "starting balance")
        self._on_intent = on_intent
        limit = Usd(1_000_000)
        rules = [MaxDeployed(limit=limit), MaxStakePerMarket(limit=limit)]
        self.guardian = Guardian(rules, self.ledger, self._hear_verdict, exclusive=True)
        self.door = Door(self.guardian)
        self.node = self._build(addresses, environ, parts or Parts())
        claims = tuple(outcome_id(ticker, VENUE, leg) for ticker, _, _ in MARKETS for leg in ("YES", "NO"))
        config = ActorConfig(series=tuple(Series(f"kalshi:{name}-*") for name in SERIES), seed=seed)
        self.actor = Actor(config, Seat(_STRATEGY, self.door, claims))
        self.node.add_exec_algorithm(self.door)
        self.node.add_strategy(self.actor)
        self.cache = self.node.cache

    @property
    def client(self) -> KalshiExecutionClient:
        """The execution client."""
        return self.clients[0]

    def known(self) -> Known:
        """Return what engine and ledger say now."""
        broken = complaints(self.door, self.guardian)
        broken += [f"the ledger was told twice of {trade}" for trade in self.ledger.duplicates]
        return known_of(self.cache, self.ledger, self.client.doubts, broken)

    def let_go(self) -> None:
        """Dispose of the node: a thread can have one, and has it for as long as anybody holds it."""
        self.node.dispose()
        del self.node, self.cache

    def _hear_verdict(self, order: Any, _proposal: Any, refusal: Any) -> None:
        if refusal is None and order.status == OrderStatus.INITIALIZED:
            self.intents.append(order.client_order_id.value)
            if self._on_intent is not None:
                self._on_intent(order.client_order_id.value)

    def _build(self, addresses: tuple[str, str], environ: Mapping[str, str], parts: Parts) -> LiveNode:
        os.environ.update(environ)  # where the factories look
        credentials = Credentials.from_environment(environ)
        common: dict[str, Any] = {
            "rest_url": addresses[0],
            "socket_url": addresses[1],
            "request_timeout_secs": PATIENCE_SECS,
            "reconnect_first_secs": 0.05,
            "reconnect_most_secs": 1.0,
            "heartbeat_secs": 0.5,
            "silence_secs": 1.5,
        }
        trading = KalshiExecutionConfig(**common, funded_shards=SHARDS, reconcile_secs=1.0)
        pace = Pace(discovery_secs=1.0, settlement_secs=0.5, stale_list_secs=0.0, clock_secs=0.2)
        watching = KalshiDataClientConfig(settings=KalshiDataConfig(**common), series=SERIES, pace=pace)
        return LiveNode.build(
            "campaign",
            LiveNodeConfig(
                environment=Environment.LIVE,
                trader_id=TraderId("LAB-001"),
                logging=LoggerConfig(stdout_level=LogLevel.OFF),
                exec_engine=_engine_config(),
                risk_engine=LiveRiskEngineConfig(max_order_submit_rate="1000/00:00:01"),
                data_clients={VENUE: watching},
                exec_clients={VENUE: KalshiClientConfig(trading)},
                timeout_disconnection_secs=2,
                delay_post_stop_secs=0,
            ),
            data_factories={VENUE: KalshiTradingDataClientFactory},
            exec_factories={VENUE: self._factory(credentials, parts)},
        )

    def _factory(self, credentials: Credentials, parts: Parts) -> type[ExecutionClientFactory]:
        desk = self

        class Clients(ExecutionClientFactory):
            @staticmethod
            def create(
                *, name: str, config: Any, cache: Any, clock: Any, trader_id: Any
            ) -> KalshiExecutionClient:
                settings, now_ns = config.settings, clock.timestamp_ns
                client = parts.client(
                    name=name,
                    config=config,
                    cache=cache,
                    clock=clock,
                    trader_id=trader_id,
                    http=parts.http(settings, credentials, now_ns=now_ns, monotonic=time.monotonic),
                    socket_factory=lambda listener: KalshiSocket(
                        settings, credentials, parts.wrap(listener), now_ns=now_ns
                    ),
                    on_difference=desk.differences.append,
                )
                desk.clients.append(client)
                return client

        return Clients


def _engine_config() -> LiveExecutionEngineConfig:
    return LiveExecutionEngineConfig(
        reconciliation=True,
        reconciliation_startup_delay_secs=0.05,
        open_check_interval_secs=1.0,
        open_check_open_only=False,
        submission_recovery_policy=SubmissionRecoveryPolicy.RETAIN_UNRESOLVED,
        inflight_check_retries=4_000_000_000,
        inflight_check_interval_ms=500,
        inflight_check_threshold_ms=500,
    )


def known_of(cache: Any, ledger: Ledger, unresolved: tuple[str, ...], broken: list[str]) -> Known:
    """Return what an engine and a ledger say of Kalshi."""
    return Known(
        orders=tuple(map(known_order, cache.orders())),
        held=held_of(cache, market_of),
        booked=booked_of(ledger, market_of),
        cash_usd=ledger.cash_usd(VENUE) + ledger.pending_usd(VENUE),
        pairs_usd=_pairs(ledger),
        unresolved=unresolved,
        broken=tuple(broken),
    )


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
