"""Telling encodings, and text that every later stage can hold."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources import decoding
from gptmodel.corpus.sources.decoding import codec_named, detect, open_text, tidy
from gptmodel.corpus.sources.quarantine import NotTextError

CHINESE = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争，又并入于汉。\n" * 8
TRADITIONAL = "秦川雄帝宅，函谷壯皇居。綺殿千尋起，離宮百雉餘。連甍遙接漢，飛觀迥凌虛。雲日隱層闕，風煙出綺疎。\n" * 8
JAPANESE = "国境の長いトンネルを抜けると雪国であった。夜の底が白くなった。信号所に汽車が止まった。\n" * 8
KOREAN = "웹마스터는 오류나 문제가 발생했을때 아파치의 응답을 설정할 수 있다. 서버가 응답을 정의할 수 있다.\n" * 8
FRENCH = "Le garçon a mangé des pâtes à la crème, et la forêt était déjà très sombre en été.\n" * 8
GERMAN = "„Größe“ heißt hier: die Zahl der Wörter – über das Maß hinaus zählt nur, was später übrig bleibt.\n" * 8
POLISH = "Zażółć gęślą jaźń: każdy człowiek wie, że źródła są ważniejsze niż późniejsze objaśnienia.\n" * 8
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n" * 8


def decode(data: bytes, declared: str | None = None) -> str:
    codec = detect(lambda: io.BytesIO(data), declared).codec
    with open_text(lambda: io.BytesIO(data), codec) as text:
        return text.read()


def reason(data: bytes) -> str:
    with pytest.raises(NotTextError) as caught:
        detect(lambda: io.BytesIO(data))
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "gb18030"),
        (CHINESE, "gb2312"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-32"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "euc_kr"),
        (FRENCH, "latin-1"),
        (FRENCH, "cp1252"),
        (FRENCH, "utf-16-be"),
        (GERMAN, "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
    ],
)
def test_text_comes_back_from_its_encoding(text: str, codec: str) -> None:
    assert decode(text.encode(codec, "ignore")) == text.encode(codec, "ignore").decode(codec)


def test_wide_chinese_without_a_mark_or_white_space_is_told() -> None:
    text = CHINESE.replace("\n", "")
    assert [decode(text.encode(codec)) for codec in ("utf-16-le", "utf-16-be")] == [text, text]


def test_a_short_stream_is_kept_and_a_long_or_broken_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    data = CHINESE.encode()
    assert detect(lambda: io.BytesIO(data)).data == data
    monkeypatch.setattr(decoding, "KEPT_BYTES", 100)
    assert detect(lambda: io.BytesIO(data)).data is None


def test_plain_ascii_is_utf8() -> None:
    assert detect(lambda: io.BytesIO(b"plain words\n")).codec == "utf-8"


def test_an_encoding_first_seen_far_into_a_file_is_told() -> None:
    data = b"only ascii here\n" * 20_000 + CHINESE.encode("gb18030")
    assert decode(data).endswith(CHINESE)


def test_a_multibyte_character_across_two_reads_is_no_error() -> None:
    text = "a" * (2**16 - 1) + "中文" * 30
    assert decode(text.encode()) == text


def test_one_bad_byte_in_utf8_becomes_a_replacement_character() -> None:
    assert decode(CHINESE[:100].encode() + b"\xff" + CHINESE[100:].encode()).count("\ufffd") == 1


def test_a_legacy_text_cut_within_a_character_is_still_told() -> None:
    assert decode(CHINESE.encode("gb18030")[:-2]).startswith(CHINESE[:100])


def test_a_log_with_coloured_lines_is_text() -> None:
    assert detect(lambda: io.BytesIO(b"\x1b[31mERROR\x1b[0m disk full\n" * 20)).codec == "utf-8"


def test_a_stray_nul_does_not_make_a_text_binary() -> None:
    assert tidy(decode((CHINESE + "\0" + CHINESE).encode())) == CHINESE * 2


def test_what_a_page_declares_decides_where_the_bytes_allow_it() -> None:
    data = "naïve café".encode("latin-1")
    assert decode(data, "iso8859-1") == "naïve café"


def test_a_false_declaration_is_overruled() -> None:
    assert decode(CHINESE.encode("gb18030"), "shift_jis") == CHINESE


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20,
        b"\x7fELF\x02\x01\x01" + b"\0" * 500,
        b"text\0with\0nuls\0" * 50,
        bytes([1, 2, 3, 4, 5]) * 400,
        random.Random(1).randbytes(5000),
        random.Random(2).randbytes(60) + b"\0\0",
    ],
)
def test_bytes_that_are_no_text_are_binary(data: bytes) -> None:
    assert reason(data) == "binary"


def test_nothing_is_empty() -> None:
    assert reason(b"") == "empty"


@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_are_decoded_or_refused_with_a_reason(data: bytes) -> None:
    try:
        text = tidy(decode(data))
    except NotTextError as error:
        assert error.reason in {"binary", "unknown_encoding"}
    else:
        text.encode()
        assert "\0" not in text


def test_a_stream_that_breaks_off_keeps_its_encoding_and_says_so() -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise NotTextError("damaged_archive")
            return super().read(size)

    found = detect(lambda: Breaking(CHINESE.encode("gb18030")))
    assert (found.codec, found.failure.reason if found.failure else None) == ("gb18030", "damaged_archive")


@given(st.text(st.characters(), max_size=50))
def test_tidied_text_has_no_nul_and_no_carriage_return_and_can_be_written(text: str) -> None:
    tidied = tidy(text)
    tidied.encode()
    assert "\0" not in tidied
    assert "\r" not in tidied
    assert tidy(tidied) == tidied


def test_lone_surrogates_become_replacement_characters() -> None:
    assert tidy("a\ud800b😀") == "a\ufffdb😀"


@pytest.mark.parametrize(
    ("label", "codec"),
    [("GB2312", "gb18030"), ("ISO-8859-1", "cp1252"), ("utf-8", "utf-8"), ("utf-7", None), ("rot13", None),
     ("no-such", None), ("", None), (None, None), ("x\0y", None)],
)  # fmt: skip
def test_labels_name_the_codec_that_is_meant(label: str | None, codec: str | None) -> None:
    assert codec_named(label) == codec
