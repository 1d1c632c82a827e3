"""Could we trade at a venue now? What was looked at, what was found, and how to mend what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from msgspec import MsgspecError

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CancelOrder
from adapters.kalshi.messages.reference import ExchangeStatus
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from adapters.kalshi.providers.terms import terms_of_listing
from adapters.kalshi.signing import (
    KEY_ID_NAME,
    PRIVATE_KEY_FILE_NAME,
    BadCredentials,
    Credentials,
)
from adapters.kalshi.websocket.client import Gap, KalshiSocket, Listener
from network.errors import NetworkError, Refusal
from network.outcomes import Refused
from network.tasks import Tasks
from system.book import Raw
from system.kalshi_settings import read_settings

type State = Literal["ok", "warning", "failed"]

_SECOND_NS: Final = 1_000_000_000
_SOCKET_SECS: Final = 5.0
_MOST_LAG_SECS: Final = 10.0
_UNAUTHORISED: Final = (401, 403)
_KEY_ADVICE: Final = f"set {KEY_ID_NAME} and {PRIVATE_KEY_FILE_NAME} (a PEM file without a password)"
_NO_ORDER: Final = "00000000-0000-0000-0000-000000000000"
_NO_MARKET: Final = "KXNONE-NONE"
_REFUSED_ADVICE: Final = (
    "make a key with the scopes read and write::trade in this environment, and set the clock"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` says what to do about it. Never holds a secret."""

    about: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings about one venue; it is ready when none has failed."""

    venue: str
    environment: str
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Whether we could trade."""
        return all(one.state != "failed" for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON."""
        return asdict(self) | {"is_ready": self.is_ready}


@dataclass(frozen=True, slots=True)
class Look:
    """What a book wants of a venue: whether it trades there, and which series."""

    trades: bool
    series: tuple[str, ...]
    now_ns: Callable[[], int]


async def examine_kalshi(
    config: KalshiExecutionConfig,
    environ: Mapping[str, str],
    *,
    now_ns: Callable[[], int],
    monotonic: Callable[[], float],
    trades: bool = True,
    series: Sequence[str] = (),
) -> Diagnosis:
    """Return what keeps us from trading at Kalshi; nothing changes there.

    Key and its scope, exchange and shards, clock, rate limits, cash per shard, age of what REST tells of us, fees
    of `series`, and the socket. Without a key only what is public is looked at. What `trades` not needs no cash.
    """
    key, credentials = _look_at_key(environ)
    findings = [key]
    async with KalshiHttp(config, credentials, now_ns=now_ns, monotonic=monotonic) as http:
        examination = _Examination(http, config, now_ns)
        findings += await _asked("exchange", examination.exchange())
        for one in series:
            findings += await _asked(f"fees of {one}", examination.fees(one))
        if credentials is not None:
            findings += await _asked("scope", examination.scope(trades=trades))
            findings += await _asked("rate limits", examination.limits())
            if trades:
                findings += await _asked("cash", examination.cash())
            findings += await _asked("age of our data", examination.lag())
            findings.append(await _look_at_socket(config, credentials, now_ns))
        findings.insert(1, examination.clock())
    return Diagnosis("kalshi", config.environment, tuple(findings))


async def examine_for_book(
    settings: Raw, look: Look, environ: Mapping[str, str], *, monotonic: Callable[[], float]
) -> Diagnosis:
    """Return what keeps a book from running at Kalshi with its settings."""
    config = read_settings(settings, KalshiExecutionConfig)
    return await examine_kalshi(
        config, environ, now_ns=look.now_ns, monotonic=monotonic, trades=look.trades, series=look.series
    )


class _Examination:
    def __init__(self, http: KalshiHttp, config: KalshiExecutionConfig, now_ns: Callable[[], int]) -> None:
        self._http = http
        self._config = config
        self._now_ns = now_ns

    def clock(self) -> Finding:
        skew_ns = self._http.session.clock_skew_ns
        if skew_ns is None:
            return Finding("clock", "warning", "the venue stated no time", "ask again")
        skew_secs, most = skew_ns / _SECOND_NS, self._config.most_clock_skew_secs
        doubt_secs = (self._http.session.skew.uncertainty_ns or 0) / _SECOND_NS
        text = f"the venue is {skew_secs:+.2f} s from us, give or take {doubt_secs:.2f} s; {most:g} s are allowed"
        if abs(skew_secs) - doubt_secs > most:
            return Finding(
                "clock", "failed", text, "set this machine's clock by NTP: stale signatures are refused"
            )
        return Finding("clock", "ok", text)

    async def exchange(self) -> list[Finding]:
        status = await self._http.get_exchange_status()
        is_open = status.exchange_active and status.trading_active
        resume = status.exchange_estimated_resume_time or "nobody said when"
        exchange = Finding(
            "exchange",
            "ok" if is_open else "failed",
            "open"
            if is_open
            else f"exchange {_yes(status.exchange_active)}, trading {_yes(status.trading_active)}",
            ""
            if is_open
            else f"wait; it comes back: {resume}. Thursdays 03:00-05:00 New York time are a planned pause",
        )
        return [exchange, *self._shards(status)]

    async def scope(self, *, trades: bool) -> list[Finding]:
        """Ask to cancel an order that does not exist: the answer tells whether we may write."""
        answer = await self._http.cancel_order(CancelOrder(order_id=_NO_ORDER, market_ticker=_NO_MARKET))
        if not isinstance(answer, Refused):
            found = f"expected no for an order that does not exist, found {answer}"
            return [Finding("scope", "warning", found, "ask again")]
        if answer.status in _UNAUTHORISED:
            if trades:
                return [
                    Finding("scope", "failed", f"the key may not trade: {answer.reason}", _REFUSED_ADVICE)
                ]
            return [Finding("scope", "ok", "the key may read and not trade")]
        if trades:
            return [Finding("scope", "ok", "the key may trade")]
        advice = "make a key with the scope read alone: nothing more is needed here"
        return [Finding("scope", "warning", "the key could place orders", advice)]

    async def fees(self, series: str) -> list[Finding]:
        """See whether what the next event of a series costs is understood."""
        catalogue = KalshiCatalogue(self._http, self._now_ns)
        rows = await catalogue.find_open(series)
        if not rows:
            advice = "see `argonaut markets kalshi` for what trades"
            return [Finding(f"fees of {series}", "warning", "no market trades, and none will", advice)]
        for listing in await catalogue.list_event(rows[0].event_ticker):
            terms = terms_of_listing(listing, self._now_ns())  # ValueError for fees that nobody understands
        rates = [one["taker_rate"] for one in terms.fees if one["since_ns"] <= self._now_ns()]
        return [Finding(f"fees of {series}", "ok", f"taker {rates[-1]}, {len(rows)} markets trade or will")]

    async def limits(self) -> list[Finding]:
        limits = await self._http.get_account_limits()
        read, write = limits.read, limits.write
        text = (
            f"tier {limits.usage_tier}: read {read.refill_rate}/s up to {read.bucket_capacity}, "
            f"write {write.refill_rate}/s up to {write.bucket_capacity} tokens"
        )
        return [Finding("rate limits", "ok", text)]

    async def cash(self) -> list[Finding]:
        balance = await self._http.get_balance()
        held = {part.exchange_index: part.balance for part in balance.balance_breakdown}
        findings = []
        for shard in sorted({*held, *self._config.funded_shards}):
            usd = held.get(shard)
            has_cash = usd is not None and usd > 0
            needs_cash = shard in self._config.funded_shards and not has_cash
            text = "the venue names no balance" if usd is None else f"{usd} USD"
            advice = f"transfer cash to shard {shard}, or take it out of funded_shards" if needs_cash else ""
            findings.append(Finding(f"cash on shard {shard}", "failed" if needs_cash else "ok", text, advice))
        return findings

    async def lag(self) -> list[Finding]:
        as_of_ns = (await self._http.get_user_data_timestamp()).as_of_ns
        lag_secs = (self._now_ns() + (self._http.session.clock_skew_ns or 0) - as_of_ns) / _SECOND_NS
        text = f"REST tells our orders as they were {max(lag_secs, 0.0):.1f} s ago"
        if lag_secs > _MOST_LAG_SECS:
            advice = "wait: unknown orders cannot be resolved while it lags"
            return [Finding("age of our data", "warning", text, advice)]
        return [Finding("age of our data", "ok", text)]

    def _shards(self, status: ExchangeStatus) -> list[Finding]:
        findings = []
        for shard in status.exchange_index_statuses:
            is_open = shard.exchange_active and shard.trading_active
            matters = shard.exchange_index in self._config.funded_shards
            state: State = "ok" if is_open else "failed" if matters else "warning"
            text = f"{shard.description}: {'open' if is_open else 'paused'}"
            findings.append(Finding(f"shard {shard.exchange_index}", state, text, "" if is_open else "wait"))
        return findings


def _look_at_key(environ: Mapping[str, str]) -> tuple[Finding, Credentials | None]:
    try:
        credentials = Credentials.from_environment(environ)
    except BadCredentials as error:
        return Finding("key", "failed", str(error), _KEY_ADVICE), None
    kind = type(credentials.private_key).__name__.removesuffix("PrivateKey").lstrip("_")
    return Finding("key", "ok", f"found, {kind}"), credentials


async def _asked(about: str, question: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await question
    except Refusal as error:
        advice = _REFUSED_ADVICE if error.status in _UNAUTHORISED else "see the venue's words"
        return [Finding(about, "failed", str(error), advice)]
    except (NetworkError, MsgspecError, ValueError) as error:
        return [Finding(about, "failed", str(error), "check the address and the network, then ask again")]


async def _look_at_socket(
    config: KalshiExecutionConfig, credentials: Credentials, now_ns: Callable[[], int]
) -> Finding:
    ended: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()

    def end(state: State, found: str, mend: str = "") -> None:
        if not ended.done():
            ended.set_result(Finding("socket", state, found, mend))

    def gap(one: Gap) -> None:
        end("warning", one.reason)

    listener = Listener(
        on_message=lambda *_: None,
        on_gap=gap,
        on_live=lambda *_: end("ok", "signed in and subscribed"),
        on_down=lambda _, reason: end("failed", reason, _REFUSED_ADVICE),
    )
    socket = KalshiSocket(config, credentials, listener, now_ns=now_ns)
    socket.subscribe("market_lifecycle_v2")
    async with Tasks(lambda _, error: end("failed", repr(error))) as tasks:
        tasks.start("socket", socket.run())
        try:
            async with asyncio.timeout(_SOCKET_SECS):
                return await ended
        except TimeoutError:
            return Finding("socket", "failed", f"no answer in {_SOCKET_SECS:g} s", "check the network")


def _yes(is_so: bool) -> str:
    return "open" if is_so else "closed"
