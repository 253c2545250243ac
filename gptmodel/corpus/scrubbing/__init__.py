"""Sensitive data: finders, resolver and replacement, and the stage `scrub` that runs them over the shards.

Each kind's rules lie in a file of their own; `detectors.py` lists them. Nothing here logs, stores or returns a value
that was found: findings are offsets, kinds and rules. The tokenizer takes PLACEHOLDERS, the privacy audit `find`; the
command `gptmodel scrub` calls `files.py`, which is no part of the stage.
"""

from gptmodel.corpus.scrubbing.detectors import find, replace
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, PLACEHOLDERS, UNSEARCHED, placeholder
from gptmodel.corpus.scrubbing.scrubber import Scrubbed, Scrubber
from gptmodel.corpus.scrubbing.stage import ScrubResult, scrub

__all__ = [
    "KINDS",
    "PLACEHOLDERS",
    "UNSEARCHED",
    "Finding",
    "ScrubResult",
    "Scrubbed",
    "Scrubber",
    "find",
    "placeholder",
    "replace",
    "scrub",
]
