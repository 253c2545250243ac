"""The sets: their names, their order, and how a rule is turned off."""

import pickle

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.rules import SETS, AnyRule, Edit, apply_rules, c4, check_rules, rules_of
from gptmodel.errors import ConfigError

EVERY_RULE = [(name, rule) for name, rules in SETS.items() for rule in rules]
PARAGRAPH = (
    "The garden behind the house is open to everyone who likes old trees and quiet afternoons. Nobody has to pay, and "
    "there are benches under each of the seven lime trees that were planted when the street was new."
)
PAGE = (
    f"Home\n\n{PARAGRAPH}\nA little further on, the path leads down to the river, where boats can be rented.[1]"
    "\nPlease turn on JavaScript to see the map.\nRead more"
)


def page(text: str, lang: str = "en") -> Document:
    return Document("0", "web", "a.html", text, lang)


@pytest.mark.parametrize("rules", SETS.values(), ids=SETS)
def test_names_are_unique_short_and_lower_case(rules: tuple[AnyRule, ...]) -> None:
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and len(name) <= 24 for name in names)


@pytest.mark.parametrize(("name", "rule"), EVERY_RULE)
def test_every_rule_names_its_source_and_says_what_it_does(name: str, rule: AnyRule) -> None:
    function = rule.edit if isinstance(rule, Edit) else rule.drops
    assert rule.source
    assert function.__doc__


@pytest.mark.parametrize(("name", "rule"), EVERY_RULE)
def test_every_rule_can_be_turned_off(name: str, rule: AnyRule) -> None:
    config = CleaningConfig(rules=name, skip=(rule.name,))  # type: ignore[arg-type]
    check_rules(config)
    assert rules_of(config) == tuple(other for other in SETS[name] if other is not rule)


def test_a_rule_that_is_turned_off_drops_nothing() -> None:
    verdicts = [apply_rules(page("Too short."), CleaningConfig(skip=skip)) for skip in ((), ("too short",))]
    assert [verdict.reason for verdict in verdicts] == ["too short", ""]


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"skip": ("to short",)}, "Did you mean 'too short'?.*too short, broken text, not text, repeated lines"),
        ({"skip": ("xyz",)}, "Its rules: too short"),
        ({"skip": ("curly bracket",)}, "Its rules: too short"),
        ({"rules": "web", "skip": ("curly brackets",)}, "Did you mean 'curly bracket'?"),
    ],
)
def test_an_unknown_rule_is_refused_with_the_nearest_and_all_names(settings: dict[str, object], mend: str) -> None:
    with pytest.raises(ConfigError, match=mend):
        check_rules(CleaningConfig(**settings))


def test_a_language_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(ConfigError, match="xx"):
        check_rules(CleaningConfig(languages=("xx",)))


def test_the_first_rule_in_the_order_of_the_set_gives_the_reason() -> None:
    assert apply_rules(page("1 2"), CleaningConfig()).reason == "too short"
    assert apply_rules(page("1 2 { lorem ipsum"), CleaningConfig(rules="web")).reason == "few words"


def test_rules_of_the_web_see_the_page_before_anything_is_taken_out() -> None:
    edits = [isinstance(rule, Edit) for rule in SETS["web"]]
    assert SETS["web"][edits.index(True) :][-1] is c4.few_sentences
    assert all(edits[edits.index(True) : -1])


def test_editing_rules_change_the_text_and_count_what_they_took() -> None:
    verdict = apply_rules(page(PAGE), CleaningConfig(rules="web"))
    assert verdict.reason == ""
    assert verdict.document.text == (
        f"{PARAGRAPH}\nA little further on, the path leads down to the river, where boats can be rented."
    )
    assert verdict.removed_bytes == {"citation marks": 3, "lines without end": 16, "javascript lines": 42}
    assert sum(verdict.removed_bytes.values()) == len(PAGE) - len(verdict.document.text)


def test_a_page_that_is_dropped_keeps_its_text() -> None:
    document = page(f"Home\n{PARAGRAPH}")
    verdict = apply_rules(document, CleaningConfig(rules="web", skip=("few words",)))
    assert (verdict.reason, verdict.document, verdict.removed_bytes) == ("few sentences", document, {})


@pytest.mark.parametrize("name", SETS)
def test_a_text_that_no_rule_touches_is_the_very_text(name: str) -> None:
    document = page(f"{PARAGRAPH}\n\nA little further on, the path leads down to the river. It is wide there.")
    verdict = apply_rules(document, CleaningConfig(rules=name))  # type: ignore[arg-type]
    assert verdict.document.text is document.text


def test_a_document_that_stays_has_a_language() -> None:
    assert apply_rules(page(PARAGRAPH, "und"), CleaningConfig()).document.lang == "en"
    assert apply_rules(page(PARAGRAPH, "de"), CleaningConfig()).document.lang == "de"


def test_what_travels_to_a_worker_can_be_pickled() -> None:
    config = CleaningConfig(rules="web", skip=("curly bracket",))
    assert rules_of(pickle.loads(pickle.dumps(config))) == rules_of(config)
