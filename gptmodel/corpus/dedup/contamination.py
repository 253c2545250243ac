"""Documents that hold a piece of the texts that models are judged on: a score on those would be no score.

A document that shares a run of words with one of the evaluation texts is left out. Called by dedup.

Source: Brown et al. 2020, Language Models are Few-Shot Learners, appendix C: runs of 13 words, lower case, without
punctuation. Deviations: the whole document is left out, not 200 characters around the run; in scripts written without
spaces a run is twice as many characters.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from gptmodel.corpus.dedup.repeated_lines import contains
from gptmodel.corpus.dedup.stretches import DENSE, Block, Hashes, blocks, runs

_DENSE_FACTOR = 2


def ngrams_of(texts: Iterable[str], length: int) -> Hashes:
    """Give the hashes of all runs of words of the evaluation texts, sorted, each once.

    Args:
        texts: The texts as `dedup.comparable` gives them.
        length: Words in a run.
    """
    found = [_runs(block, length)[0] for block in blocks(texts)]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *found]))


def shares_ngram(texts: Sequence[str], ngrams: Hashes, length: int) -> npt.NDArray[np.bool_]:
    """Tell which texts share a run of words with the evaluation texts, shape (texts,).

    Args:
        texts: Texts as `dedup.comparable` gives them.
        ngrams: What `ngrams_of` gave.
        length: Words in a run, as it was there.
    """
    found = []
    for block in blocks(texts):
        hashes, text_of = _runs(block, length)
        mine = np.zeros(len(block.starts) - 1, dtype=bool)
        mine[text_of[contains(ngrams, hashes)]] = True
        found.append(mine)
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def _runs(block: Block, length: int) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Give the runs of a block within its texts: those of words, and longer ones that begin in a dense script."""
    first, end = block.words()
    words, texts = block.hashes(first, end), block.text_of(first)
    is_dense = block.classes[first] == DENSE
    hashes, owners = [], []
    for size, begins in ((length, ~is_dense), (_DENSE_FACTOR * length, is_dense)):
        found = runs(words, size)
        inside = begins[: len(found)] & (texts[: len(found)] == texts[size - 1 : size - 1 + len(found)])
        hashes.append(found[inside])
        owners.append(texts[: len(found)][inside])
    return np.concatenate(hashes), np.concatenate(owners)
