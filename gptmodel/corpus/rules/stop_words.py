"""Function words: hardly a text of a language does without the most frequent ones.

English has Gopher's list (Rae et al. 2021, appendix A.1.1). The others are ours, about ten words each, as frequent as
those; in scripts without spaces and in Korean, where they are written onto other words, they are looked for anywhere.
"""

from functools import cache

import regex

STOP_WORDS = {
    "en": "the be to of and that have with",
    "ar": "في من على أن إلى التي هذا هذه لا ما عن كل أو",
    "bg": "и на да за се не от са по като",
    "bn": "এবং ও না এই যে থেকে জন্য বা কোন কোনো তার",
    "ca": "el la de i que en un una les es per",
    "cs": "a je v na se že s to do nebo",
    "da": "og at det som en er på af til den",
    "de": "der die das und ist nicht von zu mit ein",
    "el": "και το να η ο του της με για που",
    "es": "el la los de que y en un una es",
    "fa": "و در به از که این را با است هر",
    "fi": "ja on ei se että oli joka tai hän myös",
    "fr": "le la les de des et est que un une",
    "he": "של את על לא הוא זה עם כל או אין",
    "hi": "के का में की है और से को किसी",
    "hu": "a az és nem hogy is egy van meg vagy",
    "id": "yang dan di untuk dengan ini tidak dari dalam atau",
    "it": "il la di che e un una è per non",
    "ja": "の に は を た が で と し れ",
    "ko": "은 는 이 가 을 를 의 에 고 다",
    "nl": "de het een en van is niet dat in te",
    "no": "og at det som en er på av til den",
    "pl": "i w na z nie się że do jest to",
    "pt": "o a os de que e em um uma não",
    "ro": "și de în la a nu că este cu sau",
    "ru": "и в не на что с это как по или",
    "sv": "och att det som en är på av för den",
    "sw": "ya na wa kwa ni za katika la au kila",
    "th": "ที่ และ ของ ใน เป็น มี ให้ ได้ การ ไม่",
    "tr": "ve bir bu da de için ile her olarak veya",
    "uk": "і в не на що з це як до або",
    "vi": "và của là có không được cho một các người",
    "zh": "的 了 是 在 和 有 不 我 人 这 這 为 為 与 與 之 其 而 以 于 於 无 無 何 一",
}
"""Function words of a language (ISO 639-1), separated by spaces."""

_ATTACHED = frozenset({"ja", "ko", "th", "zh"})


def has_stop_words(text: str, language: str, least: int) -> bool:
    """Tell whether at least so many different function words of a language occur in a text.

    Args:
        text: The text.
        language: One of `STOP_WORDS`.
        least: How many.

    Example:
        >>> has_stop_words("The cat and the dog.", "en", 2), has_stop_words("cat dog", "en", 1)
        (True, False)
    """
    found: set[str] = set()
    for match in _pattern(language).finditer(text):
        found.add(match.group().lower())
        if len(found) >= least:
            return True
    return False


@cache
def _pattern(language: str) -> "regex.Pattern[str]":
    words = "|".join(sorted(STOP_WORDS[language].split(), key=len, reverse=True))
    # To `re` the vowel signs of Hindi are no part of a word.
    return regex.compile(words if language in _ATTACHED else rf"\b(?:{words})\b", regex.IGNORECASE)
