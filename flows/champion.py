"""`gptmodel promote` and `gptmodel rollback`: a person moves the champion alias, by the pipeline's own decision.

Neither imports mlflow or prefect; only a comparison loads torch.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import Home, one_promotion_at_a_time
from flows.origin import Origin, fetch_model, origin_of, split_of
from gptmodel import approval, champions, registry
from gptmodel.config import RegistryConfig
from gptmodel.decision import Decision
from gptmodel.downloads import registered_version
from gptmodel.errors import ConfigError, GateError, RegistryError
from gptmodel.registry import CHALLENGER, Version
from gptmodel.store import Workspace

# A command that did not do what it was asked for.
REFUSED = 1
_MOST_COMPARISONS = 3
# MLflow takes no `/` and `:` into the name of a model, and its search no quotes.
_NAME = re.compile(r"[^/:\"'\n]+")


@dataclass(frozen=True)
class Person:
    """Who types the command, and why.

    Attributes:
        reason: Why, as typed.
        by: Name, as typed.
        anyway: Promote a version whatever the comparison says, also one that was retired or rolled back.
    """

    reason: str = ""
    by: str = ""
    anyway: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of a version.

    Attributes:
        version: The version.
        decision: Whether it is champion, and why.
        lines: What a person reads.
        code: Exit code.
    """

    version: Version
    decision: Decision
    lines: list[str]
    code: int = 0

    @property
    def record(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        model = {"name": self.version.name, "version": self.version.version, "uri": self.version.uri}
        return {"passed": self.decision.passed, "reason": self.decision.reason, "model": model}


def promote(home: Home, model: str, person: Person) -> Answer:
    """Compare a registered version with the champion and, if it is better, make it champion.

    Args:
        home: The home; its store holds the text that both are scored on.
        model: A version's URI, or a model's name: its challenger, else its newest version.
        person: Who wants it.

    Raises:
        ConfigError: `--anyway` without a reason.
        RegistryError: There is no such version, or the text to compare on is not in this home.
        ServerError: The server does not answer.
    """
    if person.anyway and not person.reason.strip():
        raise ConfigError(
            expected="--reason TEXT with --anyway", actual="no reason", mend="Say why: it stands on the version."
        )
    uri = stack.registry_address(home)
    version = _version(uri, model)
    champion = registry.champion_of(uri, version.name)
    for _ in range(_MOST_COMPARISONS):
        decision = _decide(home, uri, version, champion, person)
        with one_promotion_at_a_time(home, version.name):
            present = registry.champion_of(uri, version.name)
            if _same(present, champion):
                return _settle(home, uri, version, champion, decision, person)
        champion = present
    raise RegistryError(
        expected=f"the champion of {version.name} to stay the same while {version.uri} is compared with it",
        actual=f"it changed {_MOST_COMPARISONS} times",
        mend="Type the same command again.",
    )


def _same(one: Version | None, other: Version | None) -> bool:
    return (one.version if one else None) == (other.version if other else None)


def _version(uri: str, model: str) -> Version:
    """Find the version that is meant; a bare name means its challenger, else its newest version."""
    if model.startswith("models:"):
        return registered_version(uri, model)
    if not _NAME.fullmatch(model):
        raise registry.unknown(model, "a model's name, or a version as models:/gpt/3")
    found = registry.find_version_by_alias(uri, model, CHALLENGER)
    versions = [found] if found else registry.search_versions(uri, model)
    if not versions:
        raise registry.unknown(f"models:/{model}")
    return versions[-1]


def _decide(home: Home, uri: str, version: Version, champion: Version | None, person: Person) -> Decision:
    """Give the answer to a version's promotion, before anything is changed."""
    leak_test = version.tags.get(champions.LEAK_TEST_TAG, "")
    if leak_test != "passed":
        reason = "its leak test said no" if leak_test else "no leak test of it is known"
        return Decision(passed=False, reason=f"blocked: {reason}")
    if _same(version, champion):
        return Decision(passed=True, reason="it is the champion already")
    objection = _objection(home, uri, version)
    if objection and not person.anyway:
        return Decision(passed=False, reason=f"{objection}; to promote it all the same: --anyway --reason TEXT")
    decision = Decision(passed=False, reason=objection) if objection else _compare(home, uri, version, champion, person)
    if decision.passed:
        words = f"{decision.reason}; promoted {_told(person)}" if person.by or person.reason else decision.reason
        return decision.model_copy(update={"reason": words})
    if not person.anyway:
        return decision
    scope = f"a person's word against: {decision.reason}"
    return Decision(passed=True, reason=f"promoted all the same {_told(person)}", scope=scope, numbers=decision.numbers)


def _told(person: Person) -> str:
    return champions.told(person.by, person.reason)


def _objection(home: Home, uri: str, version: Version) -> str:
    if label := version.tags.get(registry.RETIRED_TAG):
        return f"v{version.version} was retired for the erasure request {label}"
    account = champions.rollback_of(uri, home.events, version)
    return f"v{version.version} {champions.rolled_back(account)}" if account else ""


def _compare(home: Home, uri: str, version: Version, champion: Version | None, person: Person) -> Decision:
    """Score both on the version's own test split, as the pipeline does."""
    candidate = fetch_model(home, version.uri)
    origin = origin_of(home.store, candidate)
    missing = [name for name in ("scrub", "split") if origin is None or name not in origin.folders]
    if origin is None or missing:
        if person.anyway:
            return Decision(passed=False, reason="it can't be compared: its test split is not in this home's store")
        raise RegistryError(
            expected=f"the test split of {version.uri} in this home's store, to compare it with the champion",
            actual="no such text: it was made in another home, or is gone",
            mend="Type the command in the home that made it, or promote it on your word: --anyway --reason TEXT",
        )
    return _scored(home, version, champion, candidate, origin)


def _scored(home: Home, version: Version, champion: Version | None, candidate: Path, origin: Origin) -> Decision:
    from gptmodel.promotion import decide_promotion

    with tempfile.TemporaryDirectory(prefix="promote-", dir=home.cache_dir) as folder:
        (Path(folder) / "register").mkdir()
        (Path(folder) / "register" / "bundle").symlink_to(candidate)
        (Path(folder) / "promote").mkdir()
        work = Workspace(Path(folder) / "promote", {**origin.folders, "register": Path(folder) / "register"})
        result = decide_promotion(
            work, origin.config.registry if origin.config else RegistryConfig(), version=version.version,
            privacy=Decision(passed=True, reason="passed"), champion_version=champion.version if champion else None,
            champion=fetch_model(home, champion.uri) if champion else None, champion_split=split_of(home, champion),
        )  # fmt: skip
    return result.decision


def _settle(
    home: Home, uri: str, version: Version, champion: Version | None, decision: Decision, person: Person
) -> Answer:  # fmt: skip
    """Make the registry say what was decided; the lock is held."""
    kept = f"Kept v{champion.version}" if champion else "No champion"
    if not decision.passed:
        blocked = version.tags.get(champions.LEAK_TEST_TAG) != "passed"
        refused = GateError.exit_code if blocked else REFUSED if "--anyway" in decision.reason else 0
        return Answer(version, decision, [f"{kept}: {decision.reason}"], refused)
    if _same(version, champion):
        return Answer(version, decision, [f"Unchanged v{version.version}: {decision.reason}"])
    answered = approval.approval_of(version)
    if answered is not None and answered.state == "asked":
        approval.approve(uri, home.events, version, answered, person.by, person.reason or "promoted by hand")
    if person.anyway:
        champions.lift_rollback(uri, version)
        registry.delete_tag(uri, version, registry.RETIRED_TAG)
    champions.crown(uri, home.events, version, decision, champion, person.by)
    return Answer(version, decision, [f"Promoted v{version.version}: {registry.decision_sentence(decision)}"])


def roll_back(home: Home, name: str, person: Person) -> champions.Rollback:
    """Return to the champion before; the present one is never promoted by a run again.

    Raises:
        RegistryError: There is no champion before it.
        ServerError: The server does not answer.
    """
    uri = stack.registry_address(home)
    with one_promotion_at_a_time(home, name):
        return champions.roll_back(uri, home.events, name, reason=person.reason, by=person.by)
