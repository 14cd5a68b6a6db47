"""Descriptions in Markdown."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chargehand.kit.markdown import rendered


def test_only_what_is_markdown_is_rendered():
    assert rendered("**all** tests", "markdown") == "<p><strong>all</strong> tests</p>\n"
    assert rendered("**all** tests", None) is None
    assert rendered(None, "markdown") is None


def test_html_is_text_and_links_lead_to_the_web():
    told = rendered(
        "<script>x</script> [a](javascript:alert(1)) [b](https://example.org/)", "markdown"
    )

    assert told is not None
    assert "<script" not in told
    assert "javascript:" not in re.findall(r'href="([^"]*)"', told)
    assert 'href="https://example.org/"' in told


@given(st.text(max_size=200), st.sampled_from(["<img src=x onerror=y>", "<svg/onload=z>", "&lt;"]))
def test_no_text_brings_elements_of_its_own(text: str, attack: str):
    told = rendered(text + attack, "markdown") or ""

    assert (
        set(re.findall(r"<\s*([a-zA-Z]+)", told)) & {"script", "svg", "iframe", "object"} == set()
    )
    assert re.findall(r"<[^>]*\son\w+\s*=", told) == []
