"""The language of a text, by py3langid among the languages it tells apart reliably.

Cleaning calls this for documents whose source names no language. Text with too few letters to judge is `und`.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from gptmodel.errors import ConfigError

# Among these the detector was right on every one of 27 languages' test texts; with all of its 97 it confuses Indonesian
# with Malay, Hindi with Nepali, Spanish with Portuguese.
LANGUAGES = (
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl",
    "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
UNKNOWN = "und"

_MIN_LETTERS = 15
# One of these says as much as several Latin letters: Han, Kana, Hangul, Thai.
_DENSE_LETTERS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f]")
_DENSE_WEIGHT = 3
_LETTERS = re.compile(r"[^\W\d_]")
# Placeholders, code and addresses are English to any detector.
_NO_LANGUAGE = re.compile(r"<[A-Z_]+>|https?://\S+|\S+@\S+")
_SAMPLE_CHARS = 1000


class _Detector(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...


def detect_language(text: str, languages: Iterable[str] = ()) -> str:
    """Give the language of a text as ISO 639-1 code, or `und` where there are too few letters to tell.

    Args:
        text: Text of any length; of a long one the beginning and the middle are looked at.
        languages: Codes to tell apart besides the usual ones.

    Raises:
        ConfigError: A code that the detector doesn't know.

    Example:
        >>> detect_language("The quick brown fox jumps over the lazy dog."), detect_language("42!")
        ('en', 'und')
    """
    sample = _NO_LANGUAGE.sub(" ", _sample(text))
    if len(_LETTERS.findall(sample)) + (_DENSE_WEIGHT - 1) * len(_DENSE_LETTERS.findall(sample)) < _MIN_LETTERS:
        return UNKNOWN
    return _detector(frozenset(LANGUAGES) | frozenset(languages)).classify(sample)[0]


def _sample(text: str) -> str:
    if len(text) <= 2 * _SAMPLE_CHARS:
        return text
    middle = len(text) // 2
    return f"{text[:_SAMPLE_CHARS]}\n{text[middle : middle + _SAMPLE_CHARS]}"


@lru_cache(maxsize=8)
def _detector(languages: frozenset[str]) -> _Detector:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    # A detector of our own: py3langid's functions share one, whose languages are a global setting.
    detector: LanguageIdentifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    unknown = sorted(languages - set(detector.labels) - {UNKNOWN})
    if unknown:
        raise ConfigError(
            expected=f"languages among {', '.join(sorted(detector.labels))}",
            actual=", ".join(unknown),
            mend="Use ISO 639-1 codes in cleaning.languages.",
        )
    detector.set_languages(sorted(languages - {UNKNOWN}))
    return detector
