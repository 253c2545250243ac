"""Generation: the cache changes nothing, neighbours change nothing, and the text is always whole characters."""

import random
from pathlib import Path

import pytest
import torch

from gptmodel.config import TokenizerConfig
from gptmodel.errors import ConfigError, ModelInputError, StoreError
from gptmodel.generation import Generator, _pick, _Sequence, _window, _Wish
from gptmodel.model import GPTModel
from gptmodel.model_folder import save_model
from gptmodel.tokenizer import Tokenizer, learn

CONTEXT = 12
PROMPTS = ["", "The function", "函数返回 a list", "x", "Mail <EMAIL> to the function number 7"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [f"The function number {n} returns a list of names. 函数返回名称的列表。\n" for n in range(20)]
    return learn(texts, TokenizerConfig(vocab_size=300), ["<EMAIL>"])


def some_model(tokenizer: Tokenizer, spread: float = 6.0) -> GPTModel:
    torch.manual_seed(0)
    model = GPTModel(tokenizer.vocab_size, 16, 32, 2, 2, context_length=CONTEXT)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(spread if parameter.dim() > 1 else 1.0)
    return model.eval()


@pytest.fixture
def generator(tokenizer: Tokenizer) -> Generator:
    return Generator(some_model(tokenizer), tokenizer)


def favouring(tokenizer: Tokenizer, *wanted: int) -> Generator:
    """Give a generator whose model takes these tokens in turn, whatever it reads."""
    model = some_model(tokenizer)

    def logits(hidden: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(*hidden.shape[:-1], tokenizer.vocab_size)
        scores[..., order.pop(0)] = 100.0
        return scores

    order = list(wanted)
    model.logits = logits  # type: ignore[method-assign]
    return Generator(model, tokenizer)


def test_greedy_text_equals_the_likeliest_tokens_without_a_cache(generator: Generator) -> None:
    ids = [generator.tokenizer.end_of_document_id, *generator.tokenizer.encode("The function")]
    expected: list[int] = []
    while len(expected) < 20:
        scores = generator.model(torch.tensor(_window([*ids, *expected], CONTEXT)))[-1]
        scores[generator.tokenizer.padding_id] = -torch.inf
        expected.append(int(scores.argmax()))
        if expected[-1] == generator.tokenizer.end_of_document_id:
            expected.pop()
            break
    found = generator.generate(["The function"], max_new_tokens=20, temperature=0.0)[0]
    assert list(found.token_ids) == expected
    assert found.num_tokens == len(expected)


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"seed": 5}, {"seed": 5, "top_k": 9}, {"top_p": 0.8}])
def test_the_neighbours_of_a_prompt_do_not_change_its_text(generator: Generator, options: dict[str, float]) -> None:
    others = ["completely different", "", "y" * 40, "z"]
    in_all = generator.generate(PROMPTS, max_new_tokens=16, **options)  # type: ignore[arg-type]
    for place in (1, 4):
        beside = [*others[:place], PROMPTS[place]]
        found = generator.generate(beside, max_new_tokens=16, **options)  # type: ignore[arg-type]
        assert found[place] == in_all[place]


def test_a_first_prompt_gives_the_text_it_gives_alone(generator: Generator) -> None:
    alone = generator.generate(PROMPTS[1:2], max_new_tokens=30, seed=3)
    assert generator.generate(PROMPTS[1:], max_new_tokens=30, seed=3)[:1] == alone


def test_the_same_seed_gives_the_same_texts(generator: Generator) -> None:
    first = generator.generate(PROMPTS, max_new_tokens=15, seed=1)
    torch.manual_seed(99)
    assert generator.generate(PROMPTS, max_new_tokens=15, seed=1) == first


def test_another_seed_gives_other_texts(generator: Generator) -> None:
    first = generator.generate(PROMPTS, max_new_tokens=15, seed=1)
    assert generator.generate(PROMPTS, max_new_tokens=15, seed=2) != first


def test_the_same_prompt_twice_gives_two_texts(generator: Generator) -> None:
    one, other = generator.generate(["", ""], max_new_tokens=15)
    assert one != other


def test_the_global_random_state_is_left_alone(generator: Generator) -> None:
    before = torch.random.get_rng_state()
    generator.generate(PROMPTS, max_new_tokens=5)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_more_prompts_than_one_batch_give_the_same_texts(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = generator.generate(PROMPTS, max_new_tokens=10)
    monkeypatch.setattr("gptmodel.generation._BATCH_SIZE", 2)
    assert generator.generate(PROMPTS, max_new_tokens=10) == expected


def test_text_goes_on_far_beyond_the_context(generator: Generator) -> None:
    found = generator.generate(["x" * 50, "y"], max_new_tokens=5 * CONTEXT, temperature=1.0, seed=2)
    assert max(item.num_tokens for item in found) > 2 * CONTEXT


@pytest.mark.parametrize("length", range(1, 5 * CONTEXT))
def test_a_window_ends_with_the_text_and_keeps_at_least_half_a_context(length: int) -> None:
    ids = list(range(length))
    window = _window(ids, CONTEXT)
    assert window == ids[-len(window) :]
    assert min(length, CONTEXT // 2) <= len(window) <= CONTEXT


def test_the_end_of_the_document_ends_the_text(tokenizer: Tokenizer) -> None:
    letters = tokenizer.encode("a") + tokenizer.encode("b")
    found = favouring(tokenizer, *letters, tokenizer.end_of_document_id).generate(["x"], max_new_tokens=9)[0]
    assert (found.text, found.num_tokens) == ("ab", 2)


def test_a_sequence_that_ended_leaves_the_others_going(generator: Generator) -> None:
    found = generator.generate([""] * 40, max_new_tokens=40, temperature=1.5)
    lengths = {item.num_tokens for item in found}
    assert min(lengths) < 40
    again = generator.generate([""] * 3, max_new_tokens=40, temperature=1.5)
    assert again == found[:3]


def test_padding_is_never_drawn(generator: Generator) -> None:
    texts = generator.generate([""] * 20, max_new_tokens=10, temperature=50.0)
    assert all(generator.tokenizer.padding_id not in item.token_ids for item in texts)


def test_a_model_with_more_ids_than_the_tokenizer_never_draws_them(tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    wide = GPTModel(tokenizer.vocab_size + 50, 16, 32, 1, 2, context_length=CONTEXT)
    found = Generator(wide, tokenizer).generate([""] * 20, max_new_tokens=10, temperature=50.0)
    assert all(number < tokenizer.vocab_size for item in found for number in item.token_ids)


def test_an_unfinished_character_is_left_out(tokenizer: Tokenizer) -> None:
    emoji = tokenizer.encode("🙂")  # four bytes, in no merge
    assert len(emoji) == 4
    found = favouring(tokenizer, *tokenizer.encode("a"), *emoji[:3]).generate([""], max_new_tokens=4)[0]
    assert (found.text, found.num_tokens) == ("a", 4)


def test_bytes_that_are_no_text_become_replacement_characters(tokenizer: Tokenizer) -> None:
    broken = [tokenizer.encode("🙂")[1], *tokenizer.encode("a")]
    assert favouring(tokenizer, *broken).generate([""], max_new_tokens=2)[0].text == "\ufffda"


@pytest.mark.parametrize("seed", range(3))
def test_the_pieces_of_a_stream_make_up_the_generated_text(generator: Generator, seed: int) -> None:
    pieces = list(generator.stream("The 函数", max_new_tokens=40, temperature=2.0, seed=seed))
    assert "".join(pieces) == generator.generate(["The 函数"], max_new_tokens=40, temperature=2.0, seed=seed)[0].text
    assert all(pieces)


def test_a_stream_gives_characters_whole(tokenizer: Tokenizer) -> None:
    order = [*tokenizer.encode("🙂"), *tokenizer.encode("b")]
    assert list(favouring(tokenizer, *order).stream("", max_new_tokens=5)) == ["🙂", "b"]


def test_a_placeholder_in_the_prompt_is_the_token_it_was_in_training(generator: Generator) -> None:
    ids = generator._sequence("to <EMAIL>", 0, 0).ids
    assert generator.tokenizer.encode("<EMAIL>")[0] in ids
    assert len(generator.tokenizer.encode("<EMAIL>")) == 1


def test_an_empty_prompt_starts_from_the_end_of_a_document(generator: Generator) -> None:
    assert generator._sequence("", 0, 0).ids == [generator.tokenizer.end_of_document_id]


def test_no_prompts_give_no_texts(generator: Generator) -> None:
    assert generator.generate([], max_new_tokens=5) == []


def test_no_tokens_give_empty_texts(generator: Generator) -> None:
    assert [item.text for item in generator.generate(["a", "b"], max_new_tokens=0)] == ["", ""]


def test_the_training_mode_of_the_model_is_left_as_it_was(generator: Generator) -> None:
    generator.model.train()
    generator.generate(["a"], max_new_tokens=2)
    assert generator.model.training


def draw_often(scores: list[float], **options: float | int | None) -> set[int]:
    wish = _Wish(1, **{"temperature": 1.0, "top_k": None, "top_p": None, **options})  # type: ignore[arg-type]
    sequences = [_Sequence([0], random.Random(f"0/{n}")) for n in range(300)]
    return set(_pick(torch.tensor(scores).expand(300, -1), sequences, wish))


def test_top_k_draws_from_the_likeliest_tokens_only() -> None:
    assert draw_often([1.0, 3.0, 2.0, 0.0], top_k=2) == {1, 2}


def test_a_top_k_beyond_the_vocabulary_takes_all_tokens() -> None:
    assert draw_often([1.0, 1.0, 1.0], top_k=50) == {0, 1, 2}


def test_top_p_draws_from_the_smallest_set_that_reaches_it() -> None:
    scores = torch.tensor([0.1, 0.5, 0.3, 0.1]).log().tolist()
    assert draw_often(scores, top_p=0.7) == {1, 2}


def test_a_tiny_top_p_takes_the_likeliest_token() -> None:
    assert draw_often([1.0, 1.5, 1.2], top_p=1e-9) == {1}


def test_a_low_temperature_comes_near_the_likeliest_token() -> None:
    assert draw_often([1.0, 1.5, 1.2], temperature=0.01) == {1}


def test_draws_follow_the_models_distribution() -> None:
    wish = _Wish(1, 1.0, None, None)
    sequences = [_Sequence([0], random.Random(f"0/{n}")) for n in range(4000)]
    drawn = torch.tensor(_pick(torch.tensor([0.2, 0.3, 0.5]).log().expand(4000, -1), sequences, wish))
    shares = torch.bincount(drawn, minlength=3) / 4000
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.3, 0.5]), atol=0.03, rtol=0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": -1}, "max_new_tokens >= 0; got -1"),
        ({"temperature": -0.5}, "temperature >= 0"),
        ({"temperature": float("nan")}, "temperature >= 0"),
        ({"top_k": 0}, "top_k >= 1"),
        ({"top_p": 0.0}, "0 < top_p <= 1"),
        ({"top_p": 1.5}, "0 < top_p <= 1"),
    ],
)
def test_a_parameter_out_of_range_is_explained(generator: Generator, options: dict[str, float], message: str) -> None:
    wish = {"max_new_tokens": 3, **options}
    with pytest.raises(ConfigError, match=message):
        generator.generate(["a"], **wish)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        generator.stream("a", **wish)  # type: ignore[arg-type]


def test_log_probabilities_are_those_of_the_model(generator: Generator) -> None:
    ids = generator.tokenizer.encode("The function")
    scores = generator.model(torch.tensor([generator.tokenizer.end_of_document_id, *ids])).detach().log_softmax(-1)
    expected = [float(scores[place, number]) for place, number in enumerate(ids)]
    assert generator.log_probabilities(ids) == pytest.approx(expected, abs=1e-5)


def test_log_probabilities_of_nothing_are_refused(generator: Generator) -> None:
    with pytest.raises(ModelInputError, match="T >= 1"):
        generator.log_probabilities([])


def test_a_model_folder_gives_the_same_texts(generator: Generator, tmp_path: Path) -> None:
    save_model(tmp_path, generator.model)
    generator.tokenizer.save(tmp_path)
    loaded = Generator.load(tmp_path)
    assert loaded.generate(PROMPTS, max_new_tokens=9) == generator.generate(PROMPTS, max_new_tokens=9)


def test_a_folder_without_a_model_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="file is missing"):
        Generator.load(tmp_path)
