"""Facts of Polymarket; each with the section of the reference it stands in (read 2026-11-20)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

VENUE: Final = "POLYMARKET"
CURRENCY: Final = "pUSD"
CHAIN_ID: Final = 137  # Polygon

# Hosts (section 2)
CLOB_URL: Final = "https://clob.polymarket.com"
GAMMA_URL: Final = "https://gamma-api.polymarket.com"
DATA_URL: Final = "https://data-api.polymarket.com"
SOCKET_URL: Final = "wss://ws-subscriptions-clob.polymarket.com"
MARKET_PATH: Final = "/ws/market"
USER_PATH: Final = "/ws/user"
RTDS_URL: Final = "wss://ws-live-data.polymarket.com"
POLYBOLT_URL: Final = "wss://ws-live-v2.polymarket.com/ws"
SITE_URL: Final = "https://polymarket.com"
TIME_PATH: Final = "/time"  # in whole seconds; signatures are judged by it (section 4.2)
GEOBLOCK_PATH: Final = "/api/geoblock"

# Contracts (section 3)
STANDARD_EXCHANGE: Final = "0xE111180000d2663C0091e4f400237545B87B996B"
NEG_RISK_EXCHANGE: Final = "0xe2222d279d744050d28e00520010520000310F59"
EXCHANGE_V3: Final = "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"
COLLATERAL: Final = "0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"
CONDITIONAL_TOKENS: Final = "0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"
COLLATERAL_ADAPTER: Final = "0xAdA100Db00Ca00073811820692005400218FcE1f"
NEG_RISK_COLLATERAL_ADAPTER: Final = "0xadA2005600Dec949baf300f4C6120000bDB6eAab"
PROXY_FACTORY: Final = "0xaB45c5A4B0c941a2F231C04C3f49182e1A254052"
PROXY_IMPLEMENTATION: Final = "0x44e999d5c2F66Ef0861317f9A4805AC2e90aEB4f"
SAFE_FACTORY: Final = "0xaacFeEa03eb1561C4e67d661e40682Bd20E3541b"
SAFE_INIT_CODE_HASH: Final = "0x2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"

# Orders (section 5)
EXCHANGE_NAME: Final = "Polymarket CTF Exchange"
PROTOCOL_VERSION: Final = 2  # what `GET /version` must say
BASE_UNITS: Final = 1_000_000  # of a dollar and of a share
MOST_SALT: Final = 2**53 - 1  # it is sent as a JSON number
SIZE_DECIMALS: Final = 2  # of an order; a fill has up to FILL_DECIMALS (section 21)
FILL_DECIMALS: Final = 6
AMOUNT_DECIMALS: Final[Mapping[Decimal, int]] = {  # of the derived amount, by tick (section 5.3)
    Decimal("0.1"): 3,
    Decimal("0.01"): 4,
    Decimal("0.005"): 5,
    Decimal("0.0025"): 6,
    Decimal("0.001"): 5,
    Decimal("0.0001"): 6,
}
MOST_IN_BATCH: Final = 15
MOST_CANCELS: Final = 3_000
LEAST_MARKETABLE_USD: Final = Decimal(1)
GTD_MARGIN_SECS: Final = 60  # the venue cancels so long before the stated second (section 5.4)
LEAST_GTD_SECS: Final = 180

TAKER_DELAY_MS: Final = 150
"""What an order that takes waits on crypto and finance up/down markets since 2026-09-04 (section 17.1)."""

# Results (section 15)
CATALOGUE_RESULT: Final = "polymarket catalogue"
BOOK_RESULT: Final = "polymarket order book"

# Streams (sections 7 and 9)
PING_SECS: Final = 10.0
SILENCE_SECS: Final = 30.0
MOST_TOKENS_PER_CONNECTION: Final = 200  # above 500 no opening books come; Nautilus uses 200

# Budgets of one signer (section 18): tokens per second and at most, by the tier of its volume of 30 days
ORDERS_PER_SEC: Final[Mapping[str, tuple[int, int]]] = {
    "standard": (40, 60),
    "copper": (60, 90),
    "bronze": (80, 120),
    "silver": (200, 300),
    "gold": (400, 600),
    "platinum": (450, 675),
    "diamond": (525, 787),
    "elite": (600, 900),
}
CANCELS_PER_SEC: Final[Mapping[str, tuple[int, int]]] = {
    "standard": (80, 120),
    "copper": (120, 180),
    "bronze": (160, 240),
    "silver": (400, 600),
    "gold": (800, 1200),
    "platinum": (900, 1350),
    "diamond": (1050, 1575),
    "elite": (1200, 1800),
}

# Dead-man switch (section 6)
HEARTBEAT_SECS: Final = 5.0
HEARTBEAT_LIMIT_SECS: Final = 10.0

# Requests per ten seconds and IP address, by budget group (section 18)
REQUESTS_PER_10_SECS: Final[Mapping[str, int]] = {
    "clob": 9_000,
    "book": 1_500,
    "books": 500,
    "history": 1_000,
    "gamma": 4_000,
    "gamma_events": 500,
    "gamma_markets": 300,
    "data": 1_000,
    "data_trades": 200,
    "private_read": 500,
    "balance": 200,
    "balance_update": 50,
    "auth": 100,
    "order": 5_000,
    "orders": 2_000,
    "cancel": 5_000,
    "cancel_orders": 2_000,
    "cancel_all": 250,
    "cancel_market": 1_500,
}
"""A cancel has a bucket of its own: orders cannot starve it."""
