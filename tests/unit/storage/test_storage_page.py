import re
from pathlib import Path

from markets.facts import MarketResolution
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader

PAGE = Path(__file__).parents[3] / "docs" / "storage.md"


def test_the_example_of_the_page_runs(tmp_path, toy, monkeypatch):
    example, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    pair = toy.make_market()
    names = {
        "CatalogReader": CatalogReader,
        "CatalogWriter": CatalogWriter,
        "MarketResolution": MarketResolution,
        "Path": Path,
        "WINDOW_NS": 10,
        "pair": pair,
        "deltas": [toy.delta(pair.yes, 1), toy.delta(pair.yes, 11)],
        "quotes": [toy.quote(pair.yes, 1)],
        "trades": [toy.trade(pair.yes, 2)],
        "fact": toy.resolution(11).data,
    }
    monkeypatch.chdir(tmp_path)
    exec(example, names)
    assert len(names["deltas"]) == len(names["results"]) == 1
