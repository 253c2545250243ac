"""At which training steps a version read a document: the batch order is arithmetic, so nothing was noted down.

From the pack output comes where a document lies in the stream of training tokens, from the train manifest the length
of a window, the batch size, the seed and the number of steps. Steps count from 0: step 0 reads the first batch.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptmodel.corpus.rows import Row, rows_of
from gptmodel.lineage.versions import Version
from gptmodel.mixture import MixedOrder, batch_order
from gptmodel.store import Manifest, Store
from gptmodel.tokens import DOCUMENTS_FILE, BatchOrder, PackedDocument, num_windows, windows_of

MOST_LISTED = 20
"""Steps of one document that are listed, the first of them; of the others their number and the last is told."""


@dataclass(frozen=True)
class Steps:
    """The steps at which a training read a document, or a part of it.

    Attributes:
        num: How many.
        first: The first, counted from 0; None if none did.
        last: The last.
        listed: The first `MOST_LISTED` of them.
    """

    num: int
    first: int | None
    last: int | None
    listed: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {"num": self.num, "first": self.first, "last": self.last, "list": list(self.listed)}


NEVER = Steps(0, None, None, ())


def steps_read(store: Store, version: Version, ids: Collection[str]) -> dict[str, Steps]:
    """Tell at which steps a version's training read some documents, all of them of its train split.

    Args:
        store: The home's store.
        version: The version.
        ids: Documents, as the split names them.

    Returns:
        The steps by id; empty where the pack output or the train manifest is gone.

    Raises:
        StoreError: The table of packed documents can't be read.
    """
    training = _training(store, version)
    if training is None or not (training.pack / DOCUMENTS_FILE).exists():
        return {}
    rows = rows_of(training.pack / DOCUMENTS_FILE, ("id", "start", "num_tokens"), ids)
    # A planted phrase beyond its share is in the split, yet not in the stream.
    return dict.fromkeys(ids, NEVER) | training.steps_of([_packed(row) for row in rows])


@dataclass(frozen=True)
class Training:
    """What the order of a training's batches follows from.

    Attributes:
        pack: Folder of the packed tokens.
        num_tokens: Tokens of the train stream, planted test phrases included.
        context_length: Tokens of a window.
        batch_size: Windows in one step.
        seed: Seed of the order.
        num_steps: Steps that were taken.
    """

    pack: Path
    num_tokens: int
    context_length: int
    batch_size: int
    seed: int
    num_steps: int

    def steps_of(self, documents: Sequence[PackedDocument]) -> dict[str, Steps]:
        """Tell at which steps each of some documents of the train stream was read."""
        total = num_windows(self.num_tokens, self.context_length)
        if total < 1:
            return {document.id: NEVER for document in documents}
        windows = {document.id: windows_of(document, self.context_length, total) for document in documents}
        order = batch_order(self.pack, self.context_length, total, self.batch_size, self.seed)
        read = _steps_by_window(order, {window for its in windows.values() for window in its}, self.num_steps)
        return {name: _summed(read, its) for name, its in windows.items()}


def _packed(row: Row) -> PackedDocument:
    # What else the table says of a document says nothing of the order; reading it would take as long again.
    return PackedDocument(source="", lang="", split="train", planted="", num_bytes=0, **row)


def _training(store: Store, version: Version) -> Training | None:
    """Read what a version's order follows from; None if one of the two manifests is gone."""
    train, pack = _manifest(store, version, "train"), _manifest(store, version, "pack")
    if train is None or pack is None:
        return None
    settings = train.section
    return Training(
        store.folder("pack", pack.fingerprint),
        num_tokens=pack.result["num_tokens"]["train"] + pack.result["num_planted_tokens"],
        context_length=settings["model"]["context_length"], batch_size=settings["training"]["batch_size"],
        seed=settings["training"]["seed"], num_steps=train.result["num_steps"],
    )  # fmt: skip


def _manifest(store: Store, version: Version, stage: str) -> Manifest | None:
    fingerprint = version.outputs.get(stage)
    return store.read_manifest(store.folder(stage, fingerprint)) if fingerprint else None


def _steps_by_window(
    order: BatchOrder | MixedOrder, windows: Collection[int], num_steps: int
) -> Mapping[int, list[int]]:
    if isinstance(order, MixedOrder):
        return {window: order.steps_of(window, num_steps) for window in windows}
    # An epoch's places are found for all windows at once.
    asked, limit = sorted(windows), num_steps * order.batch_size
    read: defaultdict[int, list[int]] = defaultdict(list)
    for epoch in range(-(-limit // order.num_windows) if asked else 0):
        for window, place in zip(asked, order.places(asked, epoch), strict=True):
            position = epoch * order.num_windows + place
            if position < limit:
                read[window].append(position // order.batch_size)
    return read


def _summed(read: Mapping[int, list[int]], windows: Iterable[int]) -> Steps:
    steps = sorted({step for window in windows for step in read.get(window, ())})
    return Steps(len(steps), steps[0], steps[-1], tuple(steps[:MOST_LISTED])) if steps else NEVER
