"""What goes wrong in this room.

RiskError
├── LedgerBroken       two figures that must agree do not: nothing may be traded on these books
├── ImpossiblePosting  an entry that cannot be true, such as a sale of what is not held
└── UnknownFigure      a figure that a limit needs is missing, such as the price of an open position
"""


class RiskError(Exception):
    """Anything that this room raises on purpose."""


class LedgerBroken(RiskError):
    """Two figures that must agree do not; the message names the account and both."""


class ImpossiblePosting(RiskError, ValueError):
    """A fact that cannot be true; the books are as they were before it."""


class UnknownFigure(RiskError, LookupError):
    """A figure that a limit needs is missing, so the limit cannot be judged."""
