"""The texts that models are judged on, which training text must not hold.

They are listed and read like sources of their own, but never become documents. Called by the pipeline, which lists
them before anything runs, and by dedup.
"""

from collections.abc import Iterator
from pathlib import Path

from gptmodel.config import CorpusConfig, DedupConfig, SourceConfig
from gptmodel.corpus.sources.formats import read_items
from gptmodel.corpus.sources.listing import Listing, list_sources
from gptmodel.corpus.sources.locations import open_later
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.errors import SourceError


def list_evaluation_texts(config: DedupConfig, cache_path: Path) -> Listing | None:
    """List and hash the files of `evaluation_texts`; None if none are named.

    Args:
        config: Names the files, folders or globs.
        cache_path: See `list_sources`.

    Raises:
        SourceError: One of them is missing or holds no file.
    """
    if not config.evaluation_texts:
        return None
    sources = [SourceConfig(name=f"evaluation-{n}", path=path) for n, path in enumerate(config.evaluation_texts, 1)]
    return list_sources(CorpusConfig(sources=tuple(sources)), cache_path)


def external_digests(sources: Listing, evaluation: Listing | None) -> dict[str, dict[str, str]]:
    """Give the digests of what stages read from outside the store, by stage."""
    return {"ingest": sources.digests(), "deduplicate": evaluation.digests() if evaluation else {}}


def read_evaluation_texts(listing: Listing) -> Iterator[str]:
    """Read the texts.

    Raises:
        SourceError: A file can't be read: a check against half the texts would be taken for a check against all.
    """
    for name, source in listing.sources.items():
        for path, info in source.files.items():
            for item in read_items(open_later(path, info.path, info.num_bytes)):
                if isinstance(item, Rejected):
                    raise SourceError(
                        expected=f"evaluation texts that can be read ({name})",
                        actual=f"{path}: {item.reason.replace('_', ' ')}",
                        mend="Mend the file, or name it no longer in dedup.evaluation_texts.",
                    )
                yield "".join(item.chunks)
