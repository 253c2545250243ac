"""The language of a text, by py3langid's model among the languages it tells apart reliably.

The rules ask this for documents whose source names no language. Text with too few letters to judge is `und`.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from gptmodel.corpus.letters import DENSE, HANGUL, count_letters, count_of
from gptmodel.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Among these the detector was right on every one of 27 languages' test texts; with all of its 140 it confuses
# Indonesian with Malay, Hindi with Nepali, Spanish with Galician. The second row has scripts of their own.
LANGUAGES = (
    "ar", "bg", "ca", "cs", "da", "de", "en", "es", "fa", "fi", "fr", "hi", "hu", "id", "it", "nl", "no", "pl", "pt",
    "ro", "ru", "sv", "sw", "tr", "uk", "vi",
    "am", "bn", "el", "gu", "he", "hy", "ja", "ka", "km", "kn", "ko", "lo", "ml", "my", "or", "pa", "si", "ta", "te",
    "th", "zh",
)  # fmt: skip
UNKNOWN = "und"

_MIN_LETTERS = 15
# One of these says as much as several Latin letters: Han, Kana, Hangul, Thai.
_DENSE_LETTERS = f"{DENSE}{HANGUL}"
_DENSE_WEIGHT = 3
# Placeholders, code and addresses are English to any detector.
_NO_LANGUAGE = re.compile(r"<[A-Z_]+>|https?://\S+|\S+@\S+")
_NUM_WINDOWS = 4
_WINDOW_CHARS = 300


def detect_language(text: str, languages: Iterable[str] = ()) -> str:
    """Give the language of a text as ISO 639-1 code, or `und` where there are too few letters to tell.

    Args:
        text: Text of any length; of a long one four passages are looked at, from its beginning to its end.
        languages: Codes to tell apart besides the usual ones.

    Raises:
        ConfigError: A code that the detector doesn't know.

    Example:
        >>> detect_language("The quick brown fox jumps over the lazy dog."), detect_language("42!")
        ('en', 'und')
    """
    sample = _sample(text)
    if "@" in sample or "<" in sample or "://" in sample:
        sample = _NO_LANGUAGE.sub(" ", sample)
    if not _is_enough(sample):
        return UNKNOWN
    return _detector(frozenset(LANGUAGES).union(languages)).detect(sample)


def check_languages(languages: Iterable[str]) -> None:
    """Refuse a language that can't be told, before any text is looked at.

    Raises:
        ConfigError: A code that the detector doesn't know.
    """
    _detector(frozenset(LANGUAGES).union(languages))


def _is_enough(text: str) -> bool:
    num_letters = count_letters(text)
    if num_letters >= _MIN_LETTERS:
        return True
    return num_letters + (_DENSE_WEIGHT - 1) * count_of(_DENSE_LETTERS, text) >= _MIN_LETTERS


def _sample(text: str) -> str:
    if len(text) <= _NUM_WINDOWS * _WINDOW_CHARS:
        return text
    last = len(text) - _WINDOW_CHARS
    starts = [last * number // (_NUM_WINDOWS - 1) for number in range(_NUM_WINDOWS)]
    return "\n".join(text[start : start + _WINDOW_CHARS] for start in starts)


class _Detector:
    """py3langid's model, read by numpy: the same features and weights, all positions of a text at once.

    The model counts features with an automaton over the text's bytes, whose state is the longest end of what was read
    that begins a feature; no feature is longer than six bytes. So the state at every position follows from the six
    bytes before it, and six table look-ups give all of them, where py3langid takes one step a byte in Python. States
    with equal transitions share a row of the table; which state it was counts at the last byte alone.

    Source: Lui and Baldwin 2012, langid.py; py3langid 0.4, https://github.com/adbar/py3langid. The scores are summed
    in 64 bits, so that they come out alike on every processor.
    """

    DEPTH = 6

    def __init__(self, languages: frozenset[str]) -> None:
        import numpy as np
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model: LanguageIdentifier = LanguageIdentifier.from_model_file(MODEL_FILE)
        unknown = sorted(languages - {*model.labels, UNKNOWN})
        if unknown:
            raise ConfigError(
                expected=f"languages among {', '.join(sorted(model.labels))}",
                actual=", ".join(unknown),
                mend="Use ISO 639-1 codes in cleaning.languages.",
            )
        model.set_languages(sorted(languages - {UNKNOWN}))
        self._languages = list(model.nb_classes)
        self._weights = np.ascontiguousarray(model.nb_ptc, dtype=np.float32)
        self._prior = np.asarray(model.nb_pc, dtype=np.float64)
        next_state, row_of_state = np.asarray(model.tk_nextmove), np.asarray(model.tk_row)
        self._first_row = int(row_of_state[0])
        self._next_row = row_of_state[next_state]
        self._next_feature = np.asarray(model.tk_output, dtype=np.int32)[next_state]

    def detect(self, text: str) -> str:
        """Give the likeliest language of a text; `und` for one that holds no feature of any."""
        import numpy as np

        features, counts = np.unique(self._features(text), return_counts=True)
        scores = np.log1p(counts) @ self._weights[features].astype(np.float64) + self._prior
        return self._languages[int(scores.argmax())] if len(features) else UNKNOWN

    def _features(self, text: str) -> "npt.NDArray[np.int32]":
        """Give the features of a text in the order of their ends, each as often as it occurs."""
        import numpy as np

        text = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
        data = text.encode("utf-8", "surrogatepass")
        # NUL begins no feature: it stands for the beginning of the text.
        padded = np.frombuffer(bytes(self.DEPTH - 1) + data, dtype=np.uint8).astype(np.int32)
        rows = np.full(len(data), self._first_row, dtype=np.int32)
        for place in range(self.DEPTH - 1):
            rows = self._next_row.take((rows << 8) + padded[place : place + len(data)]).astype(np.int32)
        found = self._next_feature.take((rows << 8) + padded[self.DEPTH - 1 :])
        return np.asarray(found[found >= 0])


@lru_cache(maxsize=2)  # of 90 MB each
def _detector(languages: frozenset[str]) -> _Detector:
    return _Detector(languages)
