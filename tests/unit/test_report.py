"""The report: one file that asks nobody for anything, shows what the accounts say, and trusts no text."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from gptmodel.report import write_report
from tests.unit.pages import loads_and_runs, words_of

CURVE = [
    {"step": n, "train_loss": 8.0 / (n + 1), **({"validation_loss": 2.0} if n % 5 == 0 else {})} for n in range(11)
]
SAMPLES = [{"step": 0, "prompt": "The function", "text": " <b>x</b> & y"}, {"step": 10, "prompt": "P", "text": " 返回"}]
FACTS: dict[str, Any] = {
    "model": "models:/gpt/3",
    "Prefect run": "http://127.0.0.1:4200/runs/1",
    "stages": {"ingest": {"fingerprint": "f" * 32, "digest": "d" * 64}},
    "config": {"preset": "tiny", "model": {"num_layers": 4}, "corpus": {"sources": [{"name": "notes"}]}},
}
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ingest": {
        "num_read": 1900, "num_documents": 1842, "num_parts": 1850, "num_planted": 0, "num_quarantined": 58,
        "sources": [{"name": "notes", "num_files": 7, "num_documents": 1842, "num_parts": 1850, "num_quarantined": 58,
                     "quarantined_by_reason": {"too_large": 58}, "num_bytes": 9000, "digest": "abc123",
                     "licence": "CC0", "personal_data": "yes"}],
    },
    "clean": {
        "num_read": 1850, "num_kept": 1803,
        "sources": [{"name": "notes", "num_read": 1850, "num_kept": 1803, "num_bytes_read": 9000,
                     "num_bytes_kept": 8900, "dropped_by_reason": {"too short": 41, "repeated lines": 6},
                     "dropped_bytes_by_reason": {"too short": 30, "repeated lines": 70}}],
    },
    "scrub": {
        "num_documents": 1803, "num_findings": 212, "findings": {"EMAIL": 148, "CREDIT_CARD": 0},
        "kinds_not_searched": ["ADDRESS"], "scope": "searched for 2 kinds", "untested_kinds": ["STAFF_ID"],
        "self_test": [
            {"kind": "EMAIL", "num_values": 20, "num_found": 19, "recall": 0.95, "lower_bound": 0.784,
             "num_decoys": 20, "num_decoys_touched": 1},
            {"kind": "STAFF_ID", "num_values": 0, "num_found": 0, "recall": None, "lower_bound": None,
             "num_decoys": 0, "num_decoys_touched": 0},
        ],
        "sources": [{"name": "notes", "num_documents": 1803, "num_bytes_read": 8900, "num_bytes_kept": 8800}],
    },
    "deduplicate": {
        "num_kept": 1771,
        "sources": [{"name": "notes", "num_read": 1803, "num_kept": 1771, "num_bytes_kept": 8500,
                     "dropped_by_reason": {"exact": 20, "near": 12},
                     "dropped_bytes_by_reason": {"exact": 200, "near": 100}}],
    },
    "split": {
        "num_train": 1594, "num_validation": 88, "num_test": 89,
        "sources": [{"name": "notes", "num_train": 1594, "num_validation": 88, "num_test": 89, "num_bytes_train": 8000,
                     "num_bytes_validation": 250, "num_bytes_test": 250}],
    },
    "quality gate": {"decision": {"passed": True, "reason": "1 of 1 checks passed.", "scope": "", "numbers": {}},
                     "checks": [{"name": "enough documents", "passed": True, "observed": "1771", "limit": "20"}]},
    "train": {"num_parameters": 1311232, "num_tokens": 2457600},
    "evaluate": {"loss": 4.4, "perplexity": 81.5, "bits_per_byte": 1.74, "baselines": {"xz": 2.31, "unigram": 3.02},
                 "bleu": None, "by_source": {"notes": {"bits_per_byte": 1.7, "loss": 4.4, "num_documents": 89}}},
    "privacy audit": {"decision": {"passed": False, "reason": "2 of 16 recognised.", "scope": "13 kinds"},
                      "exposure": {"num_catchable": 16, "p_value": 0.004}, "num_leaks": 0},
    "promote": {"decision": {"passed": True, "reason": "first version.", "scope": ""}},
}  # fmt: skip


def write(path: Path, **change: Any) -> str:
    given = {"title": "gpt version 3", "facts": FACTS, "accounts": ACCOUNTS, "curve": CURVE, "samples": SAMPLES}
    write_report(path, **{**given, **change})
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("report") / "deep" / "index.html")


@pytest.fixture(scope="module")
def words(page: str) -> str:
    return words_of(page)


@pytest.mark.parametrize(
    "text",
    [
        "gpt version 3", "Promoted. first version.", "Leak test: no. 2 of 16 recognised. Scope: 13 kinds",
        "Quality gate passed.", "1.74", "81.5", "1,311,232", "2,457,600", "1,594", "too short 41 30", "too large 58",
        "exact duplicate 20 200", "near duplicate 12 100", "EMAIL 148", "CREDIT_CARD 0", "ADDRESS", "xz 2.31",
        "unigram 3.02", "0.004", "enough documents", "CC0", "abc123", "f" * 16, "num_layers 4",
        "sources.1.name notes", "models:/gpt/3", "1,900",
    ],
)  # fmt: skip
def test_the_page_says(words: str, text: str) -> None:
    assert text in words


def test_texts_are_escaped(page: str) -> None:
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in page


def test_a_title_and_a_reason_are_escaped(tmp_path: Path) -> None:
    evil = {"promote": {"decision": {"passed": True, "reason": "<script>1</script>", "scope": "<img src=x>"}}}
    page = write(tmp_path / "r.html", title="<script>2</script>", accounts=evil)
    assert "<script" not in page
    assert "<img" not in page


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert loads_and_runs(page) == []


def test_a_link_is_made_of_web_addresses_only(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", facts={"bad": "javascript:alert(1)", "good": "https://example.org/x"})
    assert re.findall(r'href="([^"#]*)"', page) == ["https://example.org/x"]


def test_the_page_suits_light_dark_and_narrow_screens(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_the_same_accounts_give_the_same_bytes(page: str, tmp_path: Path) -> None:
    assert write(tmp_path / "again.html") == page


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    write(tmp_path / "r.html")
    assert stat.S_IMODE((tmp_path / "r.html").stat().st_mode) == 0o600


def test_a_version_with_nothing_known_still_has_a_page(tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", facts={}, accounts={}, curve=[], samples=[])
    assert "gpt version 3" in page
    assert "<h2>" not in page


@pytest.mark.parametrize("missing", sorted(ACCOUNTS))
def test_a_stage_that_did_not_run_is_left_out(tmp_path: Path, missing: str) -> None:
    accounts = {name: account for name, account in ACCOUNTS.items() if name != missing}
    assert "gpt version 3" in write(tmp_path / "r.html", accounts=accounts)


def test_the_test_on_invented_values_is_shown_by_kind_and_what_was_not_tried(words: str) -> None:
    assert "EMAIL 19 of 20 95 % 78 % 1 of 20" in words
    assert "STAFF_ID not tried" in words
    assert "Not tested: STAFF_ID" in words


def test_kinds_not_searched_stand_beside_the_kinds_found(words: str) -> None:
    assert (
        "Not searched Nobody looked for these kinds in running text; the training text may hold them. ADDRESS" in words
    )


def test_samples_are_pinned_to_their_steps(words: str) -> None:
    assert "1 step 0 The function" in words
    assert "2 step 10 P 返回" in words


@pytest.mark.parametrize(("can_see", "box"), [(True, "gate passed"), (False, "gate warning")])
def test_a_leak_test_that_could_hardly_see_is_not_shown_as_a_plain_yes(tmp_path: Path, can_see: bool, box: str) -> None:
    audit = ACCOUNTS["privacy audit"]
    account = {**audit, "decision": {"passed": True, "reason": "passed: 0 copies", "scope": ""},
               "exposure": {**audit.get("exposure", {}), "can_see": can_see}}  # fmt: skip
    page = write(tmp_path / "r.html", accounts=ACCOUNTS | {"privacy audit": account})
    assert f'<div class="{box}">\n  <b>Leak test passed.</b>' in page


def test_what_became_of_the_findings_is_said_below_them(tmp_path: Path) -> None:
    more = {
        "replacements": {"EMAIL": "mask", "CREDIT_CARD": "placeholder"},
        "num_allowed": 3,
        "additions": ["recognizer"],
    }
    words = words_of(write(tmp_path / "r.html", accounts=ACCOUNTS | {"scrub": ACCOUNTS["scrub"] | more}))
    assert "Found, by kind EMAIL 148 CREDIT_CARD 0 Replaced: EMAIL by a mask, the others by a placeholder." in words
    assert "3 values of the allow file left standing." in words
    assert "Also used: recognizer." in words


@pytest.mark.parametrize(("kinds", "text"), [([], "kinds all"), (["EMAIL"], "kinds EMAIL")])
def test_no_kinds_in_the_settings_are_all_kinds(tmp_path: Path, kinds: list[str], text: str) -> None:
    page = write(tmp_path / "r.html", facts={"config": {"scrubbing": {"kinds": kinds, "custom": []}}})
    assert f"{text} custom none" in words_of(page)


def test_what_an_owner_says_of_a_source_stands_in_the_table_of_sources(tmp_path: Path) -> None:
    owned = {"owner": "Ada", "purpose": "research", "keep_until": "2030-01-31"}
    ingest = ACCOUNTS["ingest"] | {"sources": [ACCOUNTS["ingest"]["sources"][0] | owned]}
    words = words_of(write(tmp_path / "r.html", accounts=ACCOUNTS | {"ingest": ingest}))
    assert "owner purpose keep until digest" in words
    assert "CC0 yes Ada research 2030-01-31 abc123" in words
