"""Bytes to text: tell a stream's encoding, then read it as text.

The order is: byte order mark; strict UTF-8, unless a NUL or ESC byte says that it may be something else; what the page
itself declares (HTML); what chardet makes of a sample. A stream is read through once to decide, in bounded memory; a
long one is read a second time as text. Called by formats and extraction; raises NotTextError, never guesses silently.
"""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.corpus.sources.streams import Opener

CHUNK_BYTES = 2**16
KEPT_BYTES = 8 * 2**20
"""Longest stream that is kept in memory once it was read to tell its encoding, so that it is opened once."""
SAMPLE_BYTES = 200_000
"""Bytes that chardet looks at; it reads no more by itself."""
MAX_BAD_RATIO = 0.02
"""Largest share of undecodable places among the non-ASCII ones; they become U+FFFD."""
MAX_CONTROL_RATIO = 0.05
"""Largest share of control characters in anything taken for text."""
MIN_SEPARATOR_RATIO = 0.01
"""Smallest share of white space and full stops in wide text without a byte order mark."""
MAX_STRAY_RATIO = 0.01
"""Largest share of control characters, NULs among them, in what still counts as UTF-8; text drops the NULs."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# A label often names a subset of what the bytes really are. Source: the WHATWG Encoding Standard's table of labels.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_REFUSED = {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"}

_ASCII = bytes(range(128))
# Tab, line feed, form feed, carriage return and escape occur in text; the other control bytes hardly do.
_CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27} | {127})
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_SEPARATOR = re.compile(r"[\s，。、；：！？「」『』（）]")
_UNWANTED = re.compile("[\ud800-\udfff]")


@dataclass
class _Survey:
    head: bytes = b""
    sample: bytes = b""
    dense: bytes = b""
    num_bytes: int = 0
    num_control: int = 0
    num_non_ascii: int = 0
    num_bad_utf8: int = 0
    has_nul: bool = False
    has_escape: bool = False
    failure: NotTextError | None = None
    kept: list[bytes] | None = field(default_factory=list)

    @property
    def is_utf8(self) -> bool:
        return self.num_bad_utf8 <= MAX_BAD_RATIO * self.num_non_ascii

    @property
    def has_stray_nuls(self) -> bool:
        # Valid UTF-8 with a few NULs in it: a padded log, or one damaged record. Wide text is neither.
        return self.num_bad_utf8 == 0 and self.num_control <= MAX_STRAY_RATIO * self.num_bytes


@dataclass(frozen=True)
class Detection:
    """What was found out about a stream.

    Attributes:
        codec: Name of the Python codec.
        failure: The error that ended the stream early, if one did; what lies before it can be read.
        data: All of the stream; None if it is long or ended early.
    """

    codec: str
    failure: NotTextError | None = None
    data: bytes | None = field(default=None, repr=False)


def detect(opener: Opener, declared: str | None = None) -> Detection:
    """Tell the encoding of a stream by reading it through once.

    Args:
        opener: Opens the stream at its start; called again where a guess must be checked.
        declared: Encoding that the text itself claims, such as an HTML page's charset.

    Raises:
        NotTextError: `empty`, `binary`, `unknown_encoding`, or what ended the stream before its first byte.
    """
    survey = _survey(opener)
    if not survey.num_bytes:
        raise survey.failure or NotTextError("empty")
    if survey.kept is None or survey.failure:
        return Detection(_decide(survey, opener, declared), survey.failure)
    data = b"".join(survey.kept)
    return Detection(_decide(survey, lambda: io.BytesIO(data), declared), data=data)


def open_text(opener: Opener, codec: str, newline: str | None = None) -> TextIO:
    """Open a stream as text: bad bytes become U+FFFD, line ends line feeds (kept where `newline` is "")."""
    return io.TextIOWrapper(opener(), encoding=codec, errors="replace", newline=newline)


def tidy(text: str) -> str:
    r"""Give text that every later stage can hold: no NULs, no lone surrogates, line feeds as line ends.

    Example:
        >>> tidy("a\x00b\r\nc") == "ab\nc"
        True
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _UNWANTED.sub("\ufffd", text)
    return text


def codec_named(label: str | None) -> str | None:
    """Give the Python codec for a label, the wider one where labels are used loosely; None if unknown."""
    try:
        info = codecs.lookup((label or "").strip())
    except (LookupError, ValueError):
        return None
    if info.name in _REFUSED or not info._is_text_encoding:
        return None
    return _WIDER.get(info.name, info.name)


def _decide(survey: _Survey, opener: Opener, declared: str | None) -> str:
    for mark, codec in _BOMS:
        if survey.head.startswith(mark):
            return codec
    if survey.has_nul and not survey.has_stray_nuls:
        return _wide_codec(survey, opener)
    if survey.is_utf8:
        if survey.num_control > MAX_CONTROL_RATIO * survey.num_bytes:
            raise NotTextError("binary")
        # Text in ISO-2022 is valid UTF-8 byte by byte; so is a log with coloured lines.
        guess = _guess(survey.sample) if survey.has_escape else None
        return guess if guess and guess.startswith("iso2022") else "utf-8"
    return _other_codec(survey, opener, codec_named(declared))


def _wide_codec(survey: _Survey, opener: Opener) -> str:
    # chardet misses Chinese and Japanese in UTF-16 without a mark, where hardly a byte is NUL.
    for codec in (_guess(survey.sample), "utf-16-le", "utf-16-be"):
        if (
            codec
            and codec.startswith(("utf-16", "utf-32"))
            and _decodes(opener, codec)
            and _reads(survey.sample, codec)
        ):
            return codec
    raise NotTextError("binary")


def _reads(sample: bytes, codec: str) -> bool:
    """Tell whether wide characters are those of a text: all assigned, with something between the words or sentences."""
    text = sample[: len(sample) & ~3].decode(codec, "replace")
    odd = sum(unicodedata.category(char) in ("Cn", "Co", "Cs") for char in text)
    return odd <= MAX_BAD_RATIO * len(text) and len(_SEPARATOR.findall(text)) > MIN_SEPARATOR_RATIO * len(text)


def _other_codec(survey: _Survey, opener: Opener, declared: str | None) -> str:
    if declared and _decodes(opener, declared):
        return declared
    if (guess := _guess(survey.dense)) and _decodes(opener, guess):
        return guess
    if survey.num_control > MAX_CONTROL_RATIO * survey.num_bytes:
        return _wide_codec(survey, opener)  # Chinese in UTF-16 may do without a single NUL
    raise NotTextError("unknown_encoding")


def _guess(sample: bytes) -> str | None:
    import chardet

    return codec_named(chardet.detect(sample, max_bytes=SAMPLE_BYTES)["encoding"])


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _survey(opener: Opener) -> _Survey:
    survey, decoder = _Survey(), codecs.getincrementaldecoder("utf-8")("replace")
    try:
        with opener() as stream:
            for chunk in _chunks(stream):
                _take(survey, chunk, decoder)
    except NotTextError as error:
        survey.failure = error
    except OSError:
        survey.failure = NotTextError("unreadable")
    survey.num_bad_utf8 += decoder.decode(b"", final=True).count("\ufffd")
    return survey


def _take(survey: _Survey, chunk: bytes, decoder: codecs.IncrementalDecoder) -> None:
    survey.head = survey.head or chunk[:4]
    survey.num_bytes += len(chunk)
    if survey.kept is not None:
        survey.kept.append(chunk)
        survey.kept = survey.kept if survey.num_bytes <= KEPT_BYTES else None
    survey.num_control += len(chunk) - len(chunk.translate(None, _CONTROL_BYTES))
    non_ascii = 0 if chunk.isascii() else len(chunk.translate(None, _ASCII))
    nul, escape = b"\0" in chunk, b"\x1b" in chunk
    survey.num_non_ascii += non_ascii
    survey.has_nul |= nul
    survey.has_escape |= escape
    # The samples begin where the stream first stops being plain ASCII, which may be far from its start.
    if survey.sample or non_ascii or nul or escape:
        survey.sample += chunk[: SAMPLE_BYTES - len(survey.sample)]
    if non_ascii and len(survey.dense) < SAMPLE_BYTES:
        survey.dense += b"\n".join(line for line in chunk.split(b"\n") if not line.isascii())
    if non_ascii or decoder.getstate()[0]:
        text = decoder.decode(chunk)
        bad = text.count("\ufffd") - chunk.count(b"\xef\xbf\xbd") if "\ufffd" in text else 0
        survey.num_bad_utf8 += max(bad, 0)


def _decodes(opener: Opener, codec: str) -> bool:
    num_chars = num_bad = num_non_ascii = num_control = 0
    decoder = codecs.getincrementaldecoder(codec)("replace")
    try:
        with opener() as stream:
            for chunk in _chunks(stream):
                text = decoder.decode(chunk)
                num_chars += len(text)
                num_bad += text.count("\ufffd")
                num_non_ascii += len(text) - len(text.encode("ascii", "ignore"))
                num_control += len(_CONTROL.findall(text))
    except NotTextError:
        pass  # what ended the stream early is already known; the part before it decides
    return num_bad <= MAX_BAD_RATIO * num_non_ascii and num_control <= MAX_CONTROL_RATIO * num_chars
