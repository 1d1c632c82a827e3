import pytest

from network.addresses import checked_url

HTTP = ("http", "https")


@pytest.mark.parametrize(
    "url", ["https://api.venue.test/v2", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost:9"]
)
def test_tls_and_loopback_are_good(url):
    assert str(checked_url(url, HTTP)).startswith(url.removesuffix(":80"))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.venue.test",
        "http://10.0.0.1",
        "http://localhost.venue.test",
        "http://127.0.0.1.venue.test",
        "ftp://api.venue.test",
        "api.venue.test",
        "https://me:secret@api.venue.test",
    ],
)
def test_what_would_travel_in_the_open_is_refused_without_its_secret(url):
    with pytest.raises(ValueError, match="expected") as caught:
        checked_url(url, HTTP)
    assert "secret@" not in str(caught.value)


def test_plain_goes_where_it_is_explicitly_allowed():
    assert checked_url("http://10.0.0.1", HTTP, allow_plain=True).host == "10.0.0.1"
