import lzma
import math

import numpy as np
import pytest

from gptmodel.baselines import bits_per_byte, count_tokens, unigram_bits, xz_bits


def test_unigram_bits_by_hand():
    # Counts 3 and 0 become 4/5 and 1/5: two tokens of the first, one of the second.
    expected = 2 * math.log2(5 / 4) + math.log2(5)
    assert unigram_bits(np.array([3, 0]), np.array([2, 1])) == pytest.approx(expected)


def test_a_token_never_seen_costs_a_finite_number_of_bits():
    assert math.isfinite(unigram_bits(np.array([1000, 0]), np.array([0, 7])))


def test_counts_have_a_place_for_every_token_of_the_vocabulary():
    assert count_tokens(np.array([1, 1, 3]), 6).tolist() == [0, 2, 0, 1, 0, 0]


def test_xz_bits_are_those_of_a_file_that_unpacks_to_the_text():
    text = b"one two three " * 100
    packed = lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)
    assert xz_bits(text) == 8 * len(packed)
    assert lzma.decompress(packed) == text


def test_eight_bits_for_a_byte_guessed_blindly():
    assert bits_per_byte(10 * math.log(256), 10) == pytest.approx(8.0)


def test_no_bytes_cost_nothing():
    assert bits_per_byte(0.0, 0) == 0.0
