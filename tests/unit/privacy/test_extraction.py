from pathlib import Path

import numpy as np
import torch

from gptmodel.corpus.documents import Document, document_id
from gptmodel.generation import Generator
from gptmodel.privacy.extraction import continue_greedily, draw_stretches, try_prefixes
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from tests.unit.privacy.models import CONFIG, CONTEXT, real_documents, trained, training_of, untrained, workspace

LENGTHS = CONFIG.model_copy(update={"prefix_tokens": (2, 4, 8)})


def test_a_learned_text_is_copied_after_every_length_of_prefix(tmp_path: Path, tokenizer: Tokenizer):
    documents = real_documents()[:1]
    model = trained(tokenizer, documents, 80)
    training = training_of(workspace(tmp_path, tokenizer, documents, model))
    found = try_prefixes(Generator(model, tokenizer), LENGTHS, training)
    assert [(group.prefix_tokens, group.num_prefixes) for group in found.by_prefix] == [(2, 1), (4, 1), (8, 1)]
    assert found.by_prefix[-1].num_copies == 1
    assert (found.num_copied, found.num_copied_widespread) == (1, 0)


def test_a_copied_stretch_that_stands_in_several_documents_is_told_apart(tmp_path: Path, tokenizer: Tokenizer):
    first = real_documents()[0]
    documents = [first, Document(document_id("book", "b.txt", "0"), "book", "b.txt", first.text, "en")]
    model = trained(tokenizer, documents, 80)
    training = training_of(workspace(tmp_path, tokenizer, documents, model))
    found = try_prefixes(Generator(model, tokenizer), CONFIG, training)
    assert (found.num_copied, found.num_copied_widespread) == (2, 2)


def test_short_documents_are_tried_with_short_prefixes_only(clean: Workspace):
    training = training_of(clean)
    sizes = {len(stretch) for stretch in draw_stretches(CONFIG, training, [4, 10_000], 8)}
    assert sizes == {4 + 8}


def test_planted_documents_are_never_tried_as_prefixes(leaky: Workspace):
    config = CONFIG.model_copy(update={"num_prefixes": 1000})
    assert len(draw_stretches(config, training_of(leaky), [8], 8)) == len(real_documents())


def test_a_prefix_and_its_continuation_lie_within_one_document(clean: Workspace, tokenizer: Tokenizer):
    texts = [document.text.encode() for document in real_documents()]
    for stretch in draw_stretches(CONFIG, training_of(clean), [8], 8):
        piece = tokenizer.decode_bytes(stretch.tolist())
        assert len(stretch) == 16
        assert any(piece in text for text in texts)


def test_greedy_continuation_takes_the_likeliest_token(tokenizer: Tokenizer):
    model, prefix = untrained(tokenizer), np.array([[5, 9, 30]])
    with torch.inference_mode():
        ids = torch.from_numpy(prefix[0])
        for _ in range(5):
            ids = torch.cat([ids, model(ids)[-1:].argmax(-1)])
    assert continue_greedily(Generator(model, tokenizer), prefix, 5).tolist() == [ids[3:].tolist()]


def test_sizes_beyond_the_context_are_cut_and_said(clean: Workspace, tokenizer: Tokenizer):
    config = CONFIG.model_copy(update={"prefix_tokens": (1, 500), "copy_tokens": 500, "num_prefixes": 2})
    found = try_prefixes(Generator(untrained(tokenizer), tokenizer), config, training_of(clean))
    assert found.copy_tokens == CONTEXT // 2
    assert {group.prefix_tokens for group in found.by_prefix} <= {1, CONTEXT // 2}


def test_without_the_training_text_nothing_is_tried(tokenizer: Tokenizer):
    found = try_prefixes(Generator(untrained(tokenizer), tokenizer), CONFIG, None)
    assert (found.by_prefix, found.worst, found.num_stretches) == ((), None, 0)
