"""A refusal as the double means it, before it is written in one of the venue's four shapes (kalshi.md section 7)."""


class VenueError(Exception):
    """The venue says no: HTTP status, machine code, text."""

    def __init__(self, status: int, code: str, message: str = "", details: str = "") -> None:
        super().__init__(f"{status} {code} {message or code} {details}".strip())
        self.status = status
        self.code = code
        self.message = message or code.replace("_", " ")
        self.details = details

    def flat(self) -> dict[str, str]:
        """The described ErrorResponse: batch items, the socket handshake."""
        body = {"code": self.code, "message": self.message}
        return body | {"details": self.details} if self.details else body


class ParameterError(VenueError):
    """A query that fails validation: HTTP 400 with a top-level `msg`."""

    def __init__(self, text: str) -> None:
        super().__init__(400, "bad_request", text)


def not_found(what: str) -> VenueError:
    """404 `not_found`, naming what was looked for."""
    return VenueError(404, "not_found", "not found", what)


def invalid_order(details: str) -> VenueError:
    """400 `invalid_order` with the reason in `details`."""
    return VenueError(400, "invalid_order", "invalid order", details)
