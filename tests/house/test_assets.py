"""The icons that pages and marks name are those that assets/icons.txt brings along."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"""icon\(\s*["']([a-z0-9-]+)["']""")


def test_every_icon_that_a_page_names_is_brought_along() -> None:
    names = (ROOT / "assets" / "icons.txt").read_text().split()
    assert names == sorted(set(names))
    used = {name for page in (ROOT / "grace").rglob("*.html") for name in NAMED.findall(page.read_text())}
    assert len(used) > 30
    assert used - set(names) == set()
