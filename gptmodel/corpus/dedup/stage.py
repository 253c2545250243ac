"""The stage `deduplicate`: which documents say the same, which one of them is kept, and which lines repeat.

Each shard's lines are counted and the lines that a source repeats are found; each shard's texts, without these, are
hashed and signed; then the whole corpus is put into clusters. Made are tables over ids, never text. They depend on the
set of documents and the order of the sources alone: what an earlier run knows only saves time. Planted test phrases,
which repeat on purpose, stay aside. Split, the quality gate and every reader of the text read the tables.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from gptmodel.config import DedupConfig, fingerprint_section
from gptmodel.corpus.dedup.clusters import REASONS, Clusters, find_clusters
from gptmodel.corpus.dedup.contamination import ngrams_of
from gptmodel.corpus.dedup.evaluation_texts import read_evaluation_texts
from gptmodel.corpus.dedup.members import CLUSTERS_FILE, MEMBERS_DIR, Member
from gptmodel.corpus.dedup.repeated_lines import REPEATED_LINES_FILE, contains, count_lines, find_repeated, renumbered
from gptmodel.corpus.dedup.signing import SIGNED, SignedAccount, comparable, sign_shard
from gptmodel.corpus.dedup.stretches import Hashes
from gptmodel.corpus.documents import read_shard
from gptmodel.corpus.sources.listing import Listing
from gptmodel.corpus.tables import schema_of, write_arrow
from gptmodel.parts import Mapper, Part, PartsRuntime, Progress, clear_but_parts, in_turn, make_parts, text_parts
from gptmodel.store import NOTES_DIR, Workspace, digest_of

logger = logging.getLogger(__name__)

INDEX_FILE = "index.npy"
_LINES = "lines"
_INDEX_KEY = "index-key"
_NGRAMS = "evaluation-ngrams.npy"


class SourceDedup(BaseModel):
    """What deduplication did to one source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_read: int
    """Documents compared."""
    num_kept: int
    """Documents kept."""
    num_bytes_kept: int
    """UTF-8 bytes of their text, repeated lines removed."""
    num_lines_removed: int
    """Repeated lines removed from their text."""
    dropped_by_reason: dict[str, int]
    """Documents left out, by reason."""
    dropped_bytes_by_reason: dict[str, int]
    """Their UTF-8 bytes, by reason."""


class DedupRuntime(PartsRuntime):
    """How much was made anew."""

    num_texts: int = 0
    """Distinct texts compared."""
    num_known_texts: int = 0
    """Texts among them that an earlier run had compared with each other."""


class DedupResult(BaseModel):
    """The account of deduplication; planted test phrases are in none of its counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_read: int
    """Documents compared."""
    num_kept: int
    """Documents kept, one of each cluster."""
    num_exact: int
    """Documents left out that equal another one but for case and white space."""
    num_near: int
    """Documents left out that are similar to another one."""
    num_boilerplate: int
    """Documents left out of which little is left without repeated lines."""
    num_contaminated: int
    """Documents left out because they share a run of words with an evaluation text."""
    num_clusters: int
    """Clusters of two documents and more."""
    num_repeated_lines: int
    """Distinct lines that a source repeats."""
    num_lines_removed: int
    """Times such a line was removed from a document that is kept."""
    sources: list[SourceDedup]
    """The same by source, in the order of preference."""
    runtime: DedupRuntime = DedupRuntime()
    """How much was made anew."""


class _LinesAccount(BaseModel):
    """What counting one shard's lines gave."""

    sources: list[str]
    """Sources of the shard; the table of lines numbers them in this order."""
    num_documents: list[int]
    """Documents of each."""


def deduplicate(
    work: Workspace, config: DedupConfig, source_order: Sequence[str] = (), evaluation: Listing | None = None,
    progress: Progress | None = None, mapper: Mapper = in_turn,
) -> DedupResult:  # fmt: skip
    """Find the duplicates among the scrubbed documents and choose which to keep.

    Writes members/ (the fields of `Member`, one file a shard, in the order of its documents), clusters.parquet (the
    same for clusters of two and more, cluster by cluster), repeated-lines.npy, and the index: index.npy and one table
    of lines, of texts and of signatures a shard.

    Args:
        work: Reads `scrub`.
        config: How similar near duplicates are, and which lines count as repeated.
        source_order: Names of the sources in order of preference; sources not named come after, by name.
        evaluation: The files of `config.evaluation_texts` as `list_evaluation_texts` found them.
        progress: Called with the share done (0 to 1) and a few words.
        mapper: Where the shards are read.
    """
    clear_but_parts(work)
    report = progress or _silent
    lines = _count_lines(work, config, mapper, lambda done, words: report(0.3 * done, f"lines counted: {words}"))
    repeated = _repeated_lines(work, lines, config)
    parts = _signed_parts(work, config, repeated, evaluation)
    make = partial(_sign, folder=work.path, config=config)
    signed = make_parts(
        work, parts, make, SignedAccount, mapper, lambda done, words: report(0.3 + 0.5 * done, f"texts signed: {words}")
    )
    names = _names(signed.accounts.values(), source_order)
    files = [work.path / f"{name}.parquet" for name in signed.accounts]
    clusters = find_clusters(files, config, names, _earlier_index(work, config)) if files else None
    if clusters is not None:
        np.save(work.path / INDEX_FILE, clusters.index)
        _write_members(work.path, clusters, names, [name.removeprefix(f"{SIGNED}-") for name in signed.accounts])
    result = _result(clusters, names, len(repeated), signed.runtime)
    logger.info("%d of %d documents kept", result.num_kept, result.num_read)
    return result


def _silent(done_ratio: float, message: str) -> None:
    """Report to nobody."""


def _count_lines(work: Workspace, config: DedupConfig, mapper: Mapper, progress: Progress) -> dict[str, _LinesAccount]:
    if not config.repeated_line_min_documents:
        return {}
    parts = [Part(f"{_LINES}-{part.name}", part.key, part.item) for part in text_parts(work, "scrub")]
    return make_parts(work, parts, partial(_count, folder=work.path), _LinesAccount, mapper, progress).accounts


def _count(shard: Path, folder: Path) -> _LinesAccount:
    numbers: dict[str, int] = {}
    num_documents: list[int] = []

    def documents() -> Iterator[tuple[str, int, str]]:
        for document in read_shard(shard):
            if not document.planted:
                number = numbers.setdefault(document.source, len(numbers))
                num_documents.extend([0] * (number + 1 - len(num_documents)))
                num_documents[number] += 1
                yield document.source, number, document.text

    np.save(folder / f"{_LINES}-{shard.stem}.npy", count_lines(documents()))
    return _LinesAccount(sources=list(numbers), num_documents=num_documents)


def _repeated_lines(work: Workspace, lines: dict[str, _LinesAccount], config: DedupConfig) -> Hashes:
    """Find the repeated lines of the whole corpus and write their hashes."""
    numbers = {name: place for place, name in enumerate(sorted({n for item in lines.values() for n in item.sources}))}
    sizes = [0] * len(numbers)
    for account in lines.values():
        for name, size in zip(account.sources, account.num_documents, strict=True):
            sizes[numbers[name]] += size
    tables = [renumbered(_line_table(work, part), account.sources, numbers) for part, account in lines.items()]
    repeated = find_repeated(tables, sizes, config)
    np.save(work.path / REPEATED_LINES_FILE, repeated)
    return repeated


def _line_table(work: Workspace, part: str) -> npt.NDArray[Any]:
    return np.load(work.path / f"{part}.npy", mmap_mode="r")


@dataclass(frozen=True)
class _Shard:
    """One shard to sign, with the files that shape how."""

    path: Path
    repeated: Path | None
    ngrams: Path | None


def _signed_parts(
    work: Workspace, config: DedupConfig, repeated: Hashes, evaluation: Listing | None
) -> list[Part[_Shard]]:
    shaping = {"near", "ngram", "num_bands", "rows_per_band", "seed", "contamination_ngram"}
    settings = {name: value for name, value in fingerprint_section(config).items() if name in shaping}
    ngrams = _write_ngrams(work, config, evaluation)
    judged = evaluation.digests() if evaluation is not None else {}
    parts = []
    for part in text_parts(work, "scrub", [settings, judged]):
        mine = _held_by(work, part.name, repeated)
        shard = _Shard(part.item, work.path / REPEATED_LINES_FILE if len(mine) else None, ngrams)
        parts.append(Part(f"{SIGNED}-{part.name}", [part.key, mine.tolist()], shard))
    return parts


def _held_by(work: Workspace, shard: str, repeated: Hashes) -> Hashes:
    """Give the repeated lines that a shard holds: others make no difference to it."""
    if not len(repeated):
        return repeated
    return repeated[contains(_line_table(work, f"{_LINES}-{shard}")["hash"], repeated)]


def _write_ngrams(work: Workspace, config: DedupConfig, evaluation: Listing | None) -> Path | None:
    if evaluation is None:
        return None
    texts = (comparable(text) for text in read_evaluation_texts(evaluation))
    path = work.notes / _NGRAMS
    np.save(path, ngrams_of(texts, config.contamination_ngram))
    return path


def _sign(shard: _Shard, folder: Path, config: DedupConfig) -> SignedAccount:
    return sign_shard(shard.path, folder, config, shard.repeated, shard.ngrams)


def _names(signed: Iterable[SignedAccount], source_order: Sequence[str]) -> list[str]:
    found = {name for account in signed for name in account.sources}
    return [*source_order, *sorted(found - set(source_order))]


def _earlier_index(work: Workspace, config: DedupConfig) -> npt.NDArray[Any] | None:
    """Give the newest index made with these settings and this code; note that the one to come is."""
    kept = {"ngram", "num_bands", "rows_per_band", "min_similarity", "seed"}
    settings = {name: value for name, value in fingerprint_section(config).items() if name in kept}
    key = digest_of({"code": work.code_version, "settings": settings})
    (work.notes / _INDEX_KEY).write_text(key)
    for folder in work.earlier:
        try:
            if (folder / NOTES_DIR / _INDEX_KEY).read_text() == key:
                return np.load(folder / INDEX_FILE)
        except (OSError, ValueError):
            continue  # an index that can't be read only costs time
    return None


def _write_members(folder: Path, clusters: Clusters, names: Sequence[str], shards: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {
        "id": clusters.ids,
        "source": pa.array(names, pa.string()).take(pa.array(clusters.sources)),
        "cluster": clusters.ids.take(pa.array(clusters.keepers)),
        "kept": pa.array(clusters.reasons == 0),
        "reason": pa.array(REASONS, pa.string()).take(pa.array(clusters.reasons)),
        "num_repeated_lines": pa.array(clusters.num_repeated_lines),
        "num_bytes": pa.array(clusters.num_bytes),
    }
    members = pa.table(columns).cast(schema_of(Member))
    edges = np.searchsorted(clusters.files, np.arange(len(shards) + 1))
    for shard, start, end in zip(shards, edges[:-1], edges[1:], strict=True):
        write_arrow(folder / MEMBERS_DIR / f"{shard}.parquet", members.slice(start, end - start))
    together = members.filter(pa.array(np.bincount(clusters.keepers, minlength=len(members))[clusters.keepers] > 1))
    order = pc.sort_indices(together, [("cluster", "ascending"), ("kept", "descending"), ("id", "ascending")])
    write_arrow(folder / CLUSTERS_FILE, together.take(order))


def _result(
    clusters: Clusters | None, names: Sequence[str], num_repeated_lines: int, runtime: PartsRuntime
) -> DedupResult:
    sources = [_source(name, number, clusters) for number, name in enumerate(names)] if clusters else []
    dropped = {reason: sum(item.dropped_by_reason.get(reason, 0) for item in sources) for reason in REASONS}
    sizes = np.bincount(clusters.keepers) if clusters else np.zeros(0, dtype=np.int64)
    return DedupResult(
        num_read=sum(item.num_read for item in sources),
        num_kept=sum(item.num_kept for item in sources),
        num_exact=dropped["exact"], num_near=dropped["near"], num_boilerplate=dropped["boilerplate"],
        num_contaminated=dropped["contaminated"],
        num_clusters=int((sizes > 1).sum()), num_repeated_lines=num_repeated_lines,
        num_lines_removed=sum(item.num_lines_removed for item in sources), sources=sources,
        runtime=DedupRuntime(
            **runtime.model_dump(), num_texts=len(clusters.index) if clusters else 0,
            num_known_texts=clusters.num_known_texts if clusters else 0,
        ),
    )  # fmt: skip


def _source(name: str, number: int, clusters: Clusters) -> SourceDedup:
    mine = clusters.sources == number
    reasons, num_bytes = clusters.reasons[mine], clusters.num_bytes[mine]
    counts = np.bincount(reasons, minlength=len(REASONS))
    sizes = np.bincount(reasons, weights=num_bytes, minlength=len(REASONS)).astype(np.int64)
    dropped = [place for place, count in enumerate(counts) if place and count]
    return SourceDedup(
        name=name, num_read=int(mine.sum()), num_kept=int(counts[0]), num_bytes_kept=int(sizes[0]),
        num_lines_removed=int(clusters.num_repeated_lines[mine][reasons == 0].sum()),
        dropped_by_reason={REASONS[place]: int(counts[place]) for place in dropped},
        dropped_bytes_by_reason={REASONS[place]: int(sizes[place]) for place in dropped},
    )  # fmt: skip
