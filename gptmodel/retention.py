"""Which text from before scrubbing may stay in the store, and the deletion of the rest.

Ingest and clean hold raw text. Once scrubbing is finished it is deleted, also what earlier or interrupted runs of the
same home left, unless every source of that text says `personal_data = "no"`. Manifests and accounts stay.
"""

import shutil
from pathlib import Path

from gptmodel.store import Manifest, Store, is_locked, output_of

RAW_STAGES = ("ingest", "clean")


def delete_raw_text(store: Store) -> int:
    """Delete all raw text that may not stay; outputs another process is writing are left alone.

    Returns:
        The bytes freed.
    """
    allowed = {m.digest for m in store.manifests("ingest") if _may_stay(m)}
    freed = 0
    for stage in RAW_STAGES:
        for manifest in store.manifests(stage):
            source = manifest.digest if stage == "ingest" else manifest.inputs.get("ingest")
            if source not in allowed:
                freed += store.release(output_of(manifest))
        freed += sum(_remove(folder) for folder in _leftovers(store.root / stage))
    return freed


def _may_stay(manifest: Manifest) -> bool:
    sources = manifest.section.get("corpus", {}).get("sources", [])
    return bool(sources) and all(source.get("personal_data") == "no" for source in sources)


def _leftovers(folder: Path) -> list[Path]:
    unfinished = [path for suffix in (".partial", ".old") for path in folder.glob(f"*{suffix}")]
    return [path for path in unfinished if not is_locked(path.with_suffix(".lock"))]


def _remove(folder: Path) -> int:
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return freed
