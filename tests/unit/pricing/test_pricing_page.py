import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "pricing.md"


def test_the_example_on_the_page_runs_and_says_the_truth():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
