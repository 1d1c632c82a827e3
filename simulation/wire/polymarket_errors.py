"""A refusal as the venue words it (polymarket.md section 5.6)."""


class VenueError(Exception):
    """The venue says no: HTTP status and the text of `error`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text


def invalid_order(order_id: str, reason: str) -> VenueError:
    """400 for one order that breaks a rule of its market."""
    return VenueError(400, f"order {order_id} is invalid. {reason}")
