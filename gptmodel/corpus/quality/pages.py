"""The pages of the quality gate: Great Expectations' own (Data Docs), and one before them that shows every check.

All of them open offline and load nothing from elsewhere. The library's own first page would be blank then, because a
script from elsewhere fills it; an overview takes its place, that stands alone in a frame of MLflow too.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gptmodel.decision import Decision
from gptmodel.store import write_synced

if TYPE_CHECKING:
    from gptmodel.corpus.quality.checks import CheckResult

DATA_DOCS_DIR = "data-docs"
"""Folder of the pages in a stage's notes."""
OVERVIEW = "index.html"

_LOADED = re.compile(
    r"<script[^>]*\bsrc=\"?https?:.*?</script>|<(?:link|img)[^>]*\b(?:href|src)=\"?https?:[^>]*>", re.S
)
_LINKED = re.compile(r"(<a\b[^>]*?)\s+href=\"?https?:[^\s\">]*\"?")
_STYLE = (
    "<style>body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    "padding:.3em}.modal,.ge-walkthrough-modal,form,footer{display:none}i.fas{font-style:normal}"
    ".fa-check-circle::before{content:'passed';color:green}.fa-times::before{content:'failed';color:red}"
    ".fa-exclamation-triangle::before{content:'warning';color:darkorange}</style></head>"
)


def write_overview(docs_dir: Path, decision: Decision, checks: Sequence["CheckResult"]) -> None:
    """Make the pages that Great Expectations wrote stand alone, and write the overview before them.

    Args:
        docs_dir: Folder of the pages.
        decision: The gate's answer.
        checks: All checks; those that failed come first.
    """
    import jinja2

    for page in docs_dir.rglob("*.html"):
        page.write_text(without_outside_links(page.read_text("utf-8")), "utf-8")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gptmodel", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    template = environment.get_template("quality.html.j2")
    first = sorted(checks, key=lambda check: (check.passed, check.severity != "hard"))
    pages = {name: path.relative_to(docs_dir).as_posix() for name, path in result_pages(docs_dir).items()}
    write_synced(docs_dir / OVERVIEW, template.render(decision=decision, checks=first, pages=pages))


def result_pages(docs_dir: Path) -> dict[str, Path]:
    """Give the pages of results in a folder, by the name of their table."""
    pages = sorted(docs_dir.glob("validations/*/*/*/*.html"))
    return {path.relative_to(docs_dir).parts[1]: path for path in pages}


def without_outside_links(page: str) -> str:
    """Give a page that neither loads anything from elsewhere nor leads there: opening it tells nobody."""
    return _LINKED.sub(r"\1", _LOADED.sub("", page)).replace("</head>", _STYLE, 1)
