"""One answer where findings overlap: the kind of the highest precedence, over the widest span of them all.

Joining spans instead of dropping the loser leaves no half of a value behind.
"""

from collections.abc import Iterable

from gptmodel.corpus.scrubbing.finding import Finding


def resolve(findings: Iterable[Finding]) -> list[Finding]:
    """Join overlapping findings and sort them; the result depends on the set of findings alone."""
    resolved: list[Finding] = []
    for finding in sorted(findings):
        if resolved and finding.start < resolved[-1].end:
            resolved[-1] = _joined(resolved[-1], finding)
        else:
            resolved.append(finding)
    return resolved


def _joined(first: Finding, second: Finding) -> Finding:
    best = min((first, second), key=lambda one: (one.rank, one.start - one.end, one.start, one.kind, one.rule))
    start, end = min(first.start, second.start), max(first.end, second.end)
    return Finding(start, end, best.kind, best.rule, best.rank)
