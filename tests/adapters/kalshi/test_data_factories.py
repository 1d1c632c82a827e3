import asyncio

import pytest

from adapters.kalshi.config import KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from adapters.kalshi.factories.execution import SharedHttp, execution_factory
from adapters.kalshi.factories.sharing import SharedReader, share
from adapters.kalshi.signing import BadCredentials, Credentials, NotForWriting

ADDRESS = "http://127.0.0.1:9/trade-api/v2"


def test_clients_of_one_key_share_a_connection_until_the_last_has_closed_it(credentials, key):
    async def work():
        data, execution = KalshiDataConfig(rest_url=ADDRESS), KalshiExecutionConfig(rest_url=ADDRESS)
        first = share(SharedHttp, data, credentials, lambda: 1)
        assert share(SharedHttp, execution, credentials, lambda: 1) is first
        other = Credentials("another-key", key)
        assert share(SharedHttp, data, other, lambda: 1) is not first
        await first.close()
        assert share(SharedHttp, data, credentials, lambda: 1) is first
        await first.close()
        await first.close()
        assert share(SharedHttp, data, credentials, lambda: 1) is not first

    asyncio.run(work())


def test_settings_travel_through_the_engines_config():
    settings = KalshiDataConfig(indices=("BRTI",), follows_lifecycle=False)
    config = KalshiDataClientConfig(settings=settings, series=("KXFED",))
    assert (config.wishes.series, config.wishes.indices, config.wishes.follows_lifecycle) == (
        ("KXFED",),
        ("BRTI",),
        False,
    )


def test_without_a_key_no_client_is_made(monkeypatch):
    for name in ("KALSHI_API_KEY", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    config = KalshiDataClientConfig(settings=KalshiDataConfig())
    with pytest.raises(BadCredentials):
        KalshiDataClientFactory.create(name="KALSHI", config=config, cache=None, clock=None)
    with pytest.raises(BadCredentials):
        execution_factory().create(name="KALSHI", config=config, cache=None, clock=None, trader_id=None)


def test_a_connection_for_reading_has_no_way_to_write(credentials):
    async def work():
        reader = share(SharedReader, KalshiDataConfig(rest_url=ADDRESS), credentials.for_reading(), lambda: 1)
        assert not hasattr(reader, "create_order")
        with pytest.raises(NotForWriting):
            await reader.session.write("POST", "/portfolio/events/orders", into=dict)
        await reader.close()

    asyncio.run(work())


def test_a_key_for_reading_signs_reads_and_nothing_else(credentials):
    reading = credentials.for_reading()
    assert reading.sign("get", "/trade-api/ws/v2", 1)["KALSHI-ACCESS-KEY"] == credentials.key_id
    for method in ("POST", "delete", "PUT"):
        with pytest.raises(NotForWriting):
            reading.sign(method, "/trade-api/v2/portfolio/events/orders", 1)
