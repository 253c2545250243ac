"""The exact tests and intervals behind the numbers in a decision.

Pure arithmetic on counts, ranks and per-document figures: no model, no text, no file. Evaluation and the leak test
call this room; every random draw is seeded by the caller.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Confidence of every interval and bound, two-sided for intervals, one-sided for bounds."""

_NUM_RESAMPLES = 2000
_RESAMPLE_CELLS = 2_000_000  # document picks held in memory at a time


def rank_sum_p_value(ranks: Sequence[int], num_references: int) -> float:
    """Test whether ranks are smaller than uniform ones: the exact one-sided p-value of their sum.

    Under the null hypothesis each rank is independent and uniform on 1 .. num_references + 1, so the sum's distribution
    is a convolution of uniform ones; no normal approximation is involved.

    Args:
        ranks: Rank of each item among its own references, 1 = ahead of all of them.
        num_references: References that each item was ranked among.

    Returns:
        Probability of a sum as small as this one or smaller; 1.0 without ranks.

    Example:
        >>> round(rank_sum_p_value([1, 1], 9), 4)
        0.01
    """
    if not ranks:
        return 1.0
    return float(min(1.0, _rank_sums(len(ranks), num_references)[: sum(ranks) - len(ranks) + 1].sum()))


def largest_rank_sum(num_ranks: int, num_references: int, significance: float) -> int | None:
    """Give the largest sum of ranks whose `rank_sum_p_value` is below a limit; None if no sum is small enough.

    Example:
        >>> largest_rank_sum(2, 9, 0.05)
        3
    """
    below = int((np.cumsum(_rank_sums(num_ranks, num_references)) < significance).sum())
    return num_ranks + below - 1 if below else None


def _rank_sums(num_ranks: int, num_references: int) -> NDArray[np.float64]:
    """Give the chance of each sum of (rank - 1) if every rank is uniform, shape (num_ranks * num_references + 1,)."""
    places, sums = num_references + 1, np.ones(1)
    for _ in range(num_ranks):
        total = np.concatenate([np.cumsum(sums), np.full(places - 1, sums.sum())])
        total[places:] -= total[:-places].copy()
        sums = total / places
    return sums


def upper_bound(num_hits: int, num_trials: int) -> float:
    """Bound a ratio from above: Clopper and Pearson's exact one-sided bound at 95 % confidence.

    With no hit in n trials it is 1 - 0.05 ** (1 / n), close to the rule of three's 3 / n. Without trials it is 1.

    Source: Clopper and Pearson 1934, The use of confidence or fiducial limits.

    Example:
        >>> round(upper_bound(0, 100), 4)
        0.0295
    """
    if num_hits >= num_trials:
        return 1.0
    low, high = num_hits / num_trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _binomial_cdf(num_hits, num_trials, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def lower_bound(num_hits: int, num_trials: int) -> float:
    """Bound a ratio from below: Clopper and Pearson's exact one-sided bound at 95 % confidence; 0 without hits.

    Example:
        >>> round(lower_bound(20, 20), 4)
        0.8609
    """
    return 1.0 - upper_bound(num_trials - num_hits, num_trials)


def _binomial_cdf(num_hits: int, num_trials: int, ratio: float) -> float:
    if ratio >= 1.0:
        return 0.0
    logs = [_log_choose(num_trials, k) + k * _log(ratio) + (num_trials - k) * math.log1p(-ratio)
            for k in range(num_hits + 1)]  # fmt: skip
    return math.fsum(math.exp(value) for value in logs)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -1e300


def paired_ratio_interval(
    differences: Sequence[float] | NDArray[np.float64], weights: Sequence[float] | NDArray[np.float64], seed: int = 0
) -> tuple[float, float]:
    """Bootstrap the interval of sum(differences) / sum(weights) over items drawn with replacement.

    Args:
        differences: Difference of two totals on each item, for example bits saved on each document.
        weights: Size of each item, for example its bytes; positive.
        seed: Seed of the draws.

    Returns:
        The 2.5 % and 97.5 % points (percentile bootstrap, 2000 resamples).

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    gains, sizes = np.asarray(differences, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    draws, rows = np.random.default_rng(seed), max(1, _RESAMPLE_CELLS // max(1, len(gains)))
    ratios: list[NDArray[np.float64]] = []
    for start in range(0, _NUM_RESAMPLES, rows):
        picks = draws.integers(0, len(gains), (min(rows, _NUM_RESAMPLES - start), len(gains)))
        ratios.append(gains[picks].sum(axis=1) / sizes[picks].sum(axis=1))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(ratios), [tail, 1 - tail])
    return float(low), float(high)
