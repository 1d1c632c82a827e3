"""Facts about Kalshi, each with its source and the day on which it was read.

"Reference" is our page on the venue, which grades each fact: the API description (REST 3.34.0, socket 2.0.0,
Oct 2026), the venue's documentation (Aug 2026), live observations and recorded bytes. Read 2026-11-20.
"""

from decimal import Decimal
from typing import Final

VENUE: Final = "KALSHI"

OFFICIAL: Final = "kalshi official"
OFFICIAL_AT_ASSUMED_TIME: Final = "kalshi official, time assumed"
"""Sources of a result; the second when nobody recorded when it was paid."""

EXCHANGE_ZONE: Final = "America/New_York"
"""The zone of the times inside tickers (reference, section 14)."""

LINEAR_CENT: Final = (("0", "1", "0.01"),)
"""`price_level_structure` of 94.9 % of open markets on 2026-09-26: (start, end, step) in dollars."""

TAPERED_DECI_CENT: Final = (("0", "0.1", "0.001"), ("0.1", "0.9", "0.01"), ("0.9", "1", "0.001"))
"""All crypto 15-minute series; seen in the recorded books of 2026-05-11 and live on 2026-09-26."""

FIFTEEN_MINUTE_UNDERLYINGS: Final = {
    "KXBTC15M": "BTC-USD",
    "KXETH15M": "ETH-USD",
    "KXSOL15M": "SOL-USD",
    "KXXRP15M": "XRP-USD",
    "KXDOGE15M": "DOGE-USD",
    "KXBNB15M": "BNB-USD",
    "KXHYPE15M": "HYPE-USD",
}
"""Crypto series of frequency `fifteen_min` (reference, section 14): one window after another, strike
`greater_or_equal`, settled on an average of one-second index values."""

FIFTEEN_MINUTES_NS: Final = 15 * 60 * 1_000_000_000
FIFTEEN_MINUTE_AVERAGING_SECS: Final = 60
PAYOUT_UNIT: Final = Decimal("0.01")
"""In dollars: settlements are in whole cents, a void's rounded down (reference, sections 7 and 12, read 2026-11-20)."""
FIFTEEN_MINUTE_SETTLEMENT_TIMER_SECS: Final = 1
FIFTEEN_MINUTE_SETTLEMENT_SOURCE: Final = "CF Benchmarks real-time index, mean of 60 one-second values"

DEFAULT_FEE_TYPE: Final = "quadratic"
"""The fee type of 14,198 of 14,393 series on 2026-09-26, KXBTC15M and KXHIGH* among them (reference,
section 10)."""

MEDIAN_SETTLEMENT_DELAY_NS: Final = 11_500_000_000
"""From close to settlement of KXBTC15M, median of 2,671 markets, March to May 2026 (95 %: 29 s)."""

SILENCE_NS: Final = 30_000_000_000
"""The server pings every 10 s; 25 to 30 s without any frame is a dead socket (reference, section 8)."""

REST_HOSTS: Final = {
    "prod": "https://external-api.kalshi.com",
    "demo": "https://external-api.demo.kalshi.co",
}
SOCKET_HOSTS: Final = {
    "prod": "wss://external-api-ws.kalshi.com",
    "demo": "wss://external-api-ws.demo.kalshi.co",
}
"""The recommended hosts of both environments (reference, section 1); a signature covers the path only."""

REST_PATH: Final = "/trade-api/v2"
SOCKET_PATH: Final = "/trade-api/ws/v2"

HEARTBEAT_SECS: Final = 10.0
SILENCE_SECS: Final = SILENCE_NS / 1e9

DEFAULT_COST: Final = 10
CANCEL_COST: Final = 2
GET_ORDER_COST: Final = 2
"""Tokens per request (reference, section 11; `/account/endpoint_costs` of 2026-07-06). A batch costs the sum
of its items and must fit at once; cancel-all is not in the list of exceptions."""

BASIC_READ_PER_SEC: Final = 200
BASIC_WRITE_PER_SEC: Final = 100
"""Tokens of the lowest tier, without a burst, until `/account/limits` says more (recorded July 2026)."""

PUBLIC_READ_PER_SEC: Final = 50
"""Tokens without a key: 5 requests a second. 17.7 gave no error in Aug 2026, 32 gave 10 % of them."""

BALANCE_PER_SEC: Final = 1
"""Requests for the balance, from a bucket of their own; Basic and Advanced (reference, section 0)."""

MOST_SUBACCOUNT: Final = 63
MOST_ORDERBOOKS: Final = 100
MOST_SUBSCRIBED_MARKETS: Final = 500_000
"""Market subscriptions of one session (live, Sept 2026)."""

BOOK_CHANNEL: Final = "orderbook_delta"
INDEX_CHANNEL: Final = "cfbenchmarks_value"
CHANNELS: Final = frozenset(
    {
        BOOK_CHANNEL,
        INDEX_CHANNEL,
        *("ticker", "trade", "fill", "user_orders", "market_positions"),
        *("order_group_updates", "market_lifecycle_v2"),
    }
)
"""The channels that we read (reference, section 8)."""

CHANNELS_BY_NAME_ONLY: Final = frozenset({BOOK_CHANNEL, INDEX_CHANNEL})
"""Channels that want to be told of what; the others send everything unless told."""

CHANNELS_WITHOUT_TICKERS: Final = frozenset({"order_group_updates", "market_lifecycle_v2"})

DEAD_SUBSCRIPTION_CODES: Final = frozenset({10, 25})
"""Socket errors after which a subscription sends nothing more: channel error, and we read too slowly."""

UNKNOWN_SID_CODE: Final = 7
