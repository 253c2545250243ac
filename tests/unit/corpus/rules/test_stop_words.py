"""Function words of the languages."""

import pytest

from gptmodel.corpus.language import LANGUAGES
from gptmodel.corpus.rules.stop_words import STOP_WORDS, has_stop_words

SENTENCES = {
    "en": "She told us to be kind.",
    "de": "Das Haus ist alt und nicht groß.",
    "fr": "Le chat dort et la souris danse.",
    "ru": "Он не знал, что делать.",
    "ar": "ذهب الولد إلى البيت من المدرسة.",
    "hi": "यह घर का दरवाज़ा है।",
    "zh": "我的书在桌子上。",
    "ja": "猫が庭で寝ている。",
    "ko": "고양이는 마당에서 잠을 잔다.",
    "th": "แมวนอนอยู่ในสวนและไม่ตื่น",
}


@pytest.mark.parametrize(("language", "text"), SENTENCES.items())
def test_a_sentence_has_two_of_its_language(language: str, text: str) -> None:
    assert has_stop_words(text, language, 2)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Cheap shoes, cheap bags, online shop"), ("zh", "手机壳钢化膜充电器"), ("ar", "هاتف حقيبة")],
)
def test_a_list_of_goods_has_none(language: str, text: str) -> None:
    assert not has_stop_words(text, language, 1)


def test_one_word_said_twice_is_one() -> None:
    assert not has_stop_words("The end of days", "en", 3)
    assert not has_stop_words("The the THE", "en", 2)


def test_a_word_within_another_does_not_count() -> None:
    assert not has_stop_words("Theatre total bending", "en", 1)


def test_lists_are_short_and_of_languages_that_are_told_apart() -> None:
    assert set(STOP_WORDS) <= set(LANGUAGES)
    assert all(len(set(words.split())) >= 8 for words in STOP_WORDS.values())
