"""A person's check of the scrubbed text: a sheet of passages drawn at random, and the evidence it comes back as.

The sheet is one local page that needs no network; it holds scrubbed text, so it lies in the home, readable by its owner
only. What the page saves holds counts, passage numbers and kinds, never text. The evidence is tied to the digest of the
scrubbed text it was drawn from, so that it speaks for that text and no other.
"""

import base64
import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gptmodel.corpus.documents import Document, read_documents, text_id
from gptmodel.errors import ConfigError, StoreError
from gptmodel.intervals import upper_bound
from gptmodel.page import write_page
from gptmodel.store import Output, digest_of, write_synced

PASSAGE_CHARS = 300
"""Characters of a passage that are judged."""
CONTEXT_CHARS = 120
"""Characters shown before and after it, for reading only."""
SHEET_PAGE, SHEET_RECORD = "sheet.html", "sheet.json"

_STAND_IN = re.compile(r"(<[A-Z][A-Z0-9_]*>)")
_OTHER_KIND = "OTHER"
_Kind = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,31}$")]


class Place(BaseModel):
    """Where a passage stands; never its text."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    document: str
    """The document."""
    source: str
    """Its source."""
    start: int
    """First character of the passage in the scrubbed text."""


class Sheet(BaseModel):
    """A sheet that was made: what it was drawn from, and the place of each passage by its number."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """Name of the sheet: hash of all that follows."""
    scrub_digest: str
    """Digest of the scrubbed text."""
    seed: int
    """Seed of the draw."""
    num_population: int
    """Passages that could have been drawn: all of the scrubbed text."""
    places: tuple[Place, ...]
    """The passages drawn, in the order of the sheet, which is random: those read so far are a sample too."""


class Missed(BaseModel):
    """A passage that a person ticked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    passage: int
    """Its number on the sheet, from 1."""
    kind: _Kind
    """Kind of what was missed."""


class SheetResult(BaseModel):
    """What the page saves."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sheet: str
    """The sheet."""
    num_read: int = Field(ge=1)
    """Passages read, from the first on."""
    missed: tuple[Missed, ...]
    """Passages among them in which something sensitive was missed."""
    reviewer: str = Field(default="", max_length=80)
    """Who read it, if that person said so."""


class Review(BaseModel):
    """The evidence that a sheet came back as."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sheet: str
    """The sheet."""
    scrub_digest: str
    """Digest of the scrubbed text it was drawn from."""
    num_population: int
    """Passages of that text."""
    num_passages: int
    """Passages on the sheet."""
    num_read: int
    """Passages read."""
    num_missed: int
    """Passages in which something sensitive was missed."""
    upper_bound: float
    """Upper bound of their share in the whole text (one-sided, 95 %, Clopper and Pearson)."""
    missed_by_kind: dict[str, int]
    """These passages by kind."""
    missed: tuple[Place, ...]
    """Where they stand."""
    reviewer: str
    """Who read the sheet, if that person said so."""

    @property
    def sentence(self) -> str:
        """The result in words, as `3 missed in 400 passages, 95 % upper bound 1.9 %`."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.missed_by_kind.items())
        return (
            f"{self.num_missed:,} missed in {self.num_read:,} passages, 95 % upper bound "
            f"{100 * self.upper_bound:.1f} %{f' ({kinds})' if kinds else ''}"
        )


@dataclass(frozen=True, order=True)
class _Drawn:
    """A passage with its rank in the draw."""

    rank: bytes
    document: str
    start: int
    source: str
    before: str
    text: str
    after: str


def make_sheet(reviews_dir: Path, scrub: Output, folder: Path, *, size: int, seed: int = 0) -> tuple[Sheet, Path]:
    """Draw passages of scrubbed text and write the sheet; the same text, size and seed give the same sheet.

    Every passage of the text is as likely as any other; each source has its share, and planted test phrases are left
    out.

    Args:
        reviews_dir: Folder of all sheets; the sheet gets one of its own in it.
        scrub: The output of the stage `scrub`.
        folder: Its folder.
        size: Passages to draw; fewer if there are fewer.
        seed: Seed of the draw.

    Returns:
        The sheet's record and the page's path.

    Raises:
        StoreError: The scrubbed text holds no passage, or is not there any more.
    """
    drawn, sizes = _draw(read_documents(folder), size, seed)
    if not drawn:
        raise StoreError(
            expected="scrubbed text to draw passages from", actual="none in the store",
            mend="Make it again: gptmodel run --force scrub --until scrub",
        )  # fmt: skip
    places = tuple(Place(document=one.document, source=one.source, start=one.start) for one in drawn)
    record = {"scrub_digest": scrub.digest, "seed": seed, "num_population": sizes.total(), "places": places}
    name = digest_of([scrub.digest, seed, [place.model_dump() for place in places]])[:12]
    sheet = Sheet(id=name, **record)
    page = reviews_dir / name / SHEET_PAGE
    kinds = [*scrub.result["kinds_searched"], *scrub.result["kinds_not_searched"], _OTHER_KIND]
    _write_page(page, sheet, drawn, sizes, kinds)
    write_synced(page.with_name(SHEET_RECORD), sheet.model_dump_json())
    return sheet, page


def take_result(reviews_dir: Path, path: Path) -> Review:
    """Read what a sheet's page saved, hold it against the sheet, and store the evidence beside it.

    Raises:
        ConfigError: The file is no result, belongs to no sheet of this home, or names passages the sheet has not.
    """
    try:
        result = SheetResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            expected=f"a result saved by a review sheet at {path}",
            actual=error.strerror or "an error" if isinstance(error, OSError) else "another content",
            mend="Open the sheet in a browser, press 'Save result', and name the file it saves.",
        ) from None
    review = _review(_sheet_of(reviews_dir, result), result)
    # Two people may read the same sheet: each result is a file of its own.
    name = hashlib.sha256(review.model_dump_json().encode()).hexdigest()[:12]
    write_synced(reviews_dir / review.sheet / f"review-{name}.json", review.model_dump_json(indent=1))
    return review


def review_of(reviews_dir: Path, scrub_digest: str) -> Review | None:
    """Give the review of a scrubbed text in which most passages were read, or of equal ones most were missed."""
    reviews = [_read_review(path) for path in sorted(reviews_dir.glob("*/review-*.json"))]
    mine = [review for review in reviews if review is not None and review.scrub_digest == scrub_digest]
    return max(mine, key=lambda review: (review.num_read, review.num_missed), default=None)


def pages_showing(reviews_dir: Path, documents: Collection[str]) -> list[Path]:
    """Give the pages of sheets that show a passage of one of these documents, or of a part of one."""
    shown = []
    for path in sorted(reviews_dir.glob(f"*/{SHEET_RECORD}")):
        drawn = {place.document for place in Sheet.model_validate_json(path.read_bytes()).places}
        if not drawn.isdisjoint(documents) or not {text_id(name) for name in drawn}.isdisjoint(documents):
            shown.append(path.with_name(SHEET_PAGE))
    return shown


def _draw(documents: Iterator[Document], size: int, seed: int) -> tuple[list[_Drawn], Counter[str]]:
    """Draw by hash of document, place and seed, so that the order of the documents makes no difference."""
    sizes, heaps = Counter[str](), dict[str, list[tuple[int, _Drawn]]]()
    for document in documents:
        if document.planted:
            continue
        heap = heaps.setdefault(document.source, [])
        for start in range(0, len(document.text), PASSAGE_CHARS):
            sizes[document.source] += 1
            rank = hashlib.sha256(f"review\0{seed}\0{document.id}\0{start}".encode()).digest()[:12]
            # The heap keeps the smallest ranks; its first entry is the largest of them.
            key = -int.from_bytes(rank)
            if len(heap) < size:
                heapq.heappush(heap, (key, _passage(document, start, rank)))
            elif key > heap[0][0]:
                heapq.heapreplace(heap, (key, _passage(document, start, rank)))
    shares = _shares(sizes, min(size, sizes.total()))
    chosen = [one for source, heap in heaps.items() for _, one in sorted(heap, reverse=True)[: shares[source]]]
    return sorted(chosen), sizes


def _passage(document: Document, start: int, rank: bytes) -> _Drawn:
    text, end = document.text, start + PASSAGE_CHARS
    return _Drawn(
        rank, document.id, start, document.source, text[max(0, start - CONTEXT_CHARS) : start], text[start:end],
        text[end : end + CONTEXT_CHARS],
    )  # fmt: skip


def _shares(sizes: Counter[str], size: int) -> dict[str, int]:
    """Divide the sheet among the sources by their passages; what is left goes to the largest remainders."""
    total = sizes.total() or 1
    shares = {source: size * count // total for source, count in sizes.items()}
    rest = sorted(sizes, key=lambda source: (-(size * sizes[source] % total), source))
    for source in rest[: size - sum(shares.values())]:
        shares[source] += 1
    return shares


def _write_page(page: Path, sheet: Sheet, drawn: Sequence[_Drawn], sizes: Counter[str], kinds: Sequence[str]) -> None:
    script = resources.files("gptmodel").joinpath("templates", "review.js").read_text(encoding="utf-8")
    passages = [
        {"before": one.before, "pieces": _STAND_IN.split(one.text), "after": one.after, "source": one.source}
        for one in drawn
    ]
    counts = Counter(one.source for one in drawn)
    write_page(
        page, "review", title="Was anything missed?", sheet=sheet, passages=passages, kinds=list(dict.fromkeys(kinds)),
        sources=[(source, f"{sizes[source]:,}", f"{counts[source]:,}") for source in sorted(sizes)],
        passage_chars=PASSAGE_CHARS, script=script,
        # The page's policy runs this script and no other, whatever the passages hold.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip


def _sheet_of(reviews_dir: Path, result: SheetResult) -> Sheet:
    known = {path.parent.name: path for path in reviews_dir.glob(f"*/{SHEET_RECORD}")}
    if result.sheet not in known:
        raise ConfigError(
            expected="a result of a sheet of this home", actual="a sheet that was not made here",
            mend="Set GPTMODEL_HOME to the home where `gptmodel review` made it.",
        )  # fmt: skip
    return Sheet.model_validate_json(known[result.sheet].read_bytes())


def _review(sheet: Sheet, result: SheetResult) -> Review:
    numbers = [one.passage for one in result.missed]
    if result.num_read > len(sheet.places) or len(set(numbers)) < len(numbers):
        raise _misfit(sheet, f"{result.num_read:,} read and {len(numbers):,} ticks")
    if not all(1 <= number <= result.num_read for number in numbers):
        raise _misfit(sheet, "a tick at a passage that was not read")
    return Review(
        sheet=sheet.id, scrub_digest=sheet.scrub_digest, num_population=sheet.num_population,
        num_passages=len(sheet.places), num_read=result.num_read, num_missed=len(numbers),
        upper_bound=upper_bound(len(numbers), result.num_read),
        missed_by_kind=dict(sorted(Counter(one.kind for one in result.missed).items())),
        missed=tuple(sheet.places[number - 1] for number in sorted(numbers)), reviewer=result.reviewer,
    )  # fmt: skip


def _misfit(sheet: Sheet, actual: str) -> ConfigError:
    return ConfigError(
        expected=f"a result of the sheet's {len(sheet.places):,} passages, each ticked once at most", actual=actual,
        mend="Save the result from the sheet's own page again.",
    )  # fmt: skip


def _read_review(path: Path) -> Review | None:
    try:
        return Review.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
