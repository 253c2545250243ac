"""The page: one file that asks nobody for anything, says what the record says, and trusts no text."""

import re
from datetime import date
from pathlib import Path

import pytest

from gptmodel.evidence.account import Evidence, RegistryAnswer
from gptmodel.evidence.gathering import gather_elsewhere
from gptmodel.evidence.page import TITLES, write_evidence_page
from tests.unit.evidence.known import DAY
from tests.unit.pages import loads_and_runs, words_of


def write(path: Path, evidence: Evidence) -> str:
    write_evidence_page(path, evidence, {}, ["config.toml, which is gone"])
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(whole: Evidence, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("page") / "index.html", whole)


@pytest.mark.parametrize(
    "text",
    [
        "Evidence for gpt version 3", "as of 2030-01-31", "Quality gate passed.", "Leak test passed.", "Promoted.",
        "No open point of those that this program looks for", "Which model is this, and are these its files?",
        "commit " + "c" * 40, "e" * 64, "notes /texts/notes CC0 Ada research 2031-01-31 no", "EMAIL 50 of 50",
        "sees a value in 0 of 400 documents", "0 missed in 400 passages", "read by Mei", "of 9,000 passages",
        "approved models:/gpt/3 Mei", "Digest of the newest, number 2", "No erasure request of this home concerns it",
        "None of this is a guarantee of anonymity", "sha256sum -c SHA256SUMS", "Not in the folder: config.toml",
        "no legal basis is recorded",
    ],
)  # fmt: skip
def test_the_page_says(page: str, text: str) -> None:
    assert text in words_of(page)


def test_every_link_leads_to_a_section_of_the_page(page: str) -> None:
    anchors = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= anchors
    assert set(TITLES) <= anchors
    assert re.findall(r'href="(?!#)', page) == []


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert loads_and_runs(page) == []


def test_the_same_evidence_gives_the_same_bytes(page: str, whole: Evidence, tmp_path: Path) -> None:
    assert write(tmp_path / "again.html", whole) == page


def test_open_points_stand_before_the_numbers_with_what_mends_them(whole: Evidence, tmp_path: Path) -> None:
    point = {"section": "sources", "says": "Nobody answers.", "mend": "Name <b>somebody</b>."}
    changed = Evidence.model_validate(whole.model_dump() | {"open_points": [point]})
    page = write(tmp_path / "p.html", changed)
    assert "1 open point: what an auditor would stop at." in words_of(page)
    assert "Nobody answers. Section 3 Name &lt;b&gt;somebody&lt;/b&gt;." in words_of(page)
    assert page.index("Nobody answers") < page.index('class="figures"')


def test_erasure_requests_are_counted_and_others_only_numbered(whole: Evidence, tmp_path: Path) -> None:
    request = {
        "id": "R-7", "opened": date(2030, 1, 1), "closed": None, "asked_by": "values", "num_documents": 3,
        "num_duplicates": 2, "relation": "saw", "num_purges": 1, "is_retired_for": False,
    }  # fmt: skip
    other = request | {"id": "R-8", "relation": "did not see"}
    changed = Evidence.model_validate(whole.model_dump() | {"erasures": [request, other]})
    words = words_of(write(tmp_path / "p.html", changed))
    assert "R-7 2030-01-01 open values 3 2 saw them 1 time no" in words
    assert "R-8" not in words
    assert "1 further request of this home concerns documents that it did not see" in words


def test_a_broken_chain_of_events_is_told_in_their_place(whole: Evidence, tmp_path: Path) -> None:
    changed = Evidence.model_validate(whole.model_dump() | {"chain": {"problem": "event 2 was changed"}})
    assert "log of events is broken: event 2 was changed" in words_of(write(tmp_path / "p.html", changed))


def test_of_a_version_made_elsewhere_the_page_says_what_the_registry_says(tmp_path: Path) -> None:
    answer = RegistryAnswer(is_there=True, bundle_digest="b" * 64, champion="models:/gpt/7", aliases=("champion",))
    words = words_of(write(tmp_path / "p.html", gather_elsewhere("models:/gpt/7", answer, DAY)))
    assert "from the registry only: it was not made in this home" in words
    assert words.count("Not known in this home.") >= 5
    assert "b" * 64 in words
