"""Compare what two sides take for near duplicates, and both with what is so.

    python -m benchmarks.clusters OURS [--peer FOLDER] [--documents FILE] [--truth]

OURS is the folder of the stage `deduplicate`, --peer what datatrove_steps.py wrote, --documents the documents as JSON
lines. With --truth the similarity of every two documents is computed exactly, so it is for some hundred documents.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

NGRAM = 5
MIN_SIMILARITY = 0.7

Pairs = set[tuple[str, str]]

_TOKEN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def main() -> None:
    """Print the comparison as one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--truth", action="store_true")
    asked = parser.parse_args()
    rows = [json.loads(line) for line in asked.documents.open(encoding="utf-8")]
    sides = {"ours": read_ours(asked.ours)} | ({"theirs": read_theirs(asked.peer)} if asked.peer else {})
    if asked.truth:
        print(json.dumps(judge(rows, sides)))
        return
    said: dict[str, Any] = {"all": compare(sides)}
    languages = {row["id"]: row["lang"] for row in rows}
    for lang in ("en", "zh"):
        named = {side: {id: key for id, key in found.items() if languages[id] == lang} for side, found in sides.items()}
        said[lang] = compare(named)
    print(json.dumps(said))


def read_ours(folder: Path) -> dict[str, str]:
    """Give the cluster of each document that has a duplicate."""
    from gptmodel.corpus.dedup.members import read_clusters

    return {member.id: member.cluster for member in read_clusters(folder)}


def read_theirs(folder: Path) -> dict[str, str]:
    """Give the cluster of each document that has a duplicate."""
    found = {}
    for file in sorted(folder.glob("*/*.jsonl")):
        for line in file.open(encoding="utf-8"):
            row = json.loads(line)
            cluster = row["metadata"].get("minhash_cluster_id", -1)
            found[row["id"]] = f"{cluster}" if cluster >= 0 else row["id"]
    return _with_others(found)


def compare(sides: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Give how many documents each side removes, and how far the pairs that share a cluster are the same.

    Of a cluster one document is kept, and which one is each side's own affair: so pairs are compared, and numbers of
    documents removed.
    """
    said: dict[str, Any] = {}
    for name, found in sides.items():
        said[f"num_removed_{name}"] = len(found) - len(set(found.values()))
        said[f"num_pairs_{name}"] = len(pairs(found))
    if len(sides) == 2:
        ours, theirs = (pairs(found) for found in sides.values())
        said["num_pairs_both"] = len(ours & theirs)
        said["removed_difference_ratio"] = _ratio(
            abs(said["num_removed_ours"] - said["num_removed_theirs"]), said["num_removed_theirs"]
        )
    return said


def judge(rows: Iterable[Mapping[str, str]], sides: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Give precision and recall of each side's pairs.

    True are two documents whose sets of runs of five words (characters in Han and Kana) have a Jaccard similarity of
    0.7 and more, and two that are joined through others, as each side joins them too. Recall is given of the pairs
    that are similar themselves as well, and precision too of pages: two versions of one page, whatever their
    similarity.
    """
    rows = list(rows)
    similar = similar_pairs({row["id"]: row["text"] for row in rows})
    true = pairs(_with_others(_joined((row["id"] for row in rows), similar)))
    page = {row["id"]: row["path"].rpartition("/")[0] for row in rows}
    said: dict[str, Any] = {"num_documents": len(rows), "num_true_pairs": len(true), "num_similar_pairs": len(similar)}
    for name, found in sides.items():
        named = pairs(found)
        said[name] = {
            "num_pairs": len(named), "precision": _ratio(len(named & true), len(named)),
            "recall": _ratio(len(named & true), len(true)),
            "recall_of_similar": _ratio(len(named & similar), len(similar)),
            "precision_of_pages": _ratio(sum(page[one] == page[other] for one, other in named), len(named)),
        }  # fmt: skip
    return said


def similar_pairs(texts: Mapping[str, str]) -> Pairs:
    """Give the pairs of documents with a Jaccard similarity of at least 0.7, computed exactly."""
    sets = {name: shingles(text) for name, text in sorted(texts.items())}
    return {
        (one, other) for one, other in combinations(sets, 2)
        if (union := sets[one] | sets[other]) and len(sets[one] & sets[other]) >= MIN_SIMILARITY * len(union)
    }  # fmt: skip


def shingles(text: str) -> set[tuple[str, ...]]:
    """Give the runs of five words of a text, or of fewer if it has no more; letters in lower case, no punctuation."""
    tokens = _TOKEN.findall(text.lower())
    num_runs = max(min(len(tokens), 1), len(tokens) - NGRAM + 1)
    return {tuple(tokens[place : place + NGRAM]) for place in range(num_runs)}


def pairs(found: Mapping[str, str]) -> Pairs:
    """Give the pairs of documents that share a cluster, each pair in order."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name, cluster in sorted(found.items()):
        members[cluster].append(name)
    return {pair for names in members.values() for pair in combinations(names, 2)}


def _joined(names: Iterable[str], similar: Pairs) -> dict[str, str]:
    cluster = {name: name for name in names}
    for one, other in sorted(similar):
        old, kept = cluster[other], cluster[one]
        cluster = {name: kept if key == old else key for name, key in cluster.items()}
    return cluster


def _with_others(found: Mapping[str, str]) -> dict[str, str]:
    """Leave out the documents that are alone in their cluster."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for cluster in found.values():
        sizes[cluster] += 1
    return {name: cluster for name, cluster in found.items() if sizes[cluster] > 1}


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


if __name__ == "__main__":
    main()
