"""Whether what we see can be true: prices, clocks, beliefs, the state of the market."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import PositiveSecs, Price, Probability, Share
from risk.exposure import ANY_PRICE
from risk.memory import UNTIL_TOLD
from risk.proposal import Proposal, Refusal
from risk.recent import mid_of
from risk.rules.rule import Rule, as_usd, exact, until_text
from risk.standing import Standing

_SECOND_NS = 1_000_000_000
_MILLI = Decimal("0.001")


class PriceJump(Rule, frozen=True):
    """Refuse every order where the mid is more than a `share` away from its mean of `window_secs`.

    The mean is over the quotes on which an order was judged before, so the first order on a market is
    refused: there is nothing to compare with. `share` is of the mean.
    """

    share: Share
    window_secs: PositiveSecs

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.quote is None or not (proposal.quote.bid_size.raw and proposal.quote.ask_size.raw):
            return self.because(f"no quote with two sides of {proposal.instrument}")
        mean = standing.recent_mid_usd(proposal.quote, round(self.window_secs * _SECOND_NS))
        mid = mid_of(proposal.quote)
        if abs(mid - mean) <= exact(self.share) * mean:
            return None
        return self.because(
            f"a mid of {mid} is {abs(mid - mean).quantize(_MILLI)} away from {mean.quantize(_MILLI)}, its mean "
            f"of {self.window_secs:g} secs, limit is {(exact(self.share) * mean).quantize(_MILLI)}"
        )


class CrossedBook(Rule, frozen=True):
    """Refuse every order while the market's bid is at or above its ask, or neither side shows a size."""

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        quote = proposal.quote
        if quote is None:
            return self.because(f"no quote of {proposal.instrument}")
        if (
            quote.bid_size.raw or quote.ask_size.raw
        ) and quote.bid_price.as_decimal() < quote.ask_price.as_decimal():
            return None
        return self.because(f"a bid of {quote.bid_price} and an ask of {quote.ask_price} cannot both stand")


class StaleSource(Rule, frozen=True):
    """Refuse every order while a source of prices has printed nothing for as long as in `max_age_secs`.

    A source is named as its symbol and its name, such as BRTI.CFBENCHMARKS, each with its own age in seconds. The
    age counts from when the source says that it printed (`OraclePrice.ts_event`).
    """

    max_age_secs: dict[str, PositiveSecs]

    def __post_init__(self) -> None:
        """Refuse to look at no source at all."""
        if not self.max_age_secs:
            raise ValueError("expected sources with their ages, found none")

    @override
    def wanted_sources(self) -> Iterable[str]:
        return self.max_age_secs

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        for source, limit_secs in self.max_age_secs.items():
            printed_ns = standing.printed_ns.get(source)
            if printed_ns is None:
                return self.because(f"no price of {source}, limit is {limit_secs:g} secs old")
            age_secs = (proposal.now_ns - printed_ns) / _SECOND_NS
            if not 0 <= age_secs <= limit_secs:
                return self.because(
                    f"the price of {source} is {age_secs:g} secs old, limit is {limit_secs:g} secs"
                )
        return None


class ClockSkew(Rule, frozen=True):
    """Refuse every order where the venue's time and ours are more than `limit_secs` apart on the last quote.

    Compared are when the venue says that the quote was made (`ts_event`) and when we knew it (`ts_init`),
    so that the way from there to here counts too.
    """

    limit_secs: PositiveSecs

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.quote is None:
            return self.because(f"no quote of {proposal.instrument}")
        apart_secs = (proposal.quote.ts_init - proposal.quote.ts_event) / _SECOND_NS
        if abs(apart_secs) <= self.limit_secs:
            return None
        return self.because(
            f"the quote of {proposal.instrument} is {apart_secs:g} secs behind its venue's time, limit is "
            f"{self.limit_secs:g} secs"
        )


class ConfirmedBook(Rule, frozen=True):
    """Refuse every order where the book was in doubt since the market's last quote: a gap, a sequence, a hash.

    The doubt comes from a `DataGap` or from `Guardian.note_doubt`, and ends with the next quote; one from a
    `BookDoubt`, where the venue shows another top, ends when the two agree again.
    """

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.quote is None:
            return self.because(f"no quote of {proposal.instrument}")
        doubted_ns = standing.doubted_ns.get(proposal.market)
        if doubted_ns is None or proposal.quote.ts_init > doubted_ns:
            return None
        if doubted_ns == UNTIL_TOLD:
            return self.because(f"the venue contradicts the book of {proposal.market}, expected both alike")
        return self.because(
            f"the book of {proposal.market} is in doubt since {until_text(doubted_ns)}, limit is a quote after that"
        )


class MarketUnresolved(Rule, frozen=True):
    """Refuse to buy from `margin_secs` before a market closes, and where its result is awaited or disputed.

    The close is the venue's at the time when the instrument was recorded. Pauses, results and disputes are
    known from `MarketPhase` and `MarketResolution`, or from `Guardian.note_market`.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"margin_secs"})
    margin_secs: Annotated[float, Meta(ge=0)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if problem := standing.unsettled.get(proposal.market):
            return self.because(f"{proposal.market} is {problem}")
        if proposal.now_ns < proposal.closes_ns - round(self.margin_secs * _SECOND_NS):
            return None
        return self.because(
            f"{proposal.market} closes at {until_text(proposal.closes_ns)}, limit is {self.margin_secs:g} secs before"
        )


class TooGoodEdge(Rule, frozen=True):
    """Refuse to buy where belief less price is more than `limit` per contract: that is an error in the data."""

    limit: Price

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.belief is None:
            return self.because(f"{proposal.strategy} holds no belief about {proposal.instrument}")
        price = ANY_PRICE if proposal.price is None else proposal.price
        edge = exact(proposal.belief.probability) - price
        if edge <= self.limit:
            return None
        return self.because(
            f"an edge of {as_usd(edge)} on {proposal.instrument} is too good, limit is {as_usd(self.limit)}"
        )


class ConfidenceFloor(Rule, frozen=True):
    """Refuse to buy what is believed less likely than `floor`, or without a belief."""

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"floor"})
    floor: Probability

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.belief is None:
            return self.because(f"{proposal.strategy} holds no belief about {proposal.instrument}")
        if proposal.belief.probability >= self.floor:
            return None
        return self.because(
            f"a belief of {proposal.belief.probability:g} in {proposal.instrument}, limit is at least {self.floor:g}"
        )
