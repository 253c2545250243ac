"""The gate's pages: every check on the first of them, and nothing that leads or loads from elsewhere."""

import re
from pathlib import Path

import pytest

from gptmodel.corpus.quality.checks import CheckResult
from gptmodel.corpus.quality.pages import result_pages, without_outside_links, write_overview
from gptmodel.decision import Decision
from tests.unit.corpus.gate import make, prose, sound


@pytest.fixture(scope="module")
def docs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a corpus with an address left in a document."""
    folder = tmp_path_factory.mktemp("gate")
    sound(folder, make(99, f"{prose(99)}\nwrite to anna.keller@example.com today")).check()
    return folder / "gate" / "notes" / "data-docs"


def test_the_overview_shows_the_answer_and_each_check_with_its_documents(docs_dir: Path) -> None:
    page = (docs_dir / "index.html").read_text("utf-8")
    assert "<h1>Quality gate: no</h1>" in page
    assert "1 findings in a second search of the scrubbed text" in page
    assert f"<code>{make(99).id}</code>" in page
    assert page.count("<td>passed</td>") > 20
    assert page.index('<td class="no">no</td>') < page.index("<td>passed</td>")


def test_the_overview_leads_to_the_page_of_each_table(docs_dir: Path) -> None:
    links = re.findall(r'<li><a href="([^"]+)">(\w+)</a>', (docs_dir / "index.html").read_text("utf-8"))
    assert sorted(name for _, name in links) == sorted(result_pages(docs_dir)) == ["corpus", "documents", "sources"]
    assert all((docs_dir / link).is_file() for link, _ in links)


def test_a_warning_is_told_from_a_no(tmp_path: Path) -> None:
    checks = [CheckResult(name=f"{severity} one", passed=False, severity=severity, observed="<2>", limit="at most 1")
              for severity in ("hard", "soft")]  # fmt: skip
    write_overview(tmp_path, Decision(passed=False, reason="r"), checks)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert (page.count('<td class="no">no</td>'), page.count('<td class="warning">warning</td>')) == (1, 1)
    assert "&lt;2&gt;" in page


def test_no_page_loads_or_leads_to_anything_elsewhere(docs_dir: Path) -> None:
    outside = re.compile(r"<(?:script|link|img|iframe|a)\b[^>]*\b(?:src|href)=.?https?:", re.S)
    pages = list(docs_dir.rglob("*.html"))
    assert len(pages) == 7
    assert not [page for page in pages if outside.search(page.read_text("utf-8"))]


def test_what_a_page_holds_itself_stays() -> None:
    page = (
        '<head><link rel="stylesheet" href="https://cdn.example/a.css"><script src="https://cdn.example/b.js"></script>'
        '<link href="static/c.css"></head><img src="https://x.example/p.png"/><p>text</p>'
        '<a class="x" href="https://x.example/?a=b">name</a><a href="#top">top</a>'
    )
    result = without_outside_links(page)
    assert "https://" not in result
    for kept in ('href="static/c.css"', "<p>text</p>", '<a class="x">name</a>', '<a href="#top">'):
        assert kept in result
