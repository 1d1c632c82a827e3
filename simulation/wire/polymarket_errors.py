"""A refusal as the venue words it (polymarket.md sections 5.6, 17.2 and 18)."""

from collections.abc import Mapping


class VenueError(Exception):
    """The venue says no: HTTP status, the text of `error`, further keys of the body, headers."""

    def __init__(
        self,
        status: int,
        text: str,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.more = dict(more or {})
        self.headers = dict(headers or {})


def invalid_order(order_id: str, reason: str) -> VenueError:
    """400 for one order that breaks a rule of its market."""
    return VenueError(400, f"order {order_id} is invalid. {reason}")


def bad_payload() -> VenueError:
    """400 for an order call whose body is not what the page describes."""
    return VenueError(400, "Invalid order payload")
