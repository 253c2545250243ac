"""A version with nothing left open, made by hand: as a record, and as the store of a home."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.erasure.requests import ErasureRequest
from gptmodel.events import EventLog
from gptmodel.evidence.account import Evidence, RegistryAnswer
from gptmodel.evidence.gathering import Records, gather
from gptmodel.lineage.versions import list_versions
from gptmodel.provenance import PROVENANCE, Provenance
from gptmodel.review import Place, Review
from gptmodel.store import Output, Store, digest_of, seal
from tests.unit.test_report import ACCOUNTS

DAY = date(2030, 1, 31)
DOCUMENT = "0123456789abcdef" * 2
"""A document's identity, which must appear nowhere."""
MADE_WITH = Provenance(
    version="1.0", commit="c" * 40, is_dirty=False, lock_digest="e" * 64, python="3.11.7",
    libraries={"torch": "2.13.0"}, machine="Linux x86_64",
)  # fmt: skip
SOURCE = {"licence": "CC0", "owner": "Ada", "purpose": "research", "keep_until": "2031-01-31", "personal_data": "no"}
SELF_TEST = {"kind": "EMAIL", "num_values": 50, "num_found": 50, "recall": 1.0, "lower_bound": 0.94, "num_decoys": 50,
             "num_decoys_touched": 0}  # fmt: skip
EXPOSURE = {"num_catchable": 16, "num_reached_training": 0, "num_references": 100, "p_value": 0.4, "num_in_clear": 10,
            "num_recognised": 9, "can_see": True, "power": 0.99}  # fmt: skip
PASSED = {"passed": True, "reason": "passed: nothing leaked", "scope": "one kind",
          "numbers": {"extraction_upper_bound": 0.01, "leak_upper_bound": 0.01}}  # fmt: skip
RESIDUAL = {"num_documents_scanned": 400, "num_documents_with_residual": 0, "residual_upper_bound": 0.007}
QUALITY = {"passed": True, "reason": "passed 2 of 2 checks", "scope": "", "numbers": RESIDUAL}
STAGES = ("ingest", "clean", "scrub", "deduplicate", "split", "quality gate", "tokenizer", "pack", "train", "evaluate",
          "privacy audit", "register", "promote")  # fmt: skip


class _Account(BaseModel):
    model_config = ConfigDict(extra="allow")


def accounts() -> dict[str, dict[str, Any]]:
    """Give the accounts of a version with nothing left open, by stage; a copy to change."""
    known: dict[str, dict[str, Any]] = json.loads(json.dumps(ACCOUNTS))
    known["ingest"]["sources"][0] |= SOURCE
    known["scrub"] |= {
        "kinds_searched": ["EMAIL"], "kinds_not_searched": [], "findings_by_source": {"notes": {"EMAIL": 148}},
        "num_documents_with_findings": 97, "untested_kinds": [], "self_test": [SELF_TEST], "scope": "one kind",
        "replacements": {"EMAIL": "placeholder"},
    }  # fmt: skip
    check = {"name": "enough documents", "severity": "hard", "passed": True, "observed": "1771", "limit": "20",
             "document_ids": [DOCUMENT]}  # fmt: skip
    known["quality gate"] = {"decision": QUALITY, "checks": [check]}
    known["evaluate"] |= {"num_documents": 89, "num_bytes": 9000}
    known["privacy audit"] = {"decision": PASSED, "exposure": EXPOSURE, "extraction": {"num_stretches": 0},
                              "samples": {"num_samples": 300, "is_indexed": True}, "num_leaks": 0}  # fmt: skip
    known["register"] = {"name": "gpt", "version": 3, "bundle_digest": "b" * 64,
                         "runtime": {"mlflow_run_id": "run-3", "flow_run_id": "flow-3"}}  # fmt: skip
    known["promote"] = {"decision": {"passed": True, "reason": "first version", "scope": "89 test documents"}}
    return known


class Kept:
    """What a home keeps of one version.

    Args:
        root: The home.
        changed: Accounts of stages, in place of those of `accounts()`.
        made_with: Code and libraries of every stage.
        asked: Erasure requests that ingest had as input.
    """

    def __init__(
        self, root: Path, changed: dict[str, dict[str, Any]] | None = None, made_with: Provenance = MADE_WITH,
        asked: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.root, self.store, self.made_with = root, Store(root / "store"), made_with
        self.events, self.reviews_dir = EventLog(root / "events.jsonl"), root / "reviews"
        self.requests: list[ErasureRequest] = []
        self.outputs: dict[str, Output] = {}
        known = accounts() | (changed or {})
        for stage in STAGES:
            self.outputs[stage] = self._put(stage, known.get(stage, {}), self._inputs(stage, asked or {}))

    def evidence(self, registry: RegistryAnswer | None = None, as_of: date = DAY) -> Evidence:
        """Gather the evidence of the version."""
        [version] = list_versions(self.store)
        records = Records(self.store, self.events, self.reviews_dir, self.requests, b"key of a home in a test")
        return gather(records, version, registry or RegistryAnswer(is_there=True), as_of)

    def review(self, num_missed: int = 0) -> None:
        """Put the result of a person's check there."""
        place = Place(document=DOCUMENT, source="notes", start=300)
        review = Review(
            sheet="s1", scrub_digest=self.outputs["scrub"].digest, num_population=9000, num_passages=400, num_read=400,
            num_missed=num_missed, upper_bound=0.0075, missed_by_kind={"ADDRESS": num_missed} if num_missed else {},
            missed=(place,) * num_missed, reviewer="Mei",
        )  # fmt: skip
        (self.reviews_dir / "s1").mkdir(parents=True, exist_ok=True)
        (self.reviews_dir / "s1" / "review-1.json").write_text(review.model_dump_json())

    def _inputs(self, stage: str, asked: dict[str, str]) -> dict[str, str]:
        if stage == "ingest":
            return asked
        if stage == "promote":
            return {"register": self.outputs["register"].digest, "champion": "none"}
        return {name: output.digest for name, output in self.outputs.items()} if stage == "register" else {}

    def _put(self, stage: str, account: dict[str, Any], inputs: dict[str, str]) -> Output:
        address = digest_of([stage, account, inputs])[:32]
        with self.store.writing(stage, address, {}) as work:
            if stage == "register":
                (work.path / "bundle").mkdir()
                (work.path / "bundle" / "model.safetensors").write_bytes(b"weights")
                (work.notes / "config.toml").write_text('preset = "smoke"\n')
            (work.notes / PROVENANCE).write_text(self.made_with.model_dump_json())
            source = {"name": "notes", "path": "/texts/notes"}
            return self.store.commit(work, seal(
                work, stage=stage, fingerprint=address, code_version="v",
                section={"corpus": {"sources": [source]}} if stage == "ingest" else {}, inputs=inputs,
                result=_Account(**account),
            ))  # fmt: skip


def approved(kept: Kept) -> RegistryAnswer:
    """Let a person have checked and approved the version, and the registry know it; nothing is left open then."""
    kept.review()
    kept.events.append("approved", "models:/gpt/3", by="Mei")
    kept.events.append("promoted", "models:/gpt/3", reason="first version")
    return RegistryAnswer(is_there=True, aliases=("champion",), champion="models:/gpt/3", bundle_digest="b" * 64)
