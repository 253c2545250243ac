"""The configuration of a run: one frozen, typed tree with a section for each stage.

A run's config is a value: a preset (`smoke`, `tiny`, `small`) or a TOML file that starts from one, with overrides,
checked as a whole before any work starts. Every stage, the dashboard's form and the command line read this tree;
environment variables carry addresses and secrets only. Nothing here reads a corpus or imports torch.
"""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gptmodel.cron import is_cron

PRESETS = ("smoke", "tiny", "small")

# A field with this mark changes how a stage runs, never what it makes, so it stays out of the fingerprint.
ASIDE: dict[str, Any] = {"fingerprint": False}

Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
LanguageCode = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]


# The names of gptmodel.corpus.scrubbing, which stands above this room; a test holds them together.
SearchedKind = Literal[
    "EMAIL", "PHONE", "IP_ADDRESS", "CREDIT_CARD", "IBAN", "US_SSN", "CN_ID", "CN_PHONE", "URL_WITH_CREDENTIALS",
    "SECRET", "CRYPTO", "OTHER_ID", "PERSON", "ADDRESS",
]  # fmt: skip


class Section(BaseModel):
    """Base of every section: immutable, no unknown keys, no infinite numbers, each field described."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class SourceConfig(Section):
    """One place that documents come from."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    """Short name, unique in the run; part of every document's identity."""
    path: str
    """File, folder, glob or URL (s3://, gs://, https://, hf://); `dataset:OWNER/NAME` or `dataset:FOLDER` for a data
    set by the library `datasets`; `builtin:python-docs` for the documentation text that CPython carries."""
    personal_data: Literal["yes", "no", "unknown"] = "unknown"
    """Whether the text holds data about people. Text from before scrubbing stays only if every source says `no`."""
    licence: str = "unknown"
    """Licence of the text, shown on the version's page."""
    weight: float = Field(default=1.0, gt=0)
    """How often its text is trained on, relative to its share: 2 reads it twice as often, 0.5 half as often."""
    owner: str = ""
    """Who answers for the text, for the auditor."""
    purpose: str = ""
    """What it may be used for, for the auditor."""
    keep_until: date | None = None
    """Last day on which it may be used; past it, by `corpus.as_of`, the source is left out. None: no end."""
    language: str | None = None
    """Language hint (ISO 639-1); None detects it for each document."""
    text_column: str = "text"
    """Column or key that holds the text in JSON, CSV, Parquet and Arrow records."""
    id_column: str | None = None
    """Column or key that identifies a record; None takes the record's own digest."""
    max_records: Positive | None = None
    """Records read from each file or stream, at most; None reads all."""
    subset: str | None = None
    """Configuration of a `dataset:`, where it has several."""
    split: str = "train"
    """Split of a `dataset:`."""
    revision: str | None = None
    """Revision of a `dataset:`; the same one counts as unchanged. None reads it again in each run."""


class CorpusConfig(Section):
    """Where the text comes from and how it is cut into documents and shards."""

    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    """The sources, in order of preference: of two equal documents the earlier source's is kept."""
    max_document_chars: int = Field(default=100_000, ge=1000)
    """Longer texts are divided at blank lines into parts ID.1, ID.2, ... (characters)."""
    num_shards: int = Field(default=8, ge=1, le=4096)
    """Number of shards; never derived from workers or corpus size."""
    as_of: date | None = Field(default=None, json_schema_extra=ASIDE)
    """Day that counts as today for `keep_until`; None takes the day of the run and records it."""
    keep_raw: bool = Field(default=False, json_schema_extra=ASIDE)
    """Keep the text from before scrubbing for every source, whatever it says of personal data."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "CorpusConfig":
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError(f"source names must be unique, got {names}")
        return self


class CleaningConfig(Section):
    """Rules that decide which documents stay. A rule set to its 'off' value, or named in `skip`, is not applied."""

    rules: Literal["documents", "web"] = "documents"
    """Rule set: `documents` for a team's own text; `web` adds the published rules for crawled pages."""
    skip: tuple[str, ...] = ()
    """Rules of the set that are not applied, by name."""
    warn_dropped_ratio: Ratio = 0.2
    """A rule that drops a larger share of a source's documents warns and is named. 1 never warns."""
    num_drop_samples: NonNegative = 3
    """Scrubbed examples kept of what each rule dropped, a rule and source; none of sources with personal data."""
    repair_unicode: bool = True
    """Repair mojibake with ftfy where it is found, in a setting that changes nothing else."""
    min_chars: NonNegative = 20
    """Drop documents with fewer characters; of Chinese, whose characters say more, 0.3 times as many. 0 keeps all."""
    languages: tuple[str, ...] = ()
    """Keep only these languages (ISO 639-1); empty keeps all. `und` is always kept."""
    max_replacement_ratio: Ratio = 0.01
    """Drop a document with a larger share of U+FFFD characters. 1 keeps all."""
    min_letter_ratio: Ratio = 0.3
    """Drop a document with a smaller share of letters among its non-space characters. 0 keeps all."""
    max_repeated_line_ratio: Ratio = 0.7
    """Drop a document where a larger share of the characters is in lines that occurred before. 1 keeps all."""
    min_compressed_ratio: Ratio = 0.05
    """Drop a document that is packed into a smaller share of its bytes, as one phrase repeated is. 0 keeps all."""


Replacement = Literal["placeholder", "pseudonym", "mask", "remove", "drop"]
KindName = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{1,31}$")]


class CustomFinderConfig(Section):
    """A finder of the site's own, for identifiers that nobody else has."""

    kind: KindName
    """Name of the kind, as in the placeholder <STAFF_ID>."""
    pattern: str | None = None
    """Regular expression (RE2) of a value; a group, if there is one, is the value."""
    words: tuple[str, ...] = ()
    """Or: the values themselves. For a long or a secret list use `scrubbing.known_values`."""
    context: tuple[str, ...] = ()
    """Words of which one must stand within 60 characters of the value, in any case; empty asks for none."""
    checksum: Literal["luhn", "mod97", "mod11", "verhoeff"] | None = None
    """Check that the value's digits must pass."""
    must_match: tuple[str, ...] = ()
    """Invented texts that hold a value: tried before anything starts, and by the scrubber's test of itself."""
    must_not_match: tuple[str, ...] = Field(default=(), json_schema_extra=ASIDE)
    """Texts that hold none: tried before anything starts."""

    @model_validator(mode="after")
    def _has_pattern_or_words(self) -> "CustomFinderConfig":
        if bool(self.pattern) == bool(self.words):
            raise ValueError(f"the finder of {self.kind} takes either a pattern or words")
        if not all(word.strip() for word in (*self.words, *self.context)):
            raise ValueError(f"the finder of {self.kind} has an empty word")
        return self


class RecognizerConfig(Section):
    """A model that finds names and addresses in running text; it must be installed already."""

    engine: Literal["spacy", "presidio", "gliner"]
    """Library that runs it: the extra `ner` brings spaCy, `presidio` and `gliner` theirs."""
    model: str
    """Name of an installed spaCy package, or the folder of a model."""
    kinds: tuple[Literal["PERSON", "ADDRESS"], ...] = ("PERSON", "ADDRESS")
    """Kinds taken from it."""
    min_score: Ratio = 0.5
    """Smallest score taken, where the library gives one."""


class SelfTestConfig(Section):
    """How the scrubber tests itself in each run; the quality gate has the limits."""

    num_values: NonNegative = 50
    """Invented values of each kind that go through the run's scrubber; 0 tests nothing."""
    seed: NonNegative = 0
    """Seed of the values and of the texts around them."""


class ScrubbingConfig(Section):
    """What sensitive data is looked for, and what takes its place."""

    kinds: tuple[SearchedKind, ...] = ()
    """Kinds to look for; empty means every kind that has a finder."""
    find_names: bool = True
    """Look for names of persons in labelled fields and after titles (kind PERSON)."""
    accept_unsearched: tuple[SearchedKind, ...] = ()
    """Kinds that are not searched, accepted in writing; shown on the version."""
    replacement: Replacement = "placeholder"
    """What takes a finding's place: its placeholder (`<EMAIL>`), a consistent pseudonym (needs a key), a mask, nothing,
    or the whole document is left out."""
    replacement_of: dict[KindName, Replacement] = {}
    """The same for single kinds, as { EMAIL = "pseudonym" }."""
    custom: tuple[CustomFinderConfig, ...] = ()
    """Finders of the site's own."""
    allow_file: str | None = Field(default=None, json_schema_extra=ASIDE)
    """File with values, one a line, that are never replaced: the site's public addresses and numbers."""
    known_values: str | None = Field(default=None, json_schema_extra=ASIDE)
    """File with values, one a line, that are always replaced: the site's own roster of names. Kept as keyed hashes."""
    recognizer: RecognizerConfig | None = None
    """A model for names and addresses in running text."""
    self_test: SelfTestConfig = SelfTestConfig()
    """How the scrubber tests itself in each run."""


class DedupConfig(Section):
    """Exact and near duplicates (MinHash LSH with FineWeb's setting)."""

    near: bool = True
    """Look for near duplicates besides exact ones."""
    ngram: int = Field(default=5, ge=1)
    """Words in a shingle; characters for scripts without spaces."""
    num_bands: int = Field(default=14, ge=1)
    """Bands of the locality-sensitive hash."""
    rows_per_band: int = Field(default=8, ge=1)
    """Hashes in a band; with 14 x 8 the threshold lies near a similarity of 0.72."""
    min_similarity: Ratio = 0.7
    """Candidate pairs with a smaller estimated Jaccard similarity are not joined."""
    seed: NonNegative = 1
    """Seed of the hash functions."""
    repeated_line_min_documents: NonNegative = 10
    """Remove a line that occurs in at least this many documents of a source, beyond any other. 0 removes none."""
    repeated_line_min_ratio: Ratio = 0.05
    """... and in at least this share of the source's documents."""
    min_chars_left: NonNegative = 20
    """Leave out a document of which fewer characters are left once repeated lines are removed."""
    evaluation_texts: tuple[str, ...] = ()
    """Files, folders or globs with texts that models are judged on: a document that shares a long run of words with
    one of them is left out."""
    contamination_ngram: int = Field(default=13, ge=4)
    """Words in such a run; twice as many characters in scripts without spaces."""


class SplitConfig(Section):
    """Train, validation and test, by cluster."""

    validation_ratio: float = Field(default=0.05, gt=0.0, lt=0.5)
    """Share of document ids that hash to validation."""
    test_ratio: float = Field(default=0.05, gt=0.0, lt=0.5)
    """Share of document ids that hash to test."""
    min_documents: Positive = 2
    """Fewest documents in each split; with less the run stops."""
    seed: NonNegative = 0
    """Seed of the hash."""


class QualityConfig(Section):
    """Limits of the quality gate: beyond a hard one (min, max) nothing is trained, beyond a soft one it warns."""

    min_documents: Positive = 20
    """Fewest documents kept in all."""
    max_dropped_ratio: Ratio = 0.9
    """Largest share of read documents that cleaning may drop."""
    max_quarantined_ratio: Ratio = 0.2
    """Largest share of records that could not be read."""
    max_duplicate_ratio: Ratio = 0.8
    """Largest share of documents that are duplicates."""
    max_cross_split_duplicate_ratio: Ratio = 0.005
    """Largest share of held-out documents with a duplicate in train."""
    max_residual_findings: NonNegative = 0
    """Most validated findings that a second scan of the scrubbed text may show."""
    warn_loose_findings: NonNegative = 0
    """Warn where that scan shows more findings by their context alone: names, and numbers beside a word."""
    residual_documents: NonNegative = 400
    """Documents that an independent second scanner looks through, at least; drawn by hash, up to 10 MB of text."""
    max_residual_ratio: Ratio = 0.02
    """Largest share of documents that may still hold a value that scanner is sure of; the gate closes where the lower
    bound of their share (95 %) is above it, and warns where the share of those with a suspicion is."""
    min_self_test_recall: Ratio = 0.8
    """Smallest share of the invented values of each kind that scrubbing must have found in its test of itself."""
    warn_decoy_ratio: Ratio = 0.1
    """Warn where scrubbing replaced a larger share of a kind's look-alikes in that test."""
    warn_not_utf8_ratio: Ratio = 0.5
    """Warn where a larger share of the documents was in another encoding than UTF-8, which may have been misread."""
    warn_source_ratio: Ratio = 0.95
    """Warn where one of several sources gives a larger share of the text."""
    expected_languages: dict[LanguageCode, Ratio] = {}
    """Share of the text (bytes) that each language should have, none for those not named; empty expects nothing."""
    language_tolerance: Ratio = 0.1
    """Warn where a language's share differs from the expected one by more."""


class TokenizerConfig(Section):
    """Byte-level BPE."""

    vocab_size: int = Field(default=4096, ge=300, le=65_536)
    """Size of the vocabulary, special tokens and placeholders included (ids fit into 16 bits)."""
    min_frequency: Positive = 2
    """Fewest occurrences of a pair that is merged."""
    max_train_bytes: Positive = 200_000_000
    """Text the merges are learned from, at most (bytes); beyond it documents are sampled by hash."""


class TokensConfig(Section):
    """Packed token shards."""

    shard_tokens: Positive = 50_000_000
    """Tokens in one memory-mapped file, at most."""


class ModelConfig(Section):
    """Shape of the GPT."""

    embedding_dim: Positive = 128
    """Width of the residual stream."""
    hidden_dim: Positive = 512
    """Width of the feed-forward layer."""
    num_layers: Positive = 4
    """Number of transformer blocks."""
    num_heads: Positive = 4
    """Number of attention heads; divides embedding_dim."""
    context_length: Positive = 128
    """Longest input in tokens."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Probability that an activation is dropped in training."""
    positions: Literal["sinusoidal", "learned", "rotary"] = "rotary"
    """How positions enter: added sines (the article), added vectors, or rotated queries and keys."""
    norm: Literal["layer", "rms"] = "rms"
    """LayerNorm or RMSNorm, before each sublayer and at the end."""
    activation: Literal["gelu", "swiglu", "relu2"] = "relu2"
    """Feed-forward activation; relu2 is the squared ReLU."""
    qk_norm: bool = True
    """Normalise queries and keys before their product."""
    tie_embeddings: bool = True
    """Use the token embedding as output layer too."""
    convolution_length: NonNegative = 0
    """Earlier positions that a causal convolution adds to the input of each sublayer; 0: no convolution."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ModelConfig":
        if self.embedding_dim % self.num_heads:
            raise ValueError(
                f"embedding_dim (={self.embedding_dim}) must be divisible by num_heads (={self.num_heads})"
            )
        if self.positions == "rotary" and (self.embedding_dim // self.num_heads) % 2:
            raise ValueError(
                f"rotary positions need an even head width, got {self.embedding_dim // self.num_heads} "
                f"(embedding_dim {self.embedding_dim} / num_heads {self.num_heads})"
            )
        return self


class TrainingConfig(Section):
    """The optimisation."""

    batch_size: Positive = 16
    """Sequences in one step."""
    micro_batch_size: Positive | None = None
    """Sequences computed at once; the gradients of a step's micro-batches are added up. None decides once, by what fits
    into memory, and records it."""
    max_steps: Positive = 300
    """Steps of the schedule."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Time budget in seconds. The schedule is scaled to the steps that fit, by a few steps measured before the first
    one, and again while it runs where the machine gets slower or faster. None: no budget."""
    attend_within_documents: bool = False
    """Let no token see one of another document in its window; positions then count from each document's begin."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """AdamW for all, or Muon for the matrices and AdamW for the rest."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Peak learning rate (of AdamW)."""
    muon_learning_rate: float = Field(default=0.02, gt=0)
    """Peak learning rate of Muon's matrices."""
    min_learning_rate_ratio: Ratio = 0.1
    """Learning rate at the end, as a share of the peak."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """Cosine, or warm-up, stable, linear decay."""
    decay_ratio: Ratio = 0.2
    """Share of all steps, at the end, over which wsd decays; 1 decays from the warm-up on."""
    warmup_steps: NonNegative = 20
    """Steps of linear warm-up."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Decoupled weight decay of the matrices."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    max_loss_jump: float | None = Field(default=3.0, gt=0, json_schema_extra=ASIDE)
    """A step whose loss lies further above the median of the recent ones stops the training, its batch named (nats a
    token). None never stops."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the matrix products; auto takes bf16 on a GPU."""
    compile: Literal["auto", "always", "never"] = "auto"
    """torch.compile; auto only where the planned run is long enough to gain."""
    num_threads: int | None = Field(default=None, ge=1)
    """CPU threads; None decides once, by the cores this process may use, and records it."""
    parallel: Literal["none", "ddp", "fsdp"] = Field(default="none", json_schema_extra=ASIDE)
    """Train with several processes, one a device: `ddp` where the model fits each of them, `fsdp` to cut it among them.
    The windows of each step are the same; the weights differ in rounding."""
    num_processes: Positive | None = Field(default=None, json_schema_extra=ASIDE)
    """Processes on each machine; batch_size must divide among all. None: one for each GPU."""
    num_nodes: Positive = Field(default=1, json_schema_extra=ASIDE)
    """Machines that train together; they see the same home."""
    rendezvous: str | None = Field(default=None, json_schema_extra=ASIDE)
    """Where the machines meet, as HOST:PORT of the one that runs the flow."""
    seed: NonNegative = 1337
    """Seed of weights, dropout and batch order."""
    eval_interval: Positive = 100
    """Steps between two validations."""
    num_eval_batches: Positive = 8
    """Batches of the validation split read at each validation during training."""
    patience: Positive | None = None
    """Validations in a row without the gain below after which the training ends; the model that validated best is
    kept. None trains to the end of the schedule and keeps the last."""
    min_validation_gain: float = Field(default=0.0, ge=0)
    """What counts as a gain for `patience`: bits per byte below the best validation so far."""
    num_samples: int = Field(default=4, ge=2)
    """Points of the training, first and last included, at which the prompt is completed."""
    sample_prompt: str = "The function returns"
    """The prompt completed at each of these points."""
    sample_tokens: Positive = 32
    """Tokens of such a sample."""
    checkpoint_interval: Positive = Field(default=100, json_schema_extra=ASIDE)
    """Steps between two checkpoints."""
    keep_checkpoints: Positive = Field(default=2, json_schema_extra=ASIDE)
    """Newest checkpoints that are kept; the one with the lowest validation loss is kept besides."""

    @model_validator(mode="after")
    def _processes_share_the_batch(self) -> "TrainingConfig":
        if self.parallel == "none" and (self.num_processes or 1) * self.num_nodes > 1:
            raise ValueError("more than one process needs parallel = ddp or fsdp")
        if self.batch_size % ((self.num_processes or 1) * self.num_nodes):
            raise ValueError(
                f"batch_size (={self.batch_size}) must be divisible by the number of processes "
                f"(={(self.num_processes or 1) * self.num_nodes})"
            )
        if self.num_nodes > 1 and self.rendezvous is None:
            raise ValueError("num_nodes > 1 needs rendezvous, as HOST:PORT of the machine that runs the flow")
        return self


class EvaluationConfig(Section):
    """What is measured on the test split."""

    batch_size: Positive = 32
    """Sequences in one forward pass."""
    num_prompts: NonNegative = 16
    """Held-out prompts whose continuation is scored with BLEU and ROUGE."""
    prompt_tokens: Positive = 32
    """Tokens of each such prompt."""
    continuation_tokens: Positive = 32
    """Tokens generated after it."""
    seed: NonNegative = 0
    """Seed of the sampling."""


class PlantedConfig(Section):
    """Planted test phrases: made-up documents that show whether the model memorises, and whether scrubbing holds."""

    enabled: bool = True
    """Plant them."""
    num_catchable: NonNegative = 16
    """Phrases that the scrubber must remove."""
    catchable_repetitions: Positive = 8
    """Documents that each such phrase is put into."""
    num_in_clear: NonNegative = 10
    """Common-word phrases that stay readable, to see how sensitive the test is."""
    in_clear_repetitions: tuple[Positive, ...] = (1, 2, 4, 8, 16)
    """Documents each of them is put into, taken in turn."""
    seed: NonNegative = 0
    """Seed of the phrases."""
    max_canary_ratio: Ratio = 0.0001
    """Largest share of the tokens trained on that planted phrases may take; with more, fewer are planted."""


class PrivacyConfig(Section):
    """The leak test of the trained model."""

    planted: PlantedConfig = PlantedConfig()
    """The planted test phrases."""
    num_references: Positive = 100
    """Phrases never planted, against which each planted one is ranked."""
    significance: float = Field(default=0.01, gt=0, lt=0.5)
    """Largest p-value of the one-sided rank test at which the audit says no."""
    num_samples: NonNegative = 32
    """Texts sampled from the model, from nothing, and scanned by the finders."""
    num_invited_samples: NonNegative = 40
    """Further texts sampled after labels that invite sensitive data, such as "Name:", taken in turn."""
    sample_tokens: Positive = 128
    """Tokens of each sampled text."""
    num_prefixes: NonNegative = 32
    """Training prefixes tried for verbatim extraction."""
    prefix_tokens: tuple[Positive, ...] = Field(default=(8, 16, 32, 64), min_length=1)
    """Lengths of such a prefix (tokens); the same stretch is tried after each."""
    copy_tokens: Positive = 32
    """Tokens that must agree for a continuation to count as a verbatim copy."""
    max_extraction_ratio: Ratio = 0.1
    """Largest share of prefixes of one length continued verbatim, and of samples that repeat a training document."""
    seed: NonNegative = 0
    """Seed of references, prefixes and samples."""


class RegistryConfig(Section):
    """Registration and promotion."""

    name: str = Field(default="gpt", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """Name of the registered model."""
    min_improvement: float = Field(default=0.005, ge=0)
    """Bits per byte by which a candidate must beat the champion."""
    approval: Literal["automatic", "ask"] = Field(default="automatic", json_schema_extra=ASIDE)
    """Whether a better candidate is promoted at once, or a person is asked on the Prefect dashboard first."""
    approval_hours: float = Field(default=48.0, gt=0, le=24 * 365, json_schema_extra=ASIDE)
    """Hours that an answer is waited for; after them the champion stays."""


class EngineConfig(Section):
    """Where the corpus is worked on, shard by shard; it shapes no output."""

    name: Literal["threads", "processes", "dask"] = Field(default="processes", json_schema_extra=ASIDE)
    """Threads or processes of this machine, or a Dask cluster (extra `dask`)."""
    workers: Positive | None = Field(default=None, json_schema_extra=ASIDE)
    """Workers; None takes the cores this process may use. One works in the run's own process."""
    address: str | None = Field(default=None, json_schema_extra=ASIDE)
    """Address of a Dask scheduler, as tcp://HOST:PORT, whose workers see the home's folder; None starts a local one."""


class ScheduleConfig(Section):
    """When the deployment runs by itself."""

    cron: str | None = Field(default=None, json_schema_extra=ASIDE)
    """Cron line, for example `0 3 1 * *` for the first of each month; None: by hand only."""

    @field_validator("cron")
    @classmethod
    def _has_five_fields(cls, line: str | None) -> str | None:
        if line is not None and not is_cron(line):
            raise ValueError("a cron line of five fields: minute, hour, day, month, weekday, as 0 3 1 * *")
        return line


class RetentionConfig(Section):
    """What is deleted once nothing needs it; it shapes no output."""

    collect_after_run: bool = Field(default=False, json_schema_extra=ASIDE)
    """Do as `gptmodel gc` does at the end of each run."""
    keep_versions: NonNegative | None = Field(default=None, json_schema_extra=ASIDE)
    """Versions without an alias, of each model, whose text and tokens are kept, the newest ones; None keeps those of
    all. Of others the tables, accounts and notes stay, by which documents and values are found."""


class Config(Section):
    """A complete run."""

    preset: str = Field(default="tiny", json_schema_extra=ASIDE)
    """The preset this config started from."""
    corpus: CorpusConfig
    cleaning: CleaningConfig = CleaningConfig()
    scrubbing: ScrubbingConfig = ScrubbingConfig()
    dedup: DedupConfig = DedupConfig()
    split: SplitConfig = SplitConfig()
    quality: QualityConfig = QualityConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    tokens: TokensConfig = TokensConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    registry: RegistryConfig = RegistryConfig()
    engine: EngineConfig = EngineConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    retention: RetentionConfig = RetentionConfig()


def dated(config: Config, today: date) -> Config:
    """Give a config with the day that counts as today filled in, so that the run's record says which it was."""
    if config.corpus.as_of is not None:
        return config
    return config.model_copy(update={"corpus": config.corpus.model_copy(update={"as_of": today})})


def fingerprint_section(section: BaseModel) -> dict[str, Any]:
    """Give a section as plain JSON values without the fields that never change a result."""
    data: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("fingerprint") is False:
            continue
        value = getattr(section, name)
        data[name] = fingerprint_section(value) if isinstance(value, BaseModel) else _plain(value)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return fingerprint_section(value) if isinstance(value, BaseModel) else json.loads(json.dumps(value, default=str))
