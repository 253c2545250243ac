"""What a vocabulary gives for its size."""

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.documents import Document
from gptmodel.tokenizer import learn
from gptmodel.tokenizer.compression import measure_compression, num_embedding_parameters


def test_bytes_and_characters_are_counted_by_language() -> None:
    tokenizer = learn([], TokenizerConfig(vocab_size=300))
    documents = [
        Document("1", "s", "p", "abcd", "en"),
        Document("2", "s", "p", "汉字", "zh"),
        Document("3", "s", "p", ""),
    ]
    counted = measure_compression(tokenizer, documents)
    assert counted.bytes_per_token == 1
    assert counted.tokens_per_character_by_language == {"en": 1.0, "zh": 3.0}


def test_an_output_layer_of_its_own_doubles_the_parameters() -> None:
    assert num_embedding_parameters(1000, 64, tied=False) == 2 * num_embedding_parameters(1000, 64, tied=True)
