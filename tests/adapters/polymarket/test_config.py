from typing import get_args

import msgspec
import pytest

from adapters.polymarket import constants as venue
from adapters.polymarket.config import (
    PolymarketConfig,
    PolymarketDataConfig,
    PolymarketExecutionConfig,
    Tier,
)
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.connection import Connection, bucket
from adapters.polymarket.http.private import SIGNED_CANCELS, SIGNED_ORDERS
from adapters.polymarket.signing.keys import Owner

NAMED = {
    "rest_url": "http://127.0.0.1:1",
    "gamma_url": "http://127.0.0.1:2",
    "data_url": "http://127.0.0.1:3",
    "socket_url": "ws://127.0.0.1:4",
}


def test_by_default_the_venues_own_hosts_are_meant():
    config = PolymarketConfig()
    assert config.clob_address == venue.CLOB_URL
    assert config.gamma_address == venue.GAMMA_URL
    assert config.data_address == venue.DATA_URL
    assert config.market_stream_address == venue.SOCKET_URL + "/ws/market"
    assert config.user_stream_address == venue.SOCKET_URL + "/ws/user"


@pytest.mark.parametrize("missing", sorted(NAMED))
def test_who_names_one_host_names_all_so_that_no_rehearsal_asks_the_real_venue(missing):
    named = {name: url for name, url in NAMED.items() if name != missing}
    with pytest.raises(msgspec.ValidationError, match="expected all of rest_url"):
        msgspec.convert(named, PolymarketDataConfig)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ping_secs": 30.0},
        {"reconnect_first_secs": 60.0},
        {"silence_secs": 0},
        {"windows_ahead": 0},
        {"tokens_per_connection": 501},
        {"rest_uri": "x"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, PolymarketDataConfig)


def test_a_budget_stays_below_its_limit_in_ten_seconds_even_after_a_burst():
    now = [0.0]
    budget = bucket(500, lambda: now[0])
    granted = 0
    for tenth in range(101):
        now[0] = tenth / 10
        while budget.try_take(1):
            granted += 1
    assert 400 < granted <= 450


async def _opened() -> Connection:
    connection = Connection(msgspec.convert(NAMED, PolymarketConfig), now_ns=lambda: 0, monotonic=lambda: 0.0)
    await connection.close()
    return connection


def test_each_host_has_its_session_and_all_share_the_budgets():
    import asyncio

    connection = asyncio.run(_opened())
    sessions = connection.clob, connection.private, connection.gamma, connection.data
    assert [one.base_url[-1] for one in sessions] == ["1", "1", "2", "3"]
    assert {id(one.buckets) for one in sessions} == {id(connection.buckets)}


def _budgets(**settings):
    config = msgspec.convert(settings, PolymarketExecutionConfig)
    http = PolymarketHttp(config, Owner.from_hex("1" * 64), None, now_ns=lambda: 0, monotonic=lambda: 0.0)
    return http.buckets[SIGNED_ORDERS], http.buckets[SIGNED_CANCELS]


@pytest.mark.parametrize(
    ("settings", "orders", "cancels"),
    [
        ({}, (60, 40), (120, 80)),
        ({"tier": "copper"}, (90, 60), (180, 120)),
        ({"tier": "elite"}, (900, 600), (1800, 1200)),
    ],
)
def test_the_accounts_tier_sets_how_many_orders_and_cancels_leave(settings, orders, cancels):
    for budget, (burst, per_sec) in zip(_budgets(**settings), (orders, cancels), strict=True):
        assert budget.try_take(burst)
        assert budget.wait_secs(per_sec / 2) == 0.5


def test_each_tier_that_may_be_named_has_its_budgets():
    assert set(get_args(Tier.__value__)) == venue.ORDERS_PER_SEC.keys() == venue.CANCELS_PER_SEC.keys()
    with pytest.raises(msgspec.ValidationError, match="tier"):
        msgspec.convert({"tier": "tin"}, PolymarketExecutionConfig)
