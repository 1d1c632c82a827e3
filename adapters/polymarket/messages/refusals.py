"""What an answer to a write means: whether it is a no, and why, by the texts that the venue is known to say.

A text that is not on the list proves nothing, whatever its status: the outcome is unknown, and the order is asked for
by its hash. Source: reference, sections 5.5 and 5.6 (read 2026-11-20).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.polymarket.messages.orders import CancelAnswer, OrderAnswer
from network.outcomes import Cause, Done, Outcome, Refused, Unknown
from network.session import REFUSED_STATUSES

STATED_STATUSES: Final = REFUSED_STATUSES | {425, 429, 500, 503}
"""Statuses whose body says why; which of them are a no is for `judge` to say."""

RESTARTING: Final = "restarting"
POST_ONLY_MODE: Final = "post_only_mode"
CANCEL_ONLY: Final = "cancel_only"
DISABLED: Final = "disabled"
MODES: Final = frozenset({RESTARTING, POST_ONLY_MODE, CANCEL_ONLY, DISABLED})
"""The venue takes no orders now, or not all; what it said so to is unknown until it is asked for."""

CROSSES: Final = "post_only"
KILLED: Final = "killed"
DUPLICATE: Final = "duplicate"
DELAYED: Final = "delayed"
TICK: Final = "tick"
FUNDS: Final = "funds"
VERSION: Final = "version"
REGION: Final = "region"
CLOSED_ONLY: Final = "closed_only"
BANNED: Final = "banned"
CREDENTIALS: Final = "credentials"
STALE_BEAT: Final = "stale_beat"
OF_THE_ACCOUNT: Final = frozenset({REGION, CLOSED_ONLY, BANNED, CREDENTIALS})
"""Refusals that the next order would meet too."""

_NOT_REFUSED: Final = MODES | {DUPLICATE, DELAYED}
_ACCEPTED: Final = frozenset({"live", "matched", "delayed"})
_THROTTLED_STATUS: Final = 429
_FAILED_STATUS: Final = 500
_OF_STATUS: Final = {401: CREDENTIALS, 425: RESTARTING}
_NO_STATUS: Final = 400  # a leg of a batch has none of its own
_TEXTS: Final[Sequence[tuple[str, str]]] = (
    ("post-only mode", POST_ONLY_MODE),
    ("cancel-only", CANCEL_ONLY),
    ("trading is currently disabled", DISABLED),
    ("invalid post-only order", CROSSES),
    ("crosses the book", CROSSES),
    ("breaks minimum tick size rule", TICK),
    ("lower than the minimum", "size"),
    ("min size:", "size"),
    ("not enough balance / allowance", FUNDS),
    ("invalid expiration", "expiry"),
    ("duplicated", DUPLICATE),
    ("fok orders are fully filled or killed", KILLED),
    ("fok orders are filled or killed", KILLED),
    ("no orders found to match with fak", KILLED),
    ("order match delayed", DELAYED),
    ("not yet ready to process", "not_ready"),
    ("canceled in the ctf exchange contract", "canceled_on_chain"),
    ("too many orders in payload", "batch"),
    ("owner has to be the owner of the api key", CREDENTIALS),
    ("signer address has to be the address of the api key", CREDENTIALS),
    ("unauthorized/invalid api key", CREDENTIALS),
    ("address banned", BANNED),
    ("closed only mode", CLOSED_ONLY),
    ("trading restricted in your region", REGION),
    ("order_version_mismatch", VERSION),
    ("invalid heartbeat id", STALE_BEAT),
    ("invalid order payload", "payload"),
    ("invalid nonce", "payload"),
    ("invalid signature", "payload"),
)


def kind_of(text: str, status: int = 0) -> str | None:
    """Return what a text of the venue means; None for one that is not on the list."""
    lower = text.lower()
    found = next((kind for fragment, kind in _TEXTS if fragment in lower), None)
    return found or _OF_STATUS.get(status)


def judge[T](outcome: Outcome[T]) -> Outcome[T]:
    """Return the outcome in the venue's words: a refusal only when its text is on the list, with its kind as code."""
    if not isinstance(outcome, Refused) or not outcome.was_sent:
        return outcome
    return _stated(outcome.reason, outcome.status, outcome.body)


def judge_posted(outcome: Outcome[OrderAnswer], expected_id: str) -> Outcome[OrderAnswer]:
    """Return what became of the order with this hash."""
    return judge_answer(outcome.value, expected_id) if isinstance(outcome, Done) else judge(outcome)


def judge_answer(answer: OrderAnswer, expected_id: str) -> Outcome[OrderAnswer]:
    """Return what an answer says of the order with this hash; one that names no reason and no id says nothing."""
    if answer.error_text:
        return _stated(answer.error_text, _NO_STATUS)
    is_ours = (answer.order_id or "").lower() == expected_id
    if answer.success and is_ours and answer.status in _ACCEPTED:
        return Done(answer, 200)
    found = f"success {answer.success}, id {answer.order_id or 'none'}, status {answer.status or 'none'}"
    return Unknown(f"expected an answer about {expected_id}, found {found}", "unreadable")


def judge_batch(
    whole: Outcome[tuple[OrderAnswer, ...]], expected_ids: Sequence[str]
) -> tuple[Outcome[OrderAnswer], ...]:
    """Return one outcome per order of a batch; a batch that failed as a whole is unknown for each of its orders."""
    if isinstance(whole, Done):
        answers = whole.value
        if len(answers) == len(expected_ids):
            return tuple(judge_answer(*pair) for pair in zip(answers, expected_ids, strict=True))
        by_id = {(answer.order_id or "").lower(): answer for answer in answers}
        return tuple(_of_some(by_id, expected_id) for expected_id in expected_ids)
    judged: Refused | Unknown = (
        _stated(whole.reason, whole.status, whole.body)
        if isinstance(whole, Refused) and whole.was_sent
        else whole
    )
    if isinstance(judged, Refused) and judged.was_sent and judged.code not in OF_THE_ACCOUNT:
        judged = Unknown(
            f"the batch failed: {judged.reason}", "unexpected_status", judged.status, judged.code
        )
    return tuple(judged for _ in expected_ids)


def judge_canceled(whole: Outcome[CancelAnswer], order_id: str) -> Outcome[str]:
    """Return whether an order was cancelled; a reason why not is no refusal: it may have filled, or be delayed."""
    if not isinstance(whole, Done):
        return judge(whole)
    if order_id in (whole.value.canceled or ()):
        return Done(order_id, whole.status)
    reason = (whole.value.not_canceled or {}).get(order_id)
    return Unknown(reason or f"expected {order_id} in the answer to its cancel, found nothing", "unreadable")


def _of_some(by_id: Mapping[str, OrderAnswer], expected_id: str) -> Outcome[OrderAnswer]:
    answer = by_id.get(expected_id)
    if answer is not None:
        return judge_answer(answer, expected_id)
    return Unknown(f"expected {expected_id} in the answer to its batch, found nothing about it", "unreadable")


def _stated(text: str, status: int, body: bytes = b"") -> Refused | Unknown:
    kind = kind_of(text, status)
    if kind is None or kind in _NOT_REFUSED or status >= _FAILED_STATUS:
        cause: Cause = "throttled" if status == _THROTTLED_STATUS else "unexpected_status"
        return Unknown(f"status {status}: {text}", cause, status, kind or "", body)
    return Refused(status, kind, text, body)
