"""What an answer to a write means: whether it is a no, and why, read from the shapes in which it says so.

Live bodies of 2026 (reference, section 7): `{"error": {"code", "message", "details"}}`, the same without the
envelope, `{"msg": ...}` for a bad query, `{"error": "too many requests"}`, and HTML from the delivery network.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from adapters.kalshi.messages.orders import (
    BodyError,
    CanceledOrder,
    CanceledOrders,
    CancelOrder,
    CreatedItem,
    CreatedItems,
    CreatedOrder,
    CreateOrder,
)
from network.outcomes import Done, Outcome, Refused, Unknown

DUPLICATE_CODES: Final = frozenset({"order_already_exists", "duplicate_client_order_id"})
"""Words for a client id that is taken; the first is FIX's, by REST the status 409 says it."""
UNSURE_CODES: Final = frozenset({"internal_server_error", "internal_error", "service_unavailable", "timeout"})
"""Words that prove nothing, whatever the status beside them."""

_CONFLICT: Final = 409
_THROTTLED: Final = 429
_ITEM_REFUSED: Final = 400  # an item of a batch has no status of its own: the one that fits its code
_STATUSES: Final = {"too_many_requests": 429, "rate_limited": 429, "not_found": 404, "order_not_found": 404}
_ANY: Final = Decoder()
_WORDS: Final = ("code", "message", "details", "msg", "error")
_SHOWN_CHARACTERS: Final = 200


class Reason(Struct, frozen=True):
    """A code in lower case, empty when none came, and what a human should read."""

    code: str
    text: str


def read_refusal(body: bytes) -> Reason:
    """Return code and text of an error body of any shape; never raises."""
    try:
        found = _ANY.decode(body)
    except (DecodeError, UnicodeDecodeError):
        return Reason("", _shown(body.decode("utf-8", "replace")) or "no words")
    inner = found.get("error") if isinstance(found, dict) else None
    if isinstance(inner, dict):
        found = inner
    if not isinstance(found, dict):
        return Reason("", _shown(str(found)))
    return reason_of(found)


def reason_of(words: dict[str, Any]) -> Reason:
    """Return code and text of an error that is read already."""
    parts = {name: str(words[name]) for name in _WORDS if words.get(name)}
    code = parts.pop("code", "").lower()
    text = ": ".join(dict.fromkeys(parts.values())) or code or "no words"
    if not code and parts.get("error"):
        code = parts["error"].lower().replace(" ", "_")
    return Reason(code, _shown(text))


def says_duplicate(unknown: Unknown) -> bool:
    """Return whether the venue says that our client id is taken: then the order is there.

    By REST the spelling was never seen, so a 409 without a word says so; one with another word may be any
    conflict, and only a query tells.
    """
    code = unknown.code.lower()
    return code in DUPLICATE_CODES or (unknown.status == _CONFLICT and not code)


def judge[T](outcome: Outcome[T]) -> Outcome[T]:
    """Return the outcome in the venue's words; a no whose code says that the server failed is unknown."""
    if not isinstance(outcome, Refused) or not outcome.was_sent:
        return outcome
    reason = read_refusal(outcome.body)
    if reason.code in UNSURE_CODES:
        return Unknown(f"status {outcome.status} {reason.code}: {reason.text}", "server_error")
    return Refused(outcome.status, reason.code, reason.text, outcome.body)


def judge_created(
    whole: Outcome[CreatedItems], batch: Sequence[CreateOrder]
) -> tuple[Outcome[CreatedOrder], ...]:
    """Return one outcome per order of a batch; an order that the answer does not name is unknown.

    Items are told by client id, those that name none by their place when all are answered.
    """
    if not isinstance(whole, Done):
        return tuple(_of_all(whole) for _ in batch)
    items = whole.value.orders
    by_id = {item.client_order_id: item for item in items if item.client_order_id}
    by_place = dict(enumerate(items)) if len(items) == len(batch) else {}
    found: list[Outcome[CreatedOrder]] = []
    for place, order in enumerate(batch):
        item = by_id.get(order.client_order_id) or by_place.get(place)
        is_ours = item is not None and item.client_order_id in (None, order.client_order_id)
        found.append(_created(item, whole.status) if item and is_ours else _unanswered(order.client_order_id))
    return tuple(found)


def judge_canceled(
    whole: Outcome[CanceledOrders], batch: Sequence[CancelOrder]
) -> tuple[Outcome[CanceledOrder], ...]:
    """Return one outcome per cancel of a batch; an order that the answer does not name is unknown."""
    if not isinstance(whole, Done):
        return tuple(_of_all(whole) for _ in batch)
    by_id = {item.order_id: item for item in whole.value.orders}
    found: list[Outcome[CanceledOrder]] = []
    for cancel in batch:
        item = by_id.get(cancel.order_id)
        if item is None:
            found.append(_unanswered(cancel.order_id))
        else:
            found.append(_refused(item.error) if item.error else Done(item, whole.status))
    return tuple(found)


def _of_all(whole: Refused | Unknown) -> Refused | Unknown:
    if isinstance(whole, Unknown) or not whole.was_sent or whole.status == _THROTTLED:
        return whole
    return Unknown(
        f"the batch failed: status {whole.status} {whole.code}: {whole.reason}", "unexpected_status"
    )


def _created(item: CreatedItem, status: int) -> Outcome[CreatedOrder]:
    if item.error is not None:
        return _refused(item.error)
    created = item.created
    if created is None:
        return Unknown(
            f"expected an order id and counts for {item.client_order_id}, found none", "unreadable"
        )
    return Done(created, status)


def _refused(error: BodyError) -> Refused | Unknown:
    reason = reason_of({"code": error.code, "message": error.message, "details": error.details})
    if reason.code in DUPLICATE_CODES:
        said = f"an order with this client id has arrived: {reason.text}"
        return Unknown(said, "unexpected_status", _CONFLICT, reason.code)
    if reason.code in UNSURE_CODES:
        return Unknown(f"{reason.code}: {reason.text}", "server_error")
    return Refused(_STATUSES.get(reason.code, _ITEM_REFUSED), reason.code, reason.text)


def _unanswered(name: str) -> Unknown:
    return Unknown(f"expected {name} in the answer to its batch, found nothing about it", "unreadable")


def _shown(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN_CHARACTERS else f"{flat[:_SHOWN_CHARACTERS]}..."
