from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "orders.md"


def test_the_example_of_the_page_holds():
    code = PAGE.read_text().split("```python\n")[1].split("```")[0]
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
