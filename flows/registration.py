"""The task that registers the version, and its report."""

from pathlib import Path
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel, ConfigDict

from flows import artifacts
from flows.delivery import CONFIG, REPORT
from flows.figures import CORPUS_REPORT, code_tags, shaping_settings, sources_of, tokens_of
from flows.run import STAGE_OPTIONS, Progress, Run
from gptmodel import registry, tracking
from gptmodel.corpus.scrubbing.measuring.self_test import self_test_sentence
from gptmodel.corpus.scrubbing.replacing.account import tell_replacing
from gptmodel.decision import Decision
from gptmodel.model_text import describe_model
from gptmodel.open_runs import FLOW_RUN_TAG
from gptmodel.provenance import read_provenance
from gptmodel.review import review_of
from gptmodel.spool import read_rows
from gptmodel.store import Output, Workspace
from gptmodel.version_text import (
    SourceLine,
    VersionAccount,
    VersionLinks,
    describe_version,
    leak_test_tags,
    not_searched,
    second_scanner_sentence,
    with_review,
)


class RegisterRuntime(BaseModel):
    """Names that the server gives and that differ from registry to registry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: str | None
    mlflow_run_id: str
    flow_run_id: str = ""
    is_reused: bool


class RegisterResult(BaseModel):
    """The version in the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    uri: str
    bundle_digest: str
    runtime: RegisterRuntime


@task(name="register", **STAGE_OPTIONS)
def register_task(run: Run, *inputs: Output) -> State:
    """Register model and tokenizer as a version that stands alone."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.bundle import assemble_bundle

        work.clear()
        folder = work.path / "bundle"
        tokenizer_path = work.inputs["tokenizer"] / "tokenizer.json"
        bundle = assemble_bundle(folder, model_dir=work.inputs["train"] / "model", tokenizer_path=tokenizer_path)
        run.delivery.need_server()
        parent = _parent_of(run, bundle.digest)
        made = _register(run, {output.stage: output for output in inputs}, folder, bundle.digest, parent)
        runtime = RegisterRuntime(
            model_id=made.model_id, mlflow_run_id=run.delivery.open(), flow_run_id=run.flow_run_id,
            is_reused=made.is_reused,
        )  # fmt: skip
        return RegisterResult(
            name=made.name, version=made.version, uri=made.uri, bundle_digest=bundle.digest, runtime=runtime
        )

    state = run.stage("register", compute, *inputs)
    made = run.records["register"].output.read(RegisterResult)
    if run.records["register"].cached and not registry.version_exists(run.delivery.uri, made.name, made.version):
        # Another tracking server, or an operator deleted the version.
        run.force = {*run.force, "register"}
        state = run.stage("register", compute, *inputs)
    if run.records["register"].cached:
        _note_review(run, made)
    return state


def _register(run: Run, outputs: dict[str, Output], folder: Path, digest: str, parent: str) -> registry.Registration:
    results = {name: output.result for name, output in outputs.items()}
    account = _account(run, outputs, results, parent)
    evaluate, train = results["evaluate"], results["train"]
    return tracking.register_version(
        run.delivery.uri, run_id=run.delivery.open(), name=run.config.registry.name, bundle_folder=folder,
        tags=_tags(run, outputs, account, digest, parent), description=describe_version(account),
        about=describe_model(run.config.registry.name),
        params=shaping_settings(run.config) | {"num_parameters": train["num_parameters"]},
        metrics={
            "tokens-train": {"train_loss": train["train_loss"]},
            "tokens-validation": {"validation_loss": train["validation_loss"]},
            "tokens-test": {name: evaluate[name] for name in ("loss", "perplexity", "bits_per_byte")},
        },
        datasets=[
            *sources_of(outputs["ingest"], run.config),
            *(tokens_of(outputs["pack"], split, run.store) for split in ("train", "validation", "test")),
        ],
        input_example=[run.config.training.sample_prompt],
    )  # fmt: skip


def _parent_of(run: Run, digest: str) -> str:
    """Give the number of the champion that a version comes after; empty if there was none.

    A version that is registered again, because its files came out equal, keeps its own.
    """
    uri, name = run.delivery.uri, run.config.registry.name
    earlier = registry.search_versions(uri, name, {registry.FINGERPRINT_TAG: digest})
    if earlier:
        return earlier[0].tags.get(registry.PARENT_TAG, "")
    champion = registry.champion_of(uri, name)
    return str(champion.version) if champion else ""


def _tags(run: Run, outputs: dict[str, Output], account: VersionAccount, digest: str, parent: str) -> dict[str, str]:
    tags = {
        registry.FINGERPRINT_TAG: digest,
        registry.CORPUS_TAG: outputs["scrub"].fingerprint,
        registry.SPLIT_TAG: outputs["split"].fingerprint,
        registry.PARENT_TAG: parent,
        "gptmodel.preset": run.config.preset,
        **leak_test_tags(account.privacy),
        **code_tags(read_provenance()),
        "gptmodel.not_searched": ", ".join(not_searched(account)),
        FLOW_RUN_TAG: run.flow_run_id,
        "prefect.flow_run_url": run.flow_run_url,
    }
    return {key: value for key, value in tags.items() if value}


def _account(run: Run, outputs: dict[str, Output], results: dict[str, dict[str, Any]], parent: str) -> VersionAccount:
    evaluate, train, scrub = results["evaluate"], results["train"], results["scrub"]
    names = ("name", "num_documents", "digest", "licence", "personal_data", "owner", "purpose", "keep_until")
    return VersionAccount(
        privacy=Decision.model_validate(results["privacy audit"]["decision"]),
        bits_per_byte=evaluate["bits_per_byte"], perplexity=evaluate["perplexity"], loss=evaluate["loss"],
        num_parameters=train["num_parameters"], num_tokens=train["num_tokens"],
        num_documents=results["split"]["num_train"],
        sources=tuple(SourceLine(**{name: row[name] for name in names}) for row in results["ingest"]["sources"]),
        num_planted=results["pack"]["num_planted_documents"], planted_token_ratio=_planted_token_ratio(results["pack"]),
        kinds_searched=tuple(scrub["kinds_searched"]), kinds_not_searched=tuple(scrub["kinds_not_searched"]),
        kinds_accepted=tuple(scrub.get("kinds_accepted", ())),
        kinds_in_part=tuple(kind for kind in scrub["kinds_not_searched"] if kind in scrub["findings"]),
        limits=tuple(scrub.get("limits", ())), replacing=tuple(tell_replacing(scrub)),
        self_test=self_test_sentence(scrub.get("self_test", ())),
        second_scanner=second_scanner_sentence(results["quality gate"]["decision"]["numbers"]), review=_review(run),
        training_digest=outputs["pack"].digest, made_with=read_provenance(), parent=parent,
        links=_links(run, outputs["train"], parent),
    )  # fmt: skip


def _links(run: Run, train: Output, parent: str) -> VersionLinks:
    delivery, run_id = run.delivery, run.delivery.open()
    pages = {
        "mlflow_run": delivery.page_of(run_id), "config": delivery.page_of(run_id, CONFIG),
        "report": delivery.page_of(run_id, REPORT), "training": delivery.page_of_output(train),
        "parent": parent and registry.version_page(delivery.uri, run.config.registry.name, int(parent)),
    }  # fmt: skip
    return VersionLinks(
        flow_run=run.flow_run_url, **{name: registry.within_ui(page) for name, page in pages.items() if page}
    )


def _review(run: Run) -> str:
    found = review_of(run.home.reviews_dir, run.records["scrub"].output.digest)
    return found.sentence if found else ""


def _note_review(run: Run, made: RegisterResult) -> None:
    """Write a person's check that came in after the registration into the version's page and its report."""
    sentence = _review(run)
    if not sentence:
        return
    found = registry.read_version(run.delivery.uri, made.name, made.version)
    text = with_review(found.description, sentence)
    if text != found.description:
        registry.write_description(run.delivery.uri, made.name, made.version, text)
        _report_path(run, made).unlink(missing_ok=True)  # so that it is written again


def _report_path(run: Run, made: RegisterResult) -> Path:
    return run.home.reports_dir / f"{made.name}-{made.version}" / "index.html"


def leave_report(run: Run, made: RegisterResult) -> None:
    """Write a version's report, unless it is there and nothing ran, and link it on the dashboards."""
    from gptmodel.report import write_report

    path = _report_path(run, made)
    train = run.folder(run.records["train"].output)
    page = registry.version_page(run.delivery.uri, made.name, made.version)
    run.links.update({"version page": page, "report": path.as_uri()})
    artifacts.show_link(run.flow_run_id, "version-page", page, f"{made.name} version {made.version} in MLflow")
    run.samples, run.curve = read_rows(train / "samples.jsonl"), read_rows(train / "curve.jsonl")
    if all(record.cached for record in run.records.values()) and path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    accounts = {name: record.output.result for name, record in run.records.items()}
    write_report(
        path, title=f"{made.name} version {made.version}", facts=_facts(run, made), accounts=accounts,
        curve=run.curve, samples=run.samples,
    )  # fmt: skip
    _show_report(run, made, path)


def _show_report(run: Run, made: RegisterResult, path: Path) -> None:
    # A page of the dashboard may not lead to a file of this machine, so that the report lies in MLflow too.
    run_id = registry.read_version(run.delivery.uri, made.name, made.version).run_id or run.delivery.open()
    run.delivery.deliver_report(run_id, path)
    url = run.delivery.page_of(run_id, REPORT)
    artifacts.show_link(run.flow_run_id, "report", url, f"report of {made.name} version {made.version}")


def _facts(run: Run, made: RegisterResult) -> dict[str, Any]:
    corpus_report = run.delivery.page_of_output(run.records["quality gate"].output, CORPUS_REPORT)
    return {
        "model": made.uri,
        "Prefect run": run.flow_run_url,
        "MLflow version": registry.version_page(run.delivery.uri, made.name, made.version),
        **({"corpus report": corpus_report} if corpus_report else {}),
        "checked by a person": _review(run) or "no; gptmodel review makes the sheet",
        "stages": {
            name: {"fingerprint": record.output.fingerprint, "digest": record.output.digest}
            for name, record in run.records.items()
        },
        "config": run.config.model_dump(mode="json"),
    }


def _planted_token_ratio(pack: dict[str, Any]) -> float:
    planted = int(pack["num_planted_tokens"])
    return planted / max(1, planted + int(pack["num_tokens"]["train"]))
