"""`gptmodel evidence`: from a model URI to the folder for the auditor.

The version is looked up in this home's store; the registry is asked for what it says of it, in a few plain requests,
and where it does not answer, the evidence says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import KEY_FILE, Home, home_key_of
from flows.named_version import NUMBERED, find_version
from gptmodel import registry
from gptmodel.approval import APPROVAL_TAG
from gptmodel.champions import ROLLED_BACK
from gptmodel.erasure.requests import read_requests
from gptmodel.errors import RegistryError, ServerError
from gptmodel.evidence.account import Evidence, RegistryAnswer
from gptmodel.evidence.folder import Attachment, Folder, refuse_other_content, write_folder
from gptmodel.evidence.gathering import Records, gather, gather_elsewhere
from gptmodel.lineage.ancestry import CONFIG
from gptmodel.lineage.versions import Version, list_versions, versions_named
from gptmodel.provenance import lock_files, read_provenance
from gptmodel.store import NOTES_DIR

_OWN_TAGS = ("gptmodel.", "prefect.")
_MOST_SHOWN = 12


@dataclass(frozen=True)
class Told:
    """What the command answers.

    Attributes:
        lines: The lines a person reads.
        record: The object that `--json` prints.
    """

    lines: list[str]
    record: dict[str, Any]


def write_evidence(home: Home, model: str, output: Path, as_of: date, *, with_reports: bool = True) -> Told:
    """Write the evidence of a version into a folder.

    Args:
        home: The home.
        model: URI of a registered version, or a model folder that this home registered.
        output: The folder.
        as_of: Date of issue.
        with_reports: Whether the reports are copied too; unlike all else they hold text.

    Raises:
        ConfigError: The folder holds something other than an earlier evidence.
        RegistryError: The URI names nothing that the store or the registry knows.
        ServerError: An alias was named and no server answers.
        StoreError: The folder can't be written.
    """
    refuse_other_content(output.expanduser().absolute())
    name, number = _named(home, model)
    answer = _ask(home, name, number)
    version = _made_here(home, name, number, answer)
    if version is None and not answer.is_there:
        raise _unknown(f"models:/{name}/{number}", answer)
    if version is None:
        evidence = gather_elsewhere(f"models:/{name}/{number}", answer, as_of)
        attached, missing = dict[str, Attachment](), ["the version's files, which another home holds"]
    else:
        requests = read_requests(home.erasures_dir)
        # One that is lost is not made anew: what was hashed with it would not be found again by another.
        key = home_key_of(home) if requests and (home.keys_dir / KEY_FILE).is_file() else None
        evidence = gather(Records(home.store, home.events, home.reviews_dir, requests, key), version, answer, as_of)
        attached, missing = _attachments(home, version, evidence, with_reports)
    folder = write_folder(output, evidence, attached, missing)
    return Told([*_lines(evidence, folder)], _record(evidence, folder))


def _named(home: Home, model: str) -> tuple[str, int]:
    """Give name and number of the version that a URI names."""
    if match := NUMBERED.fullmatch(model):
        return match["name"], int(match["number"])
    found = find_version(home, model)
    named = found.version or found.registered
    if named is None:
        raise RegistryError(
            expected=f"{model} to be of a version that this home registered", actual="no such version in its store",
            mend="Name it as models:/NAME/NUMBER: then what the registry knows of it is told.",
        )  # fmt: skip
    return named.name, named.version


def _ask(home: Home, name: str, number: int) -> RegistryAnswer:
    try:
        uri = stack.registry_address(home)
        found = registry.find_version(uri, name, number)
        named = {alias: registry.find_version_by_alias(uri, name, alias)
                 for alias in (registry.CHAMPION, registry.CHALLENGER)}  # fmt: skip
    except ServerError as error:
        return RegistryAnswer(why_not_asked=error.actual)
    bearers = {alias: one.version for alias, one in named.items() if one}
    champion = bearers.get(registry.CHAMPION)
    serving = f"models:/{name}/{champion}" if champion else ""
    return _answer(found, bearers, serving) if found else RegistryAnswer(champion=serving)


def _answer(found: registry.Version, bearers: Mapping[str, int], champion: str) -> RegistryAnswer:
    first = found.description.partition("\n")[0]
    return RegistryAnswer(
        is_there=True, bundle_digest=found.tags.get(registry.BUNDLE_TAG, ""), champion=champion,
        aliases=tuple(alias for alias, version in bearers.items() if version == found.version),
        decision=first.removeprefix(registry.DECISION_LINE) if first.startswith(registry.DECISION_LINE) else "",
        retired=found.tags.get(registry.RETIRED_TAG, ""), rolled_back=found.tags.get(ROLLED_BACK, ""),
        approval=found.tags.get(APPROVAL_TAG, ""),
        tags={key: value for key, value in sorted(found.tags.items()) if key.startswith(_OWN_TAGS)},
    )  # fmt: skip


def _unknown(uri: str, answer: RegistryAnswer) -> RegistryError:
    away = "" if answer.is_asked else f", and the registry was not asked: {answer.why_not_asked}"
    return RegistryError(
        expected=f"{uri} to be in this home's store or in the registry", actual=f"no such version in the store{away}",
        mend="`gptmodel status` names the champion; the MLflow UI lists all versions.",
    )  # fmt: skip


def _made_here(home: Home, name: str, number: int, answer: RegistryAnswer) -> Version | None:
    """Give the version of this home that the registry's is, by its files; two homes may share a registry.

    Without an answer, or without a digest in it, the number alone has to do.
    """
    meant = versions_named(list_versions(home.store), name, number, answer.bundle_digest)
    return meant[0] if meant else None


def _attachments(
    home: Home, version: Version, evidence: Evidence, with_reports: bool
) -> tuple[dict[str, Attachment], list[str]]:
    """Give what is copied into the folder, by name, and what would have been but is not there."""
    found: dict[str, Attachment] = {}
    missing: list[str] = []
    config = home.store.folder("register", version.fingerprint) / NOTES_DIR / CONFIG
    if config.is_file():
        found["config.toml"] = Attachment(config, "the whole resolved config of the run")
    else:
        missing.append("config.toml, which is gone")
    made = evidence.identity.made_with if evidence.identity else None
    if made and made.lock_digest and made.lock_digest == read_provenance().lock_digest:
        found |= {path.name: Attachment(path, "the libraries, pinned") for path in lock_files()}
    else:
        missing.append("the lock files of that run: those beside this code are others")
    for name, (path, what) in _reports(home, version).items():
        if not with_reports:
            missing.append(f"{what}, left out on request")
        elif path is None:
            missing.append(f"{what}, which is gone or speaks of another run")
        else:
            found[name] = Attachment(path, what)
    return found, missing


def _reports(home: Home, version: Version) -> dict[str, tuple[Path | None, str]]:
    """Give the reports of a version, where their pages speak of this very run."""
    report = home.reports_dir / f"{version.name}-{version.version}" / "index.html"
    gate = version.outputs.get("quality gate", "")
    corpus = home.store.folder("quality gate", gate) / NOTES_DIR / "corpus.html"
    speaks = report.is_file() and version.fingerprint in report.read_text(encoding="utf-8")
    return {
        "reports/version.html": (report if speaks else None, "report of the version; it holds text the model wrote"),
        "reports/corpus.html": (corpus if gate and corpus.is_file() else None,
                                "report of the corpus; it holds scrubbed samples of dropped documents"),
    }  # fmt: skip


def _lines(evidence: Evidence, folder: Folder) -> Iterator[str]:
    for what, passed in _passed(evidence).items():
        yield f"{what:<13} {'not known' if passed is None else 'yes' if passed else 'NO'}"
    points = evidence.open_points
    yield f"open points   {len(points)}{'' if points else ': none of those that are looked for'}"
    for number, point in enumerate(points[:_MOST_SHOWN], 1):
        yield f"  {number:>2}. {point.says}"
    if len(points) > _MOST_SHOWN:
        yield f"      and {len(points) - _MOST_SHOWN} more on the page"
    yield f"evidence      {(folder.path / 'index.html').as_uri()}"
    yield f"              {folder.num_files} files; digest of its SHA256SUMS: {folder.digest}"


def _record(evidence: Evidence, folder: Folder) -> dict[str, Any]:
    return {
        "model": evidence.model, "folder": str(folder.path), "num_files": folder.num_files, "digest": folder.digest,
        "as_of": evidence.as_of.isoformat(), "passed": _passed(evidence),
        "open_points": [point.model_dump() for point in evidence.open_points],
    }  # fmt: skip


def _passed(evidence: Evidence) -> dict[str, bool | None]:
    """Say what of it is as it should be; None where that is not known."""
    identity, privacy = evidence.identity, evidence.privacy
    return {
        "model files": not identity.changed_files if identity else None,
        "quality gate": evidence.quality.passed if evidence.quality else None,
        "leak test": privacy.passed if privacy else None,
        "promotion": evidence.comparisons[-1].decision.passed if evidence.comparisons else None,
        "event chain": not evidence.chain.problem if identity else None,
    }
