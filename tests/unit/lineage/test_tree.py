"""The tree that a person reads, and the picture, of one record."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from gptmodel.lineage.ancestry import trace
from gptmodel.lineage.picture import lineage_svg
from gptmodel.lineage.raw_files import read_raw_files
from gptmodel.lineage.record import lineage_record
from gptmodel.lineage.tree import Branch, draw, tree_of
from gptmodel.lineage.versions import list_versions
from gptmodel.provenance import Provenance
from tests.unit.erasure.home import SmallHome


@pytest.fixture(scope="module")
def record(retrained: SmallHome) -> dict[str, Any]:
    """The second version's record, made with changed files, and blocked."""
    ancestry = trace(retrained.store, list_versions(retrained.store)[1])
    ingest = ancestry.stage("ingest")
    assert ingest is not None
    files = read_raw_files(retrained.store.folder("ingest", ingest.fingerprint))
    code = Provenance(version="1", commit="c" * 40, is_dirty=True, python="3.11", libraries={}, machine="Linux")
    decided = [{"gate": "promote", "passed": False, "reason": "it recites <values> & more", "scope": ""}]
    return {**lineage_record(ancestry, files), "code": code.model_dump(mode="json"), "decisions": decided}


def drawn(record: dict[str, Any]) -> str:
    return "\n".join(text + warning for text, warning in draw(tree_of(record), width=500))


def test_the_tree_leads_from_the_version_to_raw_files(record: dict[str, Any]) -> None:
    lines = drawn(record).splitlines()
    assert lines[0] == "models:/gpt/2"
    order = [next(n for n, line in enumerate(lines) if word in line)
             for word in ("model ", "token shards", "clean shards", "raw files", "licence", "0.txt")]  # fmt: skip
    assert order == sorted(order)


def test_changed_files_of_the_code_are_the_warning_of_their_line(record: dict[str, Any]) -> None:
    warned = [(text, warning) for text, warning in draw(tree_of(record)) if warning]
    assert [warning for _, warning in warned] == [" with uncommitted changes"]
    assert "commit cccccccccccc" in warned[0][0]


def test_a_no_is_told_as_one(record: dict[str, Any]) -> None:
    assert "promote: no: it recites <values> & more" in drawn(record)


@pytest.mark.parametrize(
    ("state", "words"),
    [("gone", "deleted from the store; its digest stays"), ("text deleted", "text deleted after scrubbing"),
     ("purged", "documents taken out for R-7")],
)  # fmt: skip
def test_what_was_deleted_is_told_with_the_digest_that_stays(record: dict[str, Any], state: str, words: str) -> None:
    changed = {"state": state, "purged_for": ["R-7"]}
    stages = [{**row, **changed} if row["stage"] == "scrub" else row for row in record["stages"]]
    [line] = [line for line in drawn({**record, "stages": stages}).splitlines() if words in line]
    digest = next(row["digest"] for row in stages if row["stage"] == "scrub")
    assert digest[:12] in line
    assert words in lineage_svg({**record, "stages": stages})


def test_long_lines_go_on_below_and_stay_in_their_branch() -> None:
    tree = Branch("root", below=[Branch("word " * 40, below=[Branch("leaf")]), Branch("last")])
    lines = [text for text, _ in draw(tree, width=60)]
    assert max(map(len, lines)) <= 60
    assert [line[:2] for line in lines[1:-1]] == ["├─", *["│ "] * (len(lines) - 3)]
    assert lines[-1] == "└─ last"


def test_the_picture_is_an_svg_that_stands_alone(record: dict[str, Any]) -> None:
    svg = lineage_svg(record)
    root = ET.fromstring(svg)
    words = " ".join(root.itertext())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "it recites <values> & more" in words
    assert all(row["digest"][:12] in words for row in record["stages"])
    assert "with uncommitted changes" in words
    assert "href" not in svg
    assert svg == lineage_svg(record)
