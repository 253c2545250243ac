"""The questions: each has an answer, and what is not known or not measured is said so."""

from pathlib import Path

from gptmodel.evidence.account import Evidence, RegistryAnswer
from gptmodel.evidence.gathering import gather_elsewhere
from gptmodel.evidence.page import TITLES
from gptmodel.evidence.questions import questions
from tests.unit.evidence.known import DAY, EXPOSURE, Kept


def answers(evidence: Evidence) -> dict[str, str]:
    return {one.asks: one.answer for one in evidence.questions}


def test_every_question_has_an_answer_in_a_section_of_the_page(whole: Evidence) -> None:
    for one in (whole, gather_elsewhere("models:/gpt/7", RegistryAnswer(is_there=True), DAY)):
        assert all(question.section in TITLES for question in one.questions)
        assert all(question.answer for question in one.questions)


def test_who_approved_it_and_where_it_stands_is_answered(whole: Evidence) -> None:
    said = answers(whole)
    assert (
        said["Who or what decided that it goes into service, and on what grounds?"] == "first version; approved by Mei"
    )
    assert said["Is it in service? Was it ever rolled back or retired?"] == "it is the champion"
    assert said["Could somebody have changed these records?"] == "2 events, the chain is unbroken; nothing is signed"


def test_what_was_not_asked_or_not_measured_is_not_made_up(tmp_path: Path) -> None:
    said = answers(Kept(tmp_path).evidence(RegistryAnswer(why_not_asked="no server")))
    assert said["Is it in service? Was it ever rolled back or retired?"] == "not known: the registry was not asked"
    assert said["Did a person look?"] == "no"
    assert said["Bias, harmful output, attacks, energy?"] == "not measured"
    assert said["Could somebody have changed these records?"] == "no event is on record"


def test_a_leak_test_that_could_not_see_is_no_plain_yes(whole: Evidence) -> None:
    audit = {**whole.leak_test, "exposure": EXPOSURE | {"can_see": False}}
    said = {one.asks: one.answer for one in questions(whole.model_copy(update={"leak_test": audit}))}
    assert "too weak on this model" in said["Can it be made to give its training text, or personal data, back?"]
