"""Requests over HTTP: reads that are tried again, writes that are sent once and end in an outcome."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass, field
from email.utils import parsedate_to_datetime
from random import SystemRandom
from typing import Any, Self, override

import aiohttp
import msgspec
from yarl import URL

from network.addresses import checked_url
from network.backoff import RetryPolicy
from network.buckets import Buckets
from network.errors import BadReply, NetworkError, Refusal, Throttled, Unreachable
from network.outcomes import NOT_SENT, Cause, Done, Outcome, Refused, Unknown
from network.replies import Reply
from network.skew import ClockSkew

# From method, path (all that follows the host, without the query), our time in ns and the bytes of the body to headers.
type Sign = Callable[[str, str, int, bytes], Mapping[str, str]]

REFUSED_STATUSES = frozenset({400, 401, 403, 404, 409})
_SECOND_NS = 1_000_000_000
_MOST_URLS = 1_000
_NOT_US = 401
_CLOCK_FAULT_NS = _SECOND_NS  # a clock that is off by less is not why a server would refuse us


@dataclass(slots=True)
class Counters:
    """What one budget group has seen since the start."""

    requests: int = 0
    retries: int = 0
    unknowns: int = 0


@dataclass(slots=True)
class _Request:
    method: str
    url: URL
    payload: bytes | None = field(default=None, repr=False)
    is_public: bool = False
    may_have_left: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.url.path}"


@dataclass(frozen=True, slots=True)
class _Failure:
    cause: Cause
    reason: str

    def fault(self) -> NetworkError:
        return Unreachable(self.reason)


@dataclass(repr=False, eq=False)
class HttpSession:
    """One server, asked within its budgets.

    `base_url` may have a path; it must be https, or http to loopback, or http anywhere with
    `allow_plain`. `now_ns` is the wall clock, `timeout_secs` spans one attempt from connecting to the
    last byte. `sign` is called for every attempt, and what it returns is shown nowhere. Ordinary writes
    leave `reserve_share` of their group's capacity to urgent ones.

    A 401 by a server whose clock turns out to be another is our clock's fault: the request was not applied,
    so it is signed once more by the server's time, and so is every later one. The time is that of its Date headers; where
    `clock_path` names a public path that answers with it, in whole seconds, it is asked for there, and no other counts.
    """

    base_url: str
    _: KW_ONLY
    buckets: Buckets
    now_ns: Callable[[], int]
    sign: Sign | None = None
    timeout_secs: float = 10.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    reserve_share: float = 0.2
    allow_plain: bool = False
    clock_path: str | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = field(default_factory=lambda: SystemRandom().random)
    counters: dict[str, Counters] = field(default_factory=lambda: defaultdict(Counters), init=False)
    last_error: str | None = field(default=None, init=False)
    skew: ClockSkew = field(default_factory=ClockSkew, init=False)

    def __post_init__(self) -> None:
        self._base = checked_url(self.base_url.rstrip("/"), ("http", "https"), allow_plain=self.allow_plain)
        self._aiohttp: aiohttp.ClientSession | None = None
        self._signed_ahead_ns = 0
        self._plain_urls: dict[
            str, URL
        ] = {}  # making one takes 20 us, and orders go to the same again and again

    @override
    def __repr__(self) -> str:
        return f"HttpSession({self._base}, last_error={self.last_error!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        if self._aiohttp is not None:
            await self._aiohttp.close()
            self._aiohttp = None

    @property
    def clock_skew_ns(self) -> int | None:
        """Return how far the server's clock is ahead of ours, or None while unknown."""
        return self.skew.skew_ns

    @property
    def signed_ahead_ns(self) -> int:
        """Return how far ahead of our clock we sign, since a server told us that ours is wrong; 0 by default."""
        return self._signed_ahead_ns

    def note_server_time(self, server_ns: int, precision_ns: int, reply: Reply) -> None:
        """Learn the skew from a time that a reply states in its body, cut to `precision_ns`."""
        self.skew.note(server_ns, precision_ns, reply.sent_ns, reply.received_ns)

    async def read(
        self,
        path: str,
        *,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        group: str = "read",
        cost: float = 1.0,
    ) -> Reply:
        """Return the answer to a GET, tried anew, signed anew and paid anew up to the policy.

        Raises Unreachable, ServerError or Throttled when the tries are spent, also when the server asks
        for a longer pause than our longest; Refusal at once. Cancelling it cancels it.
        """
        tries = 0
        while True:
            await self.buckets.wait(group, cost)
            answer = await self._attempt(_Request("GET", self._url(path, params)), group)
            if isinstance(answer, Reply) and answer.is_done:
                return answer
            error = answer.fault()
            self.last_error = str(error)
            pause_secs = self._pause_secs(error, tries)
            if pause_secs is None:
                raise error
            tries += 1
            self.counters[group].retries += 1
            await self.sleep(pause_secs)

    async def write[T](  # noqa: PLR0913  each argument is one fact of the endpoint, named where it is called
        self,
        method: str,
        path: str,
        *,
        into: type[T],
        body: object | None = None,
        body_bytes: bytes | None = None,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        group: str = "write",
        cost: float = 1.0,
        urgent: bool = False,
        refused_statuses: frozenset[int] = REFUSED_STATUSES,
        not_applied_statuses: frozenset[int] = frozenset(),
    ) -> Outcome[T]:
        """Return how one request ended; it is sent at most once, whatever happens.

        `body` is encoded as JSON; `body_bytes` go as they are, so that the same bytes can go again when
        the caller so decides. `into` is the type of a good answer (`NoneType` for any). A failure is
        always unknown, unless the venue states that it did not apply it (`not_applied_statuses`) or no
        byte left (`NOT_SENT`).

        A cancelled task gets its outcome too, as the order must not be lost: the caller books it and
        then ends; `asyncio.current_task().cancelling()` tells. Raises ValueError for a cost that can
        never be paid and for an unknown group, before anything is sent.
        """
        payload = body_bytes if body is None else msgspec.json.encode(body)
        request = _Request(method, self._url(path, params), payload)
        try:
            await self.buckets.wait(group, cost, reserve_share=self.reserve_share, urgent=urgent)
            answer = await self._attempt(request, group)
        except asyncio.CancelledError:
            answer = _Failure("cancelled", f"{request.endpoint}: our task was cancelled")
        outcome = _judge(request, answer, into, refused_statuses | not_applied_statuses)
        if isinstance(outcome, Refused):
            self.last_error = f"{request.endpoint}: {outcome.status} {outcome.code} {outcome.reason}"
        if isinstance(outcome, Unknown):
            self.last_error = outcome.reason
            self.counters[group].unknowns += 1
        return outcome

    def _url(self, path: str, params: Mapping[str, str | int | Sequence[str]] | None) -> URL:
        if not path.startswith("/"):
            raise ValueError(f"expected a path that starts with /, found {path!r}")
        if params:
            return self._base.joinpath(path[1:]).with_query(params)
        if (url := self._plain_urls.get(path)) is None:
            if len(self._plain_urls) == _MOST_URLS:
                self._plain_urls.clear()
            url = self._plain_urls[path] = self._base.joinpath(path[1:])
        return url

    def _pause_secs(self, error: NetworkError, tries: int) -> float | None:
        backoff = self.retry.backoff
        wish_secs = (error.retry_after_secs or 0.0) if isinstance(error, Throttled) else 0.0
        if isinstance(error, Refusal) or tries + 1 >= self.retry.attempts or wish_secs > backoff.most_secs:
            return None
        return max(wish_secs, backoff.delay_secs(tries, self.random))

    async def _attempt(self, request: _Request, group: str) -> Reply | _Failure:
        # Remembered here, as another request may learn the server's time while this one is on its way.
        signed_ahead_ns = self._signed_ahead_ns
        answer = await self._send(request, group)
        if self.sign is None or not isinstance(answer, Reply) or answer.status != _NOT_US:
            return answer
        if self.clock_path is not None:
            await self._ask_for_the_time(self.clock_path, group)
        if self._is_off(signed_ahead_ns):
            self._signed_ahead_ns = self.skew.skew_ns or 0
            answer = await self._send(request, group)
        return answer

    async def _ask_for_the_time(self, path: str, group: str) -> None:
        await self.buckets.wait(group, 1.0, urgent=True)
        answer = await self._send(_Request("GET", self._url(path, None), is_public=True), group)
        if isinstance(answer, Reply) and answer.is_done:
            try:
                server_secs = answer.decode(int)
            except BadReply as error:
                self.last_error = str(error)
                return
            self.note_server_time(server_secs * _SECOND_NS, _SECOND_NS, answer)

    def _is_off(self, signed_ahead_ns: int) -> bool:
        ahead_ns = self.skew.skew_ns
        if ahead_ns is None:
            return False
        return abs(ahead_ns - signed_ahead_ns) > _CLOCK_FAULT_NS + (self.skew.uncertainty_ns or 0)

    async def _send(self, request: _Request, group: str) -> Reply | _Failure:
        self.counters[group].requests += 1
        sent_ns = self.now_ns()
        headers = {} if request.payload is None else {"Content-Type": "application/json"}
        if self.sign is not None and not request.is_public:
            signed_ns, body = sent_ns + self._signed_ahead_ns, request.payload or b""
            headers |= self.sign(request.method, request.url.raw_path, signed_ns, body)
        # Errors become values here: aiohttp's own may hold the request with its headers, which are
        # secret, and an error raised inside `except` would carry them along as its context.
        try:
            response, body = await self._exchange(request, headers)
        except TimeoutError:
            return _Failure("timeout", f"{request.endpoint}: no whole answer in {self.timeout_secs:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return _Failure("disconnect", f"{request.endpoint}: {type(error).__name__} {error}")
        reply = Reply(response.status, body, response.headers, self.now_ns(), sent_ns, request.endpoint)
        self._note_date(reply)
        return reply

    async def _exchange(
        self, request: _Request, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        if self._aiohttp is None:
            self._aiohttp = self._open()
        _LEAVING.set(request)
        async with self._aiohttp.request(
            request.method,
            request.url,
            data=request.payload,
            headers=headers,
            allow_redirects=False,  # what we sign for one host must not travel to another
        ) as response:
            return response, await response.read()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(),
            timeout=aiohttp.ClientTimeout(total=self.timeout_secs),
            headers={"Accept": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_send_once,),
        )

    def _note_date(self, reply: Reply) -> None:
        is_cached = "Age" in reply.headers  # then its date is that of an earlier answer
        if is_cached or self.clock_path is not None:
            return
        try:
            date = parsedate_to_datetime(reply.headers.get("Date", ""))
        except ValueError:
            return  # no date, or none that says anything
        self.skew.note(int(date.timestamp()) * _SECOND_NS, _SECOND_NS, reply.sent_ns, reply.received_ns)


def _judge[T](
    request: _Request, answer: Reply | _Failure, into: type[T], refused_statuses: frozenset[int]
) -> Outcome[T]:
    if isinstance(answer, _Failure):
        if not request.may_have_left:
            return Refused(0, NOT_SENT, answer.reason)
        return Unknown(answer.reason, answer.cause)
    if answer.is_done:
        return _read_done(answer, into)
    if answer.status in refused_statuses:
        return Refused(answer.status, *answer.complaint(), answer.body)
    return Unknown(str(answer.fault()), _cause_of(answer), answer.status, answer.complaint()[0])


def _cause_of(reply: Reply) -> Cause:
    if reply.is_throttled:
        return "throttled"
    return "server_error" if reply.is_failure else "unexpected_status"


def _read_done[T](reply: Reply, into: type[T]) -> Outcome[T]:
    try:
        return Done(reply.decode(into), reply.status)
    except BadReply as error:
        return Unknown(str(error), "unreadable", reply.status)


_LEAVING: ContextVar[_Request] = ContextVar("the request that is about to leave")


class _Connector(aiohttp.TCPConnector):
    """Notes of a request that it has a connection: from then on its bytes may have left.

    A trace would tell the same, but builds an object for each step of every request.
    """

    @override
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        _LEAVING.get().may_have_left = True
        return connection


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # aiohttp sends GET, PUT and DELETE again by itself when a kept connection breaks (3.14.5,
    # client.py, IDEMPOTENT_METHODS). A cancel or a change would go twice, with an old signature.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(f"connection broke: {error}") from error
