"""The language of a text."""

import pytest

from gptmodel.corpus.language import LANGUAGES, check_languages, detect_language
from gptmodel.errors import ConfigError

SENTENCES = {
    "en": "The function returns a list of the names of the object's attributes.",
    "zh": "这个函数返回对象所有属性的名称列表，按字母顺序排列。",
    "de": "Die Funktion gibt eine Liste der Namen aller Attribute des Objekts zurück.",
    "fr": "La fonction renvoie une liste des noms des attributs de l'objet.",
    "ja": "この関数はオブジェクトの属性の名前のリストを返します。",
    "ru": "Функция возвращает список имён атрибутов объекта.",
    "es": "La función devuelve una lista con los nombres de los atributos del objeto.",
    "ca": "La funció retorna una llista amb els noms dels atributs de l'objecte.",
    "ko": "이 함수는 객체의 속성 이름 목록을 반환합니다.",
    "ar": "تعيد الدالة قائمة بأسماء جميع خصائص الكائن.",
    "th": "ฟังก์ชันนี้คืนค่ารายการชื่อของแอตทริบิวต์ทั้งหมดของวัตถุ",
    "bn": "এই ফাংশনটি বস্তুর সমস্ত বৈশিষ্ট্যের নামের একটি তালিকা ফেরত দেয়।",
    "el": "Η συνάρτηση επιστρέφει μια λίστα με τα ονόματα των ιδιοτήτων του αντικειμένου.",
    "sw": "Kazi ya serikali ni kuhakikisha kwamba watu wote wanapata huduma bora za afya na elimu.",
}


@pytest.mark.parametrize(("lang", "text"), SENTENCES.items())
def test_a_sentence_is_recognised(lang: str, text: str) -> None:
    assert detect_language(text) == lang


@pytest.mark.parametrize(
    "text", ["", "ok", "42 + 17 = 59", "👍👍👍👍👍👍", "你好", "a@b.example", "<EMAIL> <PHONE>" * 5]
)
def test_too_few_letters_are_undetermined(text: str) -> None:
    assert detect_language(text) == "und"


def test_few_letters_of_a_script_that_says_much_with_few_are_enough() -> None:
    assert [detect_language(text) for text in ("今天天气很好", "今天天")] == ["zh", "und"]


def test_placeholders_do_not_make_chinese_english() -> None:
    assert detect_language("请致电 <PHONE> 或写信到 <EMAIL> <EMAIL> <EMAIL> <EMAIL> <EMAIL>，我们会尽快回复。") == "zh"


def test_a_long_text_is_told_from_more_than_its_beginning() -> None:
    licence = "Copyright holders grant permission to use. " * 8
    assert detect_language(licence + SENTENCES["zh"] * 400) == "zh"


def test_a_language_besides_the_usual_ones_can_be_asked_for() -> None:
    text = "La lingvo estas facile lernebla, kaj multaj homoj parolas ĝin en la tuta mondo."
    assert "eo" not in LANGUAGES
    assert detect_language(text, ["eo"]) == "eo"


@pytest.mark.parametrize("refuse", [check_languages, lambda codes: detect_language(SENTENCES["en"], codes)])
def test_an_unknown_language_code_is_refused(refuse: object) -> None:
    with pytest.raises(ConfigError, match="xx"):
        refuse(["xx"])  # type: ignore[operator]


def test_the_languages_are_those_that_py3langid_gives() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    plain = LanguageIdentifier.from_model_file(MODEL_FILE)
    plain.set_languages(LANGUAGES)
    texts = [text[:end] for text in SENTENCES.values() for end in (30, 40, None)]
    texts += [text.upper() for text in SENTENCES.values()] + [" ".join(SENTENCES.values())]
    assert [detect_language(text) for text in texts] == [plain.classify(text)[0] for text in texts]
