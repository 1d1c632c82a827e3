import msgspec
import pytest

from adapters.kalshi.config import KalshiConfig, KalshiDataConfig, KalshiExecutionConfig


def decoded(kind, **settings):
    return msgspec.convert(settings, kind)


def test_the_defaults_are_the_demo_exchange_and_shard_0():
    config = decoded(KalshiExecutionConfig)
    assert config.rest_address == "https://external-api.demo.kalshi.co/trade-api/v2"
    assert config.socket_address == "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"
    assert (config.funded_shards, config.subaccount) == ((0,), None)
    assert config.order_group_limit_contracts == 1000


def test_the_live_exchange_is_named_by_a_word():
    config = decoded(KalshiConfig, environment="prod")
    assert config.rest_address == "https://external-api.kalshi.com/trade-api/v2"
    assert config.socket_address == "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
    assert decoded(KalshiConfig, rest_url="http://127.0.0.1:1/x").rest_address == "http://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"enviroment": "prod"}, "enviroment"),
        ({"environment": "live"}, "Invalid enum"),
        ({"subaccount": 64}, "<= 63"),
        ({"request_timeout_secs": 0.0}, "> 0"),
        ({"cancel_reserve_share": 1.0}, "< 1"),
        ({"silence_secs": 5.0}, "below silence_secs"),
        ({"reconnect_first_secs": 60.0}, "reconnect_most_secs"),
        ({"funded_shards": []}, "one or more"),
        ({"funded_shards": [2, 2]}, "different"),
        ({"order_group_limit_contracts": 0}, "order_group"),
        ({"api_key": "x"}, "api_key"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        decoded(KalshiExecutionConfig, **settings)


def test_a_name_of_the_other_half_is_refused():
    with pytest.raises(msgspec.ValidationError, match="funded_shards"):
        decoded(KalshiDataConfig, funded_shards=[0])
