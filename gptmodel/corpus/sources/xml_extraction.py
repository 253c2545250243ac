"""The text of an XML document that is no page: its character data, one line for what stands apart.

The parser is expat, which opens nothing. Entities that lead outside, or are made of others so that they could grow
without end, are refused; small ones declared in the document stand for their text. Called by formats.
"""

import html
from typing import Any
from xml.parsers import expat

from gptmodel.corpus.sources.quarantine import NotTextError

MAX_ENTITY_CHARS = 100
"""Longest text that an entity declared in the document may stand for."""


def xml_text(text: str) -> str:
    r"""Give the character data of an XML document.

    Within an element that holds text of its own everything is one run (`<p>a <b>word</b></p>`); elsewhere each
    element's text is a line.

    Raises:
        NotTextError: `broken_file` or `unsafe_xml`.

    Example:
        >>> xml_text("<row><name>Ada</name><born>1815 in <i>London</i></born></row>")
        'Ada\n1815 in London'
    """
    gathered = _Text()
    # The declaration of an encoding is overruled, for the text is decoded; it can't hold lone surrogates.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = gathered.start
    parser.EndElementHandler = gathered.end
    parser.CharacterDataHandler = gathered.add
    parser.EntityDeclHandler = gathered.declare
    parser.ExternalEntityRefHandler = _refuse
    # With this handler references come here instead of being expanded, and so do those to HTML's entities.
    parser.DefaultHandler = gathered.other
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise NotTextError("broken_file") from error
    return "".join(gathered.pieces).strip("\n")


class _Text:
    """Character data in its order, with a line end where two pieces stand apart."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._entities: dict[str, str] = {}
        self._depth = 0
        self._shared_depth = 0  # of the innermost element that holds both the last piece and this place
        self._run_depth: int | None = None  # of the outermost open element with text of its own
        self._space = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1

    def end(self, name: str) -> None:
        self._depth -= 1
        self._shared_depth = min(self._shared_depth, self._depth)
        if self._run_depth is not None and self._run_depth > self._depth:
            self._run_depth = None

    def add(self, data: str) -> None:
        if data.isspace():
            self._space += data
            return
        if self._run_depth is None:
            self._run_depth = self._depth
        if self.pieces:
            self.pieces.append(self._space if self._run_depth <= self._shared_depth else "\n")
        self.pieces.append(data)
        self._space, self._shared_depth = "", self._depth

    def declare(
        self, name: str, is_parameter: int, value: str | None, base: Any, system: Any, public: Any, notation: Any
    ) -> None:
        if value is None or is_parameter:  # what lies outside is refused where it is asked for
            return
        if "&" in value or len(value) > MAX_ENTITY_CHARS:
            raise NotTextError("unsafe_xml")
        self._entities[name] = value

    def other(self, data: str) -> None:
        if data.startswith("&") and data.endswith(";") and self._depth:
            name = data[1:-1]
            self.add(self._entities.get(name) or html.unescape(data))


def _refuse(context: str, base: Any, system: Any, public: Any) -> int:
    raise NotTextError("unsafe_xml")
