"""Readers of Markdown, and what they make of it."""

from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
from markdown_it import MarkdownIt


class Texts(HTMLParser):
    """The tags of a page, and its texts in and out of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.code: list[str] = []
        self.bare: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self._open:
            self.code[-1] += data
        else:
            self.bare.append(data)


def github(text: str) -> Texts:
    """Read as GitHub's own reader does, with raw HTML left in."""
    unsafe = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    return Texts(cmarkgfm.github_flavored_markdown_to_html(text, options=unsafe))


def other(text: str) -> Texts:
    """Read as markdown-it does, with the extensions of GitHub and raw HTML left in."""
    return Texts(MarkdownIt("gfm-like").render(text))
