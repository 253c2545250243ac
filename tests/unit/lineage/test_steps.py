"""The steps at which a training read a document, against every batch that it reads."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gptmodel.corpus.tables import write_table
from gptmodel.lineage.steps import MOST_LISTED, NEVER, Steps, Training, steps_read
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.mixture import batch_order
from gptmodel.store import Manifest, Store, seal
from gptmodel.tokens import DOCUMENTS_FILE, MIXTURE_FILE, PackedDocument, TokenSplit, num_windows, windows_at
from tests.unit.house import A

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=12)


def lay_out(folder: Path, sizes: list[int], weights: list[float]) -> list[PackedDocument]:
    """Write a train stream in which each document's tokens are its number."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = np.cumsum([0, *sizes])
    np.repeat(np.arange(len(sizes)), sizes).astype("<u2").tofile(folder / "train-00000.bin")
    rows = [PackedDocument(f"{number:032x}", "notes", "en", "train", "", int(start), size, size)
            for number, (start, size) in enumerate(zip(starts, sizes, strict=False))]  # fmt: skip
    write_table(folder / DOCUMENTS_FILE, PackedDocument, rows)
    if len(weights) > 1:
        parts = np.array_split(np.array(sizes), len(weights))
        groups = [
            {"weight": weight, "num_tokens": int(part.sum())} for weight, part in zip(weights, parts, strict=True)
        ]
        (folder / MIXTURE_FILE).write_text(json.dumps(groups))
    return rows


def steps_by_reading(training: Training, num_documents: int) -> dict[int, list[int]]:
    """Read every batch, and note at which steps a document's tokens were in it, as input or as target."""
    split = TokenSplit.open(training.pack, "train")
    total = num_windows(len(split), training.context_length)
    order = batch_order(training.pack, training.context_length, total, training.batch_size, training.seed)
    read: defaultdict[int, list[int]] = defaultdict(list)
    for step in range(training.num_steps):
        inputs, targets = windows_at(split, order.windows(step), training.context_length)
        for number in {*inputs.ravel().tolist(), *targets.ravel().tolist()}:
            read[number].append(step)
    return {number: sorted(read[number]) for number in range(num_documents)}


@given(
    sizes=SIZES, weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=3, unique=True),
    context=st.integers(1, 9), batch_size=st.integers(1, 5), seed=st.integers(0, 9), num_steps=st.integers(0, 40),
)  # fmt: skip
def test_the_steps_are_those_whose_batches_hold_a_token_of_the_document(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], weights: list[float], context: int, batch_size: int,
    seed: int, num_steps: int,
) -> None:  # fmt: skip
    pack = tmp_path_factory.mktemp("pack")
    rows = lay_out(pack, sizes, sorted(weights))
    training = Training(pack, sum(sizes), context, batch_size, seed, num_steps)
    if not num_windows(training.num_tokens, context):
        assert set(training.steps_of(rows).values()) == {NEVER}
        return
    expected = steps_by_reading(training, len(rows))
    assert training.steps_of(rows) == {
        row.id: Steps(len(steps), steps[0], steps[-1], tuple(steps[:MOST_LISTED])) if steps else NEVER
        for row, steps in zip(rows, expected.values(), strict=True)
    }


def test_a_long_list_is_cut_while_its_number_and_its_end_stay(tmp_path: Path) -> None:
    rows = lay_out(tmp_path, [50], [1.0])
    [steps] = Training(tmp_path, 50, 5, 3, 0, 1000).steps_of(rows).values()
    assert (steps.num, steps.first, steps.last, len(steps.listed)) == (1000, 0, 999, MOST_LISTED)
    assert steps.as_json() == {"num": 1000, "first": 0, "last": 999, "list": list(range(MOST_LISTED))}


class Packed(BaseModel):
    """The account of `pack`, as far as the steps follow from it."""

    num_tokens: dict[str, int]
    num_planted_tokens: int = 0


class Trained(BaseModel):
    """The account of `train`."""

    num_steps: int


class Registered(BaseModel):
    """The account of `register`."""

    name: str = "gpt"
    version: int = 1


def put(store: Store, stage: str, account: BaseModel, inputs: dict[str, str], sizes: list[int] | None = None,
        section: dict[str, dict[str, int]] | None = None) -> Manifest:  # fmt: skip
    with store.writing(stage, A, {}) as work:
        if sizes:
            lay_out(work.path, sizes, [1.0])
        manifest = seal(work, stage=stage, fingerprint=A, code_version="", section=section or {},
                        inputs=inputs, result=account)  # fmt: skip
        store.commit(work, manifest)
    return manifest


@pytest.fixture
def version(tmp_path: Path) -> tuple[Store, Version]:
    """A version whose 4 steps read 2 windows of 5 tokens each, of a stream of 12 windows."""
    store = Store(tmp_path)
    pack = put(store, "pack", Packed(num_tokens={"train": 50}, num_planted_tokens=11), {}, [20, 3, 38])
    section = {"model": {"context_length": 5}, "training": {"batch_size": 2, "seed": 3}}
    train = put(store, "train", Trained(num_steps=4), {"pack": pack.digest}, section=section)
    put(store, "register", Registered(), {"pack": pack.digest, "train": train.digest})
    return store, list_versions(store)[0]


def test_a_version_tells_the_steps_from_its_two_manifests(version: tuple[Store, Version]) -> None:
    store, registered = version
    ids = [f"{number:032x}" for number in range(3)]
    read = steps_read(store, registered, ids)
    order = batch_order(store.folder("pack", A), 5, 12, 2, 3)
    held = {window for step in range(4) for window in order.windows(step)}
    assert sorted(read) == ids
    assert bool(read[ids[1]].num) == bool(held & {3, 4})
    assert sum(steps.num for steps in read.values()) >= 4


def test_a_document_that_was_not_packed_was_never_read(version: tuple[Store, Version]) -> None:
    assert steps_read(*version, ["f" * 32]) == {"f" * 32: NEVER}


def test_nobody_can_tell_the_steps_once_an_output_is_gone(version: tuple[Store, Version]) -> None:
    store, registered = version
    (store.folder("pack", A) / DOCUMENTS_FILE).unlink()
    assert steps_read(store, registered, [f"{0:032x}"]) == {}
