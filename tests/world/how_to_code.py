"""The code that the how-to guides show, for configurations of tests."""

from __future__ import annotations

import re
from pathlib import Path

_GUIDES = Path(__file__).parents[2] / "docs" / "how-to"


def guide_text(guide: str) -> str:
    """Return a guide."""
    return (_GUIDES / f"{guide}.md").read_text()


def code_of(guide: str) -> str:
    """Return all Python blocks of a guide, one after the other."""
    text = guide_text(guide)
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
