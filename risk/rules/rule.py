"""What a limit is: settings, a verdict, and a sentence that says what it forbids."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, override

from msgspec import Struct

from engine.config import Usd
from risk.proposal import Proposal, Refusal
from risk.standing import Standing


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit; its fields are its settings, read from the book as they stand.

    To add one, write a subclass with `refuse`. Its docstring's first line is printed at start with the
    settings in place of `their names in backticks`. A rule passes what it can prove to be harmless:
    written as `if figure <= self.limit: return None`, so that a NaN refuses. What it raises refuses too.
    """

    needs_equity: ClassVar[bool] = False  # True: open positions are valued before this rule is asked
    needs_free_cash: ClassVar[bool] = False  # True: the proposal carries what the venue says is free
    watches_prices: ClassVar[bool] = False  # True: the mids of all markets are looked at once a second
    watches_signals: ClassVar[bool] = (
        False  # True: what strategies believe is compared with what they believed
    )
    higher_is_tighter: ClassVar[frozenset[str]] = frozenset()  # settings of which more forbids more

    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        """Return a refusal with both figures, or None when the proposal may pass."""
        raise NotImplementedError

    def wanted_sources(self) -> Iterable[str]:
        """Return the sources of prices that this rule looks at, each as symbol.source."""
        return ()

    @property
    def name(self) -> str:
        """The rule as refusals call it: max_stake_per_outcome."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()

    def describe(self) -> str:
        """Return what this rule forbids, as a sentence with its settings."""
        sentence = (self.__doc__ or "").partition("\n")[0]
        for setting in self.__struct_fields__:
            sentence = sentence.replace(f"`{setting}`", _as_words(setting, getattr(self, setting)))
        return f"{type(self).__name__}: {sentence}"

    def because(self, reason: str) -> Refusal:
        """Return a refusal in the name of this rule."""
        return Refusal(self.name, reason)


class Pause(Rule, frozen=True):
    """A limit that pauses trading once it is reached: what rests and could open a position is cancelled too.

    A limit that only keeps new orders in is no limit: what rests goes on filling.
    """

    def breach(self, standing: Standing, now_ns: int) -> str | None:
        """Return that the limit is reached, with both figures and until when, or None."""
        raise NotImplementedError

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        reason = self.breach(standing, proposal.now_ns)
        return None if reason is None else self.because(reason)


def must_be_amount(figure: Decimal, what: str) -> Decimal:
    """Return `figure` when it is an amount of at least 0 USD, else raise ValueError."""
    if figure.is_finite() and figure >= 0:
        return figure
    raise ValueError(f"expected {what} of at least 0 USD, found {figure}")


@lru_cache
def exact(figure: float) -> Decimal:
    """Return a setting or a belief as people wrote it: the shortest text of the float, so that 0.6 is 0.6."""
    return Decimal(repr(float(figure)))


def until_text(time_ns: int) -> str:
    """Return a time as an operator reads it, such as 2026-05-01 12:30:00 UTC."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def as_usd(amount: Decimal) -> str:
    """Return an amount as people write it, without zeros that say nothing."""
    text = f"{amount:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} USD"


def _as_words(setting: str, value: object) -> str:
    if isinstance(value, Usd):
        return as_usd(value)
    unit = setting.rpartition("_")[2]
    if unit in ("secs", "ms", "bps"):  # contracts, orders and the like are named by the sentence
        return f"{value} {unit}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
