"""What no part of the evidence shows, and the commands by which others check it."""

from gptmodel.evidence.account import Evidence

NO_GUARANTEE = (
    "None of this is a guarantee of anonymity. A finder misses what it was not written for, and a passed leak test "
    "shows that the planted phrases were not recognised, not that nothing else can be."
)
STATED_ONLY = (
    "Licence, owner, purpose, last day of use and whether a source holds data about people are what the config says. "
    "Nobody checked them, and no legal basis is recorded."
)
NOT_TESTED = (
    "Not tested: bias and fairness, truth of what it writes, harmful output, robustness against attack, whether single "
    "documents can be told to be in the training text (beyond the planted phrases), use of energy."
)
_LIMITS = (
    NO_GUARANTEE,
    "Recall was measured on invented values in invented texts: it says what the finders can do, not what your texts "
    "hold.",
    "The second scanner knows no names, addresses and national identifiers.",
    "A trained model is not changed by an erasure request. Deleting stored text does not take out what a model "
    "learned: versions that saw the documents are retired, and a new one is trained.",
    "Deleting reaches the home's store and pages. It does not reach your own files, backups, the servers' databases, "
    "other copies of a model, or this folder.",
    "Names and paths of files are not searched for sensitive data; they stand in the store and in MLflow.",
    "The served model has no output filter; gptmodel generate filters what it shows. What it is meant for, and what "
    "its users did with it, is recorded nowhere.",
    STATED_ONLY,
    NOT_TESTED,
    "Digests show that something was changed, not by whom, and none is signed: who can rewrite this folder can rewrite "
    "its digests, and who can rewrite the event log can chain it anew. Keep the digest of SHA256SUMS, and the newest "
    "digest of the event log, where others can't write.",
    "The home is readable by its owner only; the local servers listen on this machine's own address and have no "
    "password. Who could read what on servers of your own is not known here.",
    "Whether it can be rebuilt was not tried for this folder; the command below tries it.",
)  # fmt: skip


def limits() -> tuple[str, ...]:
    """Give what none of the evidence shows, a sentence or two each."""
    return _LIMITS


def checks(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Give the commands by which the evidence is checked: (command, what it does)."""
    model = evidence.model
    chain = evidence.chain
    newest = (
        f"sed -n {chain.num_events}p events.jsonl",
        "in the home: the line that carries the newest digest printed here; every later line is chained to it",
    )
    return (
        ("sha256sum -c SHA256SUMS", "in this folder: no file was changed since"),
        (f"gptmodel evidence {model} --output DIR --as-of {evidence.as_of}",
         "in the home: the same folder again, byte for byte, as long as home and registry stand as they did"),
        (f"gptmodel lineage {model}", "from the version to code, settings and raw files, each with its digest"),
        ("gptmodel lineage --document ID", "from a document to the versions that saw it"),
        (f"gptmodel reproduce {model}", "rebuilds it from its manifests and says, stage by stage, what is equal"),
        ("gptmodel find --values FILE", "which documents, splits and versions held a person's values"),
        (f"gptmodel audit --model {model}", "the leak test, once more"),
        *([newest] if chain.num_events else []),
    )  # fmt: skip
