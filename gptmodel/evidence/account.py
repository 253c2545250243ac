"""What the evidence holds, as frozen records: `evidence.json` is `Evidence` as JSON.

The schema version changes when a field changes its meaning or goes away; fields may be added under the same version.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.funnel import Funnel
from gptmodel.corpus.scrubbing.measuring.self_test import KindTest
from gptmodel.decision import Decision
from gptmodel.events import Event
from gptmodel.lineage.ancestry import State
from gptmodel.provenance import Provenance
from gptmodel.store import FileEntry

SCHEMA = "gptmodel evidence"
SCHEMA_VERSION = 1

Relation = Literal["left out", "saw", "may have seen", "did not see"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Identity(_Record):
    """Which model this is, and what it was made with."""

    fingerprint: str
    """Address of its `register` output in the home's store."""
    other_registrations: tuple[str, ...] = ()
    """Other `register` outputs of the store with the same name, number and files: other runs that ended in them."""
    bundle_digest: str
    """Digest of the model folder, which stands for its files."""
    files: Mapping[str, FileEntry]
    """Size and digest of each file of the model folder."""
    changed_files: str = ""
    """What of these files is missing or has another digest now; empty if all were hashed again and are the same."""
    mlflow_run_id: str
    """Run that registered it."""
    flow_run_id: str
    """Run of the pipeline that registered it."""
    made_with: Provenance | None
    """Code, libraries and machine of that run; None if that was not noted."""


class RegistryAnswer(_Record):
    """What the registry said of the version."""

    why_not_asked: str = ""
    """Why it was not asked, or did not answer; empty if it did."""
    is_there: bool = False
    """Whether it knows the version."""
    bundle_digest: str = ""
    """Digest of the model folder, as the registry has it."""
    aliases: tuple[str, ...] = ()
    """Aliases that the version bears."""
    champion: str = ""
    """URI of the version in service of the same name; empty if there is none."""
    decision: str = ""
    """The decision as it stands on the version's page."""
    retired: str = ""
    """What the version was retired for; empty if it is not retired."""
    tags: Mapping[str, str] = {}
    """The pipeline's own tags of the version."""

    @property
    def is_asked(self) -> bool:
        """Tell whether it answered."""
        return not self.why_not_asked


class StageProof(_Record):
    """One output that the version came from."""

    stage: str
    """Name of the stage."""
    digest: str
    """Digest of its data, as it was made."""
    fingerprint: str
    """Its address in the store; empty if it is gone."""
    code_version: str
    """Code version of the stage; empty if it is gone."""
    state: State
    """What the store still has of it."""
    purged_for: tuple[str, ...]
    """Erasure requests that documents were taken out of it for."""
    made_with: Provenance | None
    """Code and libraries it was made with; None if that was not noted."""
    section: Mapping[str, Any]
    """The settings that shaped it."""
    inputs: Mapping[str, str]
    """Digests of what it read, by name."""


class SourceProof(_Record):
    """One entry of the register of sources."""

    name: str
    """Name of the source."""
    path: str
    """Where it lies, as the config says."""
    licence: str
    """Licence, as the config says; `unknown` if it says nothing."""
    owner: str
    """Who answers for it; empty if nobody was named."""
    purpose: str
    """What it may be used for; empty if that was not said."""
    keep_until: date | None
    """Last day it may be used; None without such a day."""
    personal_data: str
    """Whether it holds data about people, as the config says: yes, no or unknown."""
    num_files: int
    """Files listed."""
    num_documents: int
    """Texts read."""
    num_trained: int
    """Documents of the train split, long texts divided."""
    num_quarantined: int
    """Files and records set aside."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    digest: str
    """Digest of the files' paths and bytes."""
    left_out: str = ""
    """Why nothing of it was read; empty if it was."""


class Search(_Record):
    """What was searched for in the text, and what became of it."""

    searched: tuple[str, ...]
    """Kinds that count as searched."""
    not_searched: tuple[str, ...]
    """Kinds that nobody looked for, or so little that it does not count."""
    accepted: tuple[str, ...]
    """Those of them that the config accepts in writing."""
    in_part: tuple[str, ...]
    """How far the search for a kind went where it did not go everywhere."""
    scope: str
    """The same in a sentence."""
    findings: Mapping[str, int]
    """Findings by kind."""
    findings_by_source: Mapping[str, Mapping[str, int]]
    """Findings by source and kind."""
    num_documents_with_findings: int
    """Documents with at least one."""
    replacements: Mapping[str, str]
    """What takes a finding's place, by kind."""
    replacing: tuple[str, ...]
    """The same in words, with what was left out or left standing."""
    self_test: tuple[KindTest, ...]
    """What the scrubber found of invented values, by kind."""
    self_test_sentence: str
    """The same in a sentence; empty if nothing was tried."""
    untested: tuple[str, ...]
    """Kinds that no invented value was tried of."""


class SecondScanner(_Record):
    """What the independent second scanner saw in the scrubbed text."""

    num_documents: int
    """Documents it looked at."""
    num_hits: int
    """How many of them hold what it takes for a value."""
    upper_bound: float
    """Upper bound of their share in the corpus (one-sided, 95 %)."""
    sentence: str
    """The same in words."""


class HumanSample(_Record):
    """What a person's check of the scrubbed text gave; where the passages stand is not told."""

    sheet: str
    """Name of the sheet."""
    num_population: int
    """Passages of the text."""
    num_read: int
    """Passages read."""
    num_missed: int
    """Passages in which something sensitive was missed."""
    upper_bound: float
    """Upper bound of their share in the text (one-sided, 95 %)."""
    missed_by_kind: Mapping[str, int]
    """These passages by kind."""
    reviewer: str
    """Who read them, if that person said so."""
    sentence: str
    """The same in words."""


class Check(_Record):
    """One check of the quality gate."""

    name: str
    """What is expected."""
    severity: str
    """Whether a failure closes the gate (`hard`) or is a warning (`soft`)."""
    passed: bool
    """Whether it is so."""
    observed: str
    """What was found, in words."""
    limit: str
    """What is allowed, in words."""


class Comparison(_Record):
    """One answer to the question whether the version takes the champion's place."""

    champion: str
    """URI of the version it was compared with; empty if there was none."""
    decision: Decision
    """The answer."""


class EventChain(_Record):
    """The home's log of events, and what of it concerns the version."""

    problem: str = ""
    """Where the chain is broken; empty if every line follows from the one before."""
    num_events: int = 0
    """Events in the log, of all models."""
    newest_digest: str = ""
    """Digest of the newest; with its number it fixes the whole log up to there."""
    events: tuple[Event, ...] = ()
    """Those that concern the version: its own, those that moved its model's alias, and those of erasure requests that
    concern it."""


class ErasureProof(_Record):
    """An erasure request and the version, in counts."""

    id: str
    """The request."""
    opened: date
    """Day it was opened."""
    closed: date | None
    """Day it was closed; None while it is open."""
    asked_by: str
    """What the documents were asked for by: document, source, text or values."""
    num_documents: int
    """Documents that were asked for."""
    num_duplicates: int
    """Further documents in their clusters."""
    relation: Relation
    """`left out`: the version's ingest read the request and left the documents out. Else whether the version saw one
    of them; `may have seen` where the tables that would tell are gone."""
    num_purges: int
    """How often stored text was deleted for it."""
    is_retired_for: bool
    """Whether the version was retired for it."""


class OpenPoint(_Record):
    """Something that an auditor would stop at."""

    section: str
    """Section of the page that tells more: its anchor."""
    says: str
    """What it is, in a sentence."""
    mend: str = ""
    """What can be done about it; empty if nothing can."""


class Question(_Record):
    """A question an auditor asks, and where the answer is."""

    asks: str
    """The question."""
    section: str
    """Section of the page with the whole answer: its anchor."""
    answer: str
    """The answer in a few words."""


class Evidence(_Record):
    """The evidence of one version."""

    schema_name: str = SCHEMA
    """What this is."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    model: str
    """The version's URI."""
    as_of: date
    """Date of issue, as the command was given it: what ages and dates are held against. No clock stands anywhere else
    in the folder."""
    identity: Identity | None = None
    """Which model it is; None if it was not made in this home, so that the registry's answer is all that is known."""
    registry: RegistryAnswer
    """What the registry said."""
    stages: tuple[StageProof, ...] = ()
    """All outputs it came from, in the order of the chain."""
    config: str = ""
    """Its whole resolved config as TOML; empty if it is gone."""
    sources: tuple[SourceProof, ...] = ()
    """The register of sources."""
    funnel: Funnel | None = None
    """What was read, dropped and kept, by source and rule; None if the account is gone."""
    search: Search | None = None
    """What was searched for; None if the account is gone."""
    second_scanner: SecondScanner | None = None
    """What the second scanner saw; None if it did not look."""
    human_sample: HumanSample | None = None
    """What a person's check gave; None if nobody made one."""
    quality: Decision | None = None
    """The quality gate's answer."""
    checks: tuple[Check, ...] = ()
    """Its checks."""
    training: Mapping[str, Any] = {}
    """Size, steps and losses of the training."""
    evaluation: Mapping[str, Any] = {}
    """Scores on the held-out text, beside the baselines."""
    leak_test: Mapping[str, Any] = {}
    """The leak test's account."""
    comparisons: tuple[Comparison, ...] = ()
    """The promotion's answers, oldest first."""
    chain: EventChain = EventChain()
    """The event log."""
    erasures: tuple[ErasureProof, ...] = ()
    """The home's erasure requests."""
    open_points: tuple[OpenPoint, ...] = ()
    """What an auditor would stop at."""
    limits: tuple[str, ...] = ()
    """What none of this shows."""
    questions: tuple[Question, ...] = ()
    """What an auditor asks, and where the answer is."""
    copies: Mapping[str, FileEntry] = {}
    """Size and digest of each file that was copied into the folder."""

    @property
    def privacy(self) -> Decision | None:
        """The leak test's answer; None if it is gone."""
        return Decision.model_validate(self.leak_test["decision"]) if self.leak_test else None
