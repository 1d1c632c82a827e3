import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from research.charts import short_labels
from research.findings import study
from research.page import make_page


class _Loads(HTMLParser):
    """Collects what a browser would fetch, and the text that a reader sees."""

    def __init__(self):
        super().__init__()
        self.fetched = []
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def page():
    """Make a page without the 5 MB that are not ours."""

    def made(record):
        whole = make_page(study(record))
        assert whole.count(get_plotlyjs()) == 1
        return whole.replace(get_plotlyjs(), "")

    return made


def _loads(text):
    parser = _Loads()
    parser.feed(text)
    return parser


def test_the_page_loads_nothing_from_elsewhere(page, small_record):
    loads = _loads(page(small_record))
    assert loads.fetched == []
    assert "link" not in loads.tags


def test_the_page_has_every_chart_once(page, small_record):
    text = page(small_record)
    for name in ("equity", "events", "market", "fees", "calibration"):
        assert text.count(f'id="chart-{name}"') == 1


def test_the_same_record_makes_the_same_page(page, small_record):
    assert page(small_record) == page(small_record)


def test_text_of_the_record_is_escaped(page, small_record):
    text = page(replace(small_record, facts=replace(small_record.facts, book="<script>alert(1)</script>")))
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "one &lt;gap&gt; of 3 s" in text
    assert "limit is &lt;60&gt;" in text


def test_synthetic_data_is_named_in_the_headline(page, small_record):
    synthetic = replace(small_record, fills=[replace(fill, evidence="S") for fill in small_record.fills])
    header = page(synthetic).partition("</header>")[0]
    assert "SYNTHETIC DATA: 3 of 3 fills rest on it." in header
    assert "<title>SYNTHETIC DATA: fed_decision</title>" in header
    assert "SYNTHETIC" not in page(small_record)


def test_empty_sections_say_why_they_are_empty(page, make_record):
    text = page(make_record())
    assert "<div id=" not in text
    for reason in (
        "Nothing was filled.",
        "No equity was sampled in this run.",
        "No forecast could be scored: 0 had no outcome, 0 no two-sided market.",
        "No rule refused an order.",
        "The run left no notes.",
    ):
        assert reason in text


def test_a_fill_on_no_is_drawn_at_the_price_of_yes(page, small_record):
    text = page(small_record)
    assert "[0.3]" in text.partition('id="chart-market"')[2]  # 20 NO at 0.70
    assert "Most fills first, 2 of 2 traded markets. No quotes were sampled for 1 of them." in text


@pytest.mark.parametrize(
    ("names", "labels", "shared"),
    [
        (["KXBTC-26A.KALSHI", "KXBTC-26B.KALSHI"], ["26A", "26B"], "KXBTC-*.KALSHI"),
        (["one", "two"], ["one", "two"], ""),
        (["KXBTC-26A.KALSHI"], ["KXBTC-26A.KALSHI"], ""),
        (["A-B", "A-B-C"], ["B", "B-C"], "A-*"),
    ],
)
def test_labels_leave_out_what_all_events_share(names, labels, shared):
    assert short_labels(names) == (labels, shared)


def test_plotly_is_loaded_by_the_page_only():
    code = "import sys, research.report, research.console; print('plotly' in sys.modules)"
    house = Path(__file__).parents[3]
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=house, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
