"""Small made-up accounts, shaped like what the thirteen stages really leave."""

from typing import Any

from gptmodel.store import Output

SCOPE = "searched for 2 kinds (EMAIL, PHONE); not searched: ADDRESS"

ACCOUNTS: dict[str, dict[str, Any]] = {
    "ingest": {
        "num_read": 24, "num_documents": 22, "num_parts": 25, "num_bytes": 9000, "num_quarantined": 2,
        "quarantined_by_reason": {"empty": 2}, "num_divided": 1, "num_planted": 3, "encodings": {"utf-8": 22},
        "sources": [
            {"name": "books", "num_files": 9, "num_documents": 12, "num_parts": 15, "num_quarantined": 2,
             "quarantined_by_reason": {"empty": 2}, "num_bytes": 5000, "digest": "ab" * 32, "licence": "CC0-1.0",
             "personal_data": "no", "skipped": {}},
            {"name": "mail", "num_files": 1, "num_documents": 10, "num_parts": 10, "num_quarantined": 0,
             "quarantined_by_reason": {}, "num_bytes": 4000, "digest": "cd" * 32, "licence": "unknown",
             "personal_data": "yes", "skipped": {"hidden": 1}},
        ],
    },
    "clean": {
        "num_read": 25, "num_kept": 22, "num_dropped": 3, "dropped_by_reason": {"too short": 2, "too few letters": 1},
        "num_repaired": 1, "languages": {"en": 20, "zh": 2}, "warnings": [],
        "sources": [
            {"name": "books", "num_read": 15, "num_kept": 12, "num_bytes_read": 5000, "num_bytes_kept": 4800,
             "dropped_by_reason": {"too short": 2, "too few letters": 1},
             "dropped_bytes_by_reason": {"too short": 60, "too few letters": 140}},
            {"name": "mail", "num_read": 10, "num_kept": 10, "num_bytes_read": 4000, "num_bytes_kept": 4000,
             "dropped_by_reason": {}, "dropped_bytes_by_reason": {}},
        ],
    },
    "scrub": {
        "num_documents": 22, "num_bytes": 8800, "num_findings": 9, "num_documents_with_findings": 4,
        "findings": {"EMAIL": 7, "PHONE": 2, "IBAN": 0}, "findings_by_source": {"books": {}, "mail": {"EMAIL": 7}},
        "kinds_searched": ["EMAIL", "PHONE"], "kinds_not_searched": ["ADDRESS"], "scope": SCOPE, "num_planted": 6,
        "num_planted_caught": 6,
        "sources": [
            {"name": "books", "num_documents": 12, "num_bytes_read": 4800, "num_bytes_kept": 4800},
            {"name": "mail", "num_documents": 10, "num_bytes_read": 4000, "num_bytes_kept": 3900},
        ],
    },
    "deduplicate": {
        "num_read": 22, "num_kept": 19, "num_exact": 2, "num_near": 1, "num_boilerplate": 0, "num_contaminated": 0,
        "num_clusters": 3,
        "sources": [
            {"name": "books", "num_read": 12, "num_kept": 12, "num_bytes_kept": 4700, "dropped_by_reason": {},
             "dropped_bytes_by_reason": {}},
            {"name": "mail", "num_read": 10, "num_kept": 7, "num_bytes_kept": 2800,
             "dropped_by_reason": {"exact": 2, "near": 1}, "dropped_bytes_by_reason": {"exact": 700, "near": 400}},
        ],
    },
    "split": {
        "num_train": 15, "num_validation": 2, "num_test": 2, "num_bytes_train": 6000,
        "sources": [
            {"name": "books", "num_train": 10, "num_validation": 1, "num_test": 1, "num_bytes_train": 3900,
             "num_bytes_validation": 400, "num_bytes_test": 400},
            {"name": "mail", "num_train": 5, "num_validation": 1, "num_test": 1, "num_bytes_train": 2100,
             "num_bytes_validation": 400, "num_bytes_test": 300},
        ],
    },
    "quality gate": {
        "decision": {"passed": True, "reason": "passed 2 of 2 checks", "scope": "19 of 19 documents searched again",
                     "numbers": {"num_checks": 2, "num_passed": 2}},
        "num_checks": 2, "num_passed": 2,
        "checks": [{"name": "enough documents", "passed": True, "severity": "hard", "observed": 19, "limit": 10}],
    },
    "tokenizer": {
        "vocab_size": 512, "num_train_bytes": 6000, "bytes_per_token": 1.9,
        "bytes_per_token_by_language": {"en": 2.0, "zh": 1.5},
    },
    "pack": {"num_tokens": {"train": 3000, "validation": 400, "test": 400}, "num_documents": {"train": 15}},
    "train": {
        "num_parameters": 32992, "num_tokens": 15360, "num_steps": 60, "train_loss": 5.2, "validation_loss": 5.25,
        "runtime": {"seconds": 2.2, "tokens_per_second": 23299.0, "resumed_from_step": None, "device": "cpu"},
    },
    "evaluate": {
        "loss": 4.2, "perplexity": 66.7, "bits_per_byte": 1.74, "baselines": {"unigram": 2.89, "xz": 2.37},
        "by_language": {"en": {"loss": 4.2, "bits_per_byte": 1.7}}, "num_documents": 2,
    },
    "privacy audit": {
        "decision": {"passed": True, "reason": "passed: 3 planted test phrases rank like others", "scope": SCOPE,
                     "numbers": {"p_value": 0.4, "leak_upper_bound": None}},
        "num_copies": 0,
    },
    "register": {
        "name": "gpt", "version": 1, "uri": "models:/gpt/1", "bundle_digest": "ef" * 32,
        "runtime": {"model_id": "m-1", "mlflow_run_id": "9b", "is_reused": False},
    },
    "promote": {
        "decision": {"passed": True, "reason": "first version: 1.74 bits per byte on 2 test documents",
                     "scope": "2 test documents", "numbers": {"num_documents": 2}},
        "version": 1, "champion_version": 1, "num_documents": 2,
    },
}  # fmt: skip


def output(stage: str, **changes: Any) -> Output:
    """Give a stage's made-up output, some of its account changed."""
    return Output(stage=stage, fingerprint="0" * 32, digest="1" * 64, result=ACCOUNTS[stage] | changes)
