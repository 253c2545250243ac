"""What is searched, and whether that will do."""

import pytest

from gptmodel.config import CustomFinderConfig, ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.coverage import Coverage, judged, refusals, warnings
from gptmodel.decision import Decision

ADDRESS_MISSING = Coverage(("EMAIL", "PERSON"), ("ADDRESS",), (), ("names in labelled fields only",))
IN_PART = Coverage(("EMAIL", "ADDRESS"), ("ADDRESS",), (), ("addresses in labelled fields only",))
ACCEPTED = Coverage(("EMAIL", "PERSON"), ("ADDRESS",), ("ADDRESS",), ())


def coverage(**settings: object) -> Coverage:
    return Scrubber(ScrubbingConfig.model_validate(settings)).coverage


def test_names_count_as_searched_and_addresses_do_not() -> None:
    assert "PERSON" in coverage().searched
    assert coverage().not_searched == ("ADDRESS",)


def test_a_kind_searched_in_part_is_not_among_the_searched() -> None:
    assert IN_PART.searched == ("EMAIL",)


def test_the_scope_says_how_far_the_search_goes() -> None:
    assert coverage().scope.startswith("searched for 13 kinds (EMAIL, ")
    assert "names in labelled fields and after titles only" in coverage().scope
    assert coverage().scope.endswith("not searched: ADDRESS in running text")


def test_the_scope_names_an_accepted_kind_as_accepted() -> None:
    assert coverage(accept_unsearched=["ADDRESS"]).scope.endswith("not searched: ADDRESS in running text (accepted)")


def test_without_names_nobody_is_said_to_look_for_them() -> None:
    scope = coverage(find_names=False).scope
    assert scope.endswith("not searched: PERSON, ADDRESS in running text")
    assert "names in labelled fields" not in scope


def test_chosen_kinds_leave_the_others_not_searched() -> None:
    assert coverage(kinds=["EMAIL"]).searched == ("EMAIL",)
    assert "PHONE" in coverage(kinds=["EMAIL"]).not_searched


def test_patterns_of_the_site_do_not_make_addresses_searched() -> None:
    found = coverage(custom=[CustomFinderConfig(kind="ADDRESS", pattern=r"ward \d+")])
    assert "ADDRESS" in found.not_searched
    assert "ADDRESS" in found.kinds


def test_data_about_people_asks_for_every_kind() -> None:
    [words] = refusals({"ward-notes": "yes", "manuals": "no"}, ADDRESS_MISSING)
    assert words == (
        'Source "ward-notes" has personal_data = yes, and nothing here looks for ADDRESS. Install a recognizer or '
        'accept it: scrubbing.accept_unsearched = ["ADDRESS"]; it will be on the version\'s page'
    )


def test_labelled_fields_alone_do_not_do_for_addresses() -> None:
    [words] = refusals({"notes": "yes", "letters": "yes"}, IN_PART)
    assert words.startswith('Sources "notes", "letters" have personal_data = yes')
    assert "nothing here looks for ADDRESS in running text. Install" in words


def test_a_kind_left_out_is_to_be_looked_for() -> None:
    [words] = refusals({"notes": "yes"}, coverage(kinds=["EMAIL"], accept_unsearched=["ADDRESS"]))
    assert "Look for it (scrubbing.kinds) or accept it" in words
    assert 'accept_unsearched = ["ADDRESS", "PHONE"' in words


@pytest.mark.parametrize("personal_data", [{"notes": "no"}, {"notes": "unknown"}, {}])
def test_without_data_about_people_nothing_is_refused(personal_data: dict[str, str]) -> None:
    assert refusals(personal_data, ADDRESS_MISSING) == []


def test_what_is_accepted_is_not_refused() -> None:
    assert refusals({"notes": "yes"}, ACCEPTED) == []


def test_sources_that_say_nothing_are_named_once() -> None:
    [words] = warnings({"a": "unknown", "b": "no", "c": "unknown"}, ADDRESS_MISSING)
    assert words.startswith('Sources "a", "c" say nothing of personal data')
    assert words.endswith("not searched: ADDRESS")


def test_what_will_be_refused_is_warned_of() -> None:
    [words] = warnings({"ward-notes": "yes"}, ADDRESS_MISSING)
    assert "nothing here looks for ADDRESS" in words
    assert words.endswith("Until then the version gets no alias.")


def test_a_leak_test_that_passed_is_turned_into_a_no() -> None:
    passed = Decision(passed=True, reason="passed: nothing leaked", scope="s")
    answer = judged(passed, {"notes": "yes"}, ADDRESS_MISSING)
    assert not answer.passed
    assert answer.reason.startswith('no: Source "notes" has personal_data = yes')
    assert answer.reason.endswith("; the leak test itself passed: nothing leaked")
    assert judged(passed, {"notes": "no"}, ADDRESS_MISSING) == passed


def test_a_leak_test_that_said_no_keeps_its_reasons() -> None:
    answer = judged(Decision(passed=False, reason="no: it leaks"), {"notes": "yes"}, ADDRESS_MISSING)
    assert answer.reason.endswith("; it leaks")
