"""The batch order as arithmetic: which windows make up batch n is computed, in both directions, and never stored."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Words = npt.NDArray[np.uint64]

_ROUNDS = 6


class BatchOrder:
    """The order in which windows are read: a pure function of (number of windows, batch size, seed).

    Each pass over the windows (epoch) visits every window once, in a permutation of its own. The permutation is a
    Feistel network over the smallest even number of bits that can number the windows, with cycle walking: a result
    beyond the last window is put through again. So it can be computed at any place, in both directions, without a
    table.

    Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002; the round function is the finaliser of
    splitmix64 (Steele, Lea, Flood, 2014). It shuffles; it is no cipher.

    Args:
        num_windows: Windows in the stream, at least 1.
        batch_size: Windows in one step.
        seed: Seed of the permutations.

    Raises:
        ValueError: num_windows or batch_size is below 1.
    """

    def __init__(self, num_windows: int, batch_size: int, seed: int) -> None:
        if num_windows < 1 or batch_size < 1:
            raise ValueError(f"num_windows and batch_size must be at least 1, got {num_windows} and {batch_size}")
        self.num_windows = num_windows
        self.batch_size = batch_size
        self.seed = seed
        self._half_bits = max(1, ((num_windows - 1).bit_length() + 1) // 2)

    def windows(self, step: int) -> list[int]:
        """Give the batch_size windows that step n reads, 0 <= window < num_windows. Steps count from 0."""
        places = [step * self.batch_size + offset for offset in range(self.batch_size)]
        epochs = range(places[0] // self.num_windows, places[-1] // self.num_windows + 1)
        found: list[int] = []
        for epoch in epochs:
            inside = [place % self.num_windows for place in places if place // self.num_windows == epoch]
            found += self.permuted(inside, epoch)
        return found

    def steps_of(self, window: int, num_steps: int) -> list[int]:
        """Give the steps below num_steps that read a window, ascending; a step that reads it twice stands twice."""
        num_places = num_steps * self.batch_size
        num_epochs = -(-num_places // self.num_windows)
        places = [epoch * self.num_windows + self.places([window], epoch)[0] for epoch in range(num_epochs)]
        return sorted(place // self.batch_size for place in places if place < num_places)

    def permuted(self, places: Sequence[int], epoch: int) -> list[int]:
        """Give the windows at these places (0 <= place < num_windows) of an epoch."""
        return self._walk(places, self._keys(epoch), self._forward)

    def places(self, windows: Sequence[int], epoch: int) -> list[int]:
        """Give the places of these windows in an epoch: the inverse of `permuted`."""
        return self._walk(windows, self._keys(epoch), self._backward)

    def _keys(self, epoch: int) -> _Words:
        start = (self.seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
        counters = np.arange(1, _ROUNDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return _mixed(_mixed(np.full(_ROUNDS, start, dtype=np.uint64)) + counters)

    def _walk(self, values: Sequence[int], keys: _Words, network: Any) -> list[int]:
        words = network(np.array(values, dtype=np.uint64), keys)
        while (outside := words >= self.num_windows).any():
            words[outside] = network(words[outside], keys)
        return [int(word) for word in words]

    def _forward(self, words: _Words, keys: _Words) -> _Words:
        left, right = self._halves(words)
        for key in keys:
            left, right = right, left ^ self._round(right, key)
        return self._joined(left, right)

    def _backward(self, words: _Words, keys: _Words) -> _Words:
        left, right = self._halves(words)
        for key in keys[::-1]:
            left, right = right ^ self._round(left, key), left
        return self._joined(left, right)

    def _round(self, half: _Words, key: np.uint64) -> _Words:
        return _mixed(half ^ key) >> np.uint64(64 - self._half_bits)

    def _halves(self, words: _Words) -> tuple[_Words, _Words]:
        bits = np.uint64(self._half_bits)
        return words >> bits, words & ((np.uint64(1) << bits) - np.uint64(1))

    def _joined(self, left: _Words, right: _Words) -> _Words:
        return (left << np.uint64(self._half_bits)) | right


def _mixed(words: _Words) -> _Words:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
