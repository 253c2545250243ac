"""HTML to main text: decode first, then let resiliparse keep the article and leave the navigation out.

resiliparse takes every `<ul>` for navigation; one that is mostly prose is shown to it as blocks with bullets.
Bytes and nesting are capped, because the extractor's time grows with the square of the depth. Markdown and
reStructuredText are text as they stand and need nothing from here. Called by formats.
"""

import io
import re
from typing import Any

from gptmodel.corpus.sources.decoding import codec_named, detect
from gptmodel.corpus.sources.quarantine import NotTextError

MAX_HTML_BYTES = 16 * 2**20
MAX_LINK_RATIO = 0.5
"""Largest share of a list's characters in links; with more it is navigation, as in resiliparse's view of any list."""
MAX_DEPTH = 1000
"""Deepest nesting taken: 1,000 elements cost the extractor 0.02 s, 20,000 cost it 9 s, and browsers stop at 512."""

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_HEAD_BYTES = 4096
_OPENING_TAG = re.compile("<[A-Za-z]")


def declared_encoding(data: bytes) -> str | None:
    """Give the encoding that a page's head names (HTML meta or XML declaration), as a Python codec; None if none."""
    found = _DECLARED.search(data[:_HEAD_BYTES])
    return codec_named(found.group(1).decode("ascii")) if found else None


def decode_html(data: bytes) -> tuple[str, str]:
    """Decode a page, or another XML document, and give its text and the codec used.

    Raises:
        NotTextError: `empty`, `binary` or `unknown_encoding`.
    """
    codec = detect(lambda: io.BytesIO(data), declared_encoding(data)).codec
    return data.decode(codec, "replace"), codec


def main_text(html: str) -> str:
    """Extract a page's main text: paragraphs, headings, lists and preformatted text, without navigation.

    Returns:
        The text; a page without anything that looks like an article gives all its visible text, perhaps "".

    Raises:
        NotTextError: `too_deep`.
    """
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    # The parser's own strings end at a NUL.
    tree = HTMLTree.parse(html.replace("\0", ""))
    if tree.body is None:
        return ""
    if len(_OPENING_TAG.findall(html)) > MAX_DEPTH:  # elements can't be nested more deeply than there are
        _refuse_depth(tree.body)
    _keep_prose_lists(tree)
    text: str = extract_plain_text(tree, main_content=True, alt_texts=False)
    return text if text.strip() else extract_plain_text(tree, main_content=False, alt_texts=False)


def _refuse_depth(root: Any) -> None:
    from resiliparse.parse.html import DOMContext, traverse_dom

    def enter(context: DOMContext) -> None:
        if context.depth > MAX_DEPTH:
            raise NotTextError("too_deep")

    traverse_dom(root, enter, elements_only=True)


def _keep_prose_lists(tree: Any) -> None:
    for outer in list(tree.body.query_selector_all("ul")):
        if outer.parent is None or outer.parent.closest("ul") is not None or _is_navigation(outer):
            continue
        for node in [*outer.query_selector_all("ul"), outer]:
            for item in [child for child in node.child_nodes if child.tag == "li"]:
                _mark(item)
                _become_block(tree, item)
            _become_block(tree, node)


def _mark(item: Any) -> None:
    """Write a bullet before an item's first words; alone, the extractor would drop it."""
    from resiliparse.parse.html import NodeType

    node = item.first_child
    while node is not None and (node.type != NodeType.TEXT or node.value.isspace()):
        node = node.first_child or node.next
    if node is not None:
        node.value = f"• {node.value.lstrip()}"


def _become_block(tree: Any, node: Any) -> None:
    block = tree.create_element("div")
    while node.first_child is not None:
        block.append_child(node.first_child)
    node.parent.replace_child(block, node)


def _is_navigation(node: Any) -> bool:
    num_linked = sum(len(link.text) for link in node.query_selector_all("a"))
    return bool(num_linked > MAX_LINK_RATIO * len(node.text))
