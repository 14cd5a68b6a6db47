"""Descriptions in Markdown, as harmless HTML."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def rendered(text: str | None, kind: str | None) -> str | None:
    """Return *text* as HTML if its *kind* is ``markdown``, else None.

    HTML inside the text is shown as text, and links lead to the web only: the result
    may stand in a page.
    """
    if kind != "markdown" or text is None:
        return None
    from markdown_it import MarkdownIt

    return str(
        MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(text)
    )
