"""What the tests of both reports look for in a page."""

import re
from html.parser import HTMLParser


def words_of(page: str) -> str:
    """Give a page's words without markup."""
    body = page.split("</style>", 1)[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


class _Fetches(HTMLParser):
    """Collects everything that would make a browser load something or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed"):
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name in ("src", "srcset", "data") or name.startswith("on")]


def loads_and_runs(page: str) -> list[str]:
    """Name what in a page would load or run something."""
    parser = _Fetches()
    parser.feed(page)
    return [*parser.found, *re.findall(r"@import", page), *re.findall(r"url\((?!#)", page)]
