from datetime import date

import pytest

from gptmodel.decision import Decision
from gptmodel.registry import with_decision
from gptmodel.version_text import (
    SourceLine,
    VersionAccount,
    VersionLinks,
    describe_version,
    leak_test_tags,
    with_review,
)

ACCOUNT = VersionAccount(
    privacy=Decision(passed=True, reason="no planted phrase came out", scope="26 phrases"),
    bits_per_byte=1.73219, perplexity=41.5, loss=3.7257,
    num_parameters=1_234_567, num_tokens=614_400, num_documents=812,
    sources=(SourceLine(name="notes|old", num_documents=12, digest="ab" * 32, licence="CC0", personal_data="no"),),
    kinds_searched=("EMAIL", "PHONE"), kinds_not_searched=("ADDRESS",), training_digest="cd" * 32,
    links=VersionLinks(flow_run="http://127.0.0.1:4200/runs/1"),
)  # fmt: skip


def test_the_first_line_is_the_decision() -> None:
    text = describe_version(ACCOUNT, Decision(passed=True, reason="0.01 better than v1", scope="test split"))
    assert text.splitlines()[0] == "**Decision:** 0.01 better than v1 (test split)"


def test_before_a_comparison_the_first_line_says_so() -> None:
    assert describe_version(ACCOUNT).startswith("**Decision:** not compared")


@pytest.mark.parametrize("figure", ["1.7322", "41.50", "3.7257", "1,234,567", "614,400", "812"])
def test_six_numbers_stand_in_the_description(figure: str) -> None:
    assert f"| {figure}&emsp; |" in describe_version(ACCOUNT)


def test_the_source_table_has_digest_licence_and_personal_data() -> None:
    assert "| notes\\|old&emsp; | 12&emsp; | `abababababababab`&emsp; | CC0&emsp; | no&emsp; |" in describe_version(
        ACCOUNT
    )


def test_kinds_not_searched_stand_beside_those_searched() -> None:
    text = describe_version(ACCOUNT)
    assert "- **Searched**: EMAIL, PHONE\n- **Not searched**: ADDRESS" in text


def test_what_is_searched_in_part_and_what_is_accepted_stand_between_them() -> None:
    update = {"kinds_accepted": ("ADDRESS",), "kinds_in_part": ("ADDRESS",), "limits": ("in labelled fields only",)}
    text = describe_version(ACCOUNT.model_copy(update=update))
    assert "- **In part**: in labelled fields only\n- **Not searched**: ADDRESS in running text (accepted)" in text


def test_what_was_measured_of_scrubbing_stands_below_the_kinds() -> None:
    measured = {"self_test": "37 of 40 found", "second_scanner": "sees a value in 0 of 60 documents"}
    text = describe_version(ACCOUNT.model_copy(update=measured))
    assert "- **Scrubber tested on invented values**: 37 of 40 found\n" in text
    assert "- **Second scanner**: sees a value in 0 of 60 documents\n- **Checked by a person**: no\n" in text


def test_the_leak_tests_scope_has_a_line_of_its_own() -> None:
    text = describe_version(ACCOUNT)
    assert "- **Leak test**: no planted phrase came out\n- **Scope of the leak test**: 26 phrases" in text


def test_what_was_planted_and_what_is_not_filtered_is_said() -> None:
    assert "- **Planted test phrases**: none" in describe_version(ACCOUNT)
    account = ACCOUNT.model_copy(update={"num_planted": 190, "planted_token_ratio": 0.00418})
    assert "190 documents, 0.42 % of the tokens trained on, on purpose" in describe_version(account)
    assert "- **Output filter**: none in this version as it is served" in describe_version(ACCOUNT)


def test_the_leak_tests_numbers_are_tags_and_what_was_not_measured_is_none() -> None:
    numbers = {"p_value": 0.004, "num_leaks": 0, "power": None, "num_copies": 7}
    tags = leak_test_tags(Decision(passed=False, reason="no", numbers=numbers))
    assert tags == {
        "gptmodel.leak_test": "no", "gptmodel.leak_test.p_value": "0.004", "gptmodel.leak_test.num_leaks": "0",
    }  # fmt: skip


def test_a_scope_that_the_reason_names_is_not_repeated() -> None:
    text = describe_version(ACCOUNT, Decision(passed=True, reason="better on 16 documents", scope="16 documents"))
    assert text.splitlines()[0] == "**Decision:** better on 16 documents"


def test_links_that_are_not_known_are_left_out() -> None:
    text = describe_version(ACCOUNT)
    assert "[http://127.0.0.1:4200/runs/1](http://127.0.0.1:4200/runs/1)" in text
    assert "MLflow run" not in text


def test_a_decision_replaces_the_earlier_one_and_nothing_else() -> None:
    text = describe_version(ACCOUNT)
    decided = with_decision(text, Decision(passed=False, reason="not better"))
    assert decided == text.replace("not compared with a champion yet.", "not better")


def test_a_decision_is_put_before_a_description_written_by_hand() -> None:
    assert with_decision("by hand", Decision(passed=True, reason="yes")) == "**Decision:** yes\n\nby hand"


def test_a_decision_without_description_is_its_sentence() -> None:
    assert with_decision("", Decision(passed=True, reason="yes")) == "**Decision:** yes"


def test_a_check_that_comes_in_later_stands_where_the_description_of_a_checked_text_has_it() -> None:
    checked = ACCOUNT.model_copy(update={"review": "0 missed in 400 passages"})
    assert with_review(describe_version(ACCOUNT), "0 missed in 400 passages") == describe_version(checked)


def test_what_was_done_with_the_findings_stands_in_one_line() -> None:
    text = describe_version(ACCOUNT.model_copy(update={"replacing": ("replaced: EMAIL by a mask", "2 documents out")}))
    assert "- **What was found**: replaced: EMAIL by a mask; 2 documents out\n" in text


def test_owner_purpose_and_last_day_are_columns_where_a_source_names_them() -> None:
    line = ACCOUNT.sources[0].model_copy(update={"owner": "Ada", "keep_until": date(2030, 1, 31)})
    text = describe_version(ACCOUNT.model_copy(update={"sources": (line,)}))
    assert "personal data&emsp; | owner&emsp; | keep until&emsp; |" in text
    assert "| no&emsp; | Ada&emsp; | 2030-01-31&emsp; |" in text
    assert "owner" not in describe_version(ACCOUNT)
