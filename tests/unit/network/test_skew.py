from hypothesis import given
from hypothesis import strategies as some

from network.skew import ClockSkew

NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
exchanges = some.lists(
    some.tuples(some.integers(0, 10**10), some.integers(0, 10**9), some.integers(0, 10**9)),
    min_size=1,
    max_size=50,
)


@given(some.integers(-(10**12), 10**12), some.sampled_from([1, 10**6, SECOND_NS]), exchanges)
def test_the_true_skew_is_never_further_away_than_the_uncertainty(true_ns, precision_ns, told):
    skew = ClockSkew(window=20)
    at_ns = NOW_NS
    for pause_ns, there_ns, back_ns in told:
        sent_ns = at_ns + pause_ns
        server_ns = (sent_ns + there_ns + true_ns) // precision_ns * precision_ns
        at_ns = sent_ns + there_ns + back_ns
        skew.note(server_ns, precision_ns, sent_ns, at_ns)
        assert abs(skew.skew_ns - true_ns) <= skew.uncertainty_ns + 1


def test_whole_seconds_pin_the_skew_down_to_milliseconds():
    skew = ClockSkew()
    for step in range(30):
        sent_ns = NOW_NS + step * 1_037_000_000
        server_ns = (sent_ns + 250_000_000) // SECOND_NS * SECOND_NS
        skew.note(server_ns, SECOND_NS, sent_ns, sent_ns + 20_000_000)
    assert skew.uncertainty_ns < 40_000_000
    assert abs(skew.skew_ns - 250_000_000) < 40_000_000


def test_a_clock_that_was_set_makes_the_newest_statement_count():
    skew = ClockSkew()
    skew.note(NOW_NS, 1, NOW_NS - 10, NOW_NS + 10)
    assert skew.skew_ns == 0
    skew.note(NOW_NS + 5 * SECOND_NS, 1, NOW_NS - 10, NOW_NS + 10)
    assert skew.skew_ns == 5 * SECOND_NS


def test_an_exchange_that_ends_before_it_begins_tells_nothing():
    skew = ClockSkew()
    skew.note(NOW_NS, 1, NOW_NS + 10, NOW_NS)
    assert skew.skew_ns is None
    assert skew.uncertainty_ns is None
