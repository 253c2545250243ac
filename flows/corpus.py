"""Tasks of the corpus stages: raw text in, a split and checked corpus out."""

import shutil

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows import artifacts
from flows.figures import CORPUS_REPORT, FUNNEL, FUNNEL_TABLE
from flows.run import STAGE_OPTIONS, Run, delete_raw_text
from gptmodel.corpus.funnel import build_funnel
from gptmodel.store import NOTES_DIR, Output, Workspace, write_synced


@task(name="ingest", **STAGE_OPTIONS)
def ingest_task(run: Run) -> State:
    """Read every source into raw shards; what can't be read is set aside with its reason."""
    return run.plain_stage("ingest")


@task(name="clean", **STAGE_OPTIONS)
def clean_task(run: Run, ingest: Output) -> State:
    """Repair the text and drop what the rules refuse, each with its reason."""
    return run.plain_stage("clean", ingest, show=lambda output: _show_cleaning(run, output))


@task(name="scrub", **STAGE_OPTIONS)
def scrub_task(run: Run, clean: Output) -> State:
    """Replace sensitive data; afterwards the text from before is deleted."""
    state = run.plain_stage("scrub", clean)
    delete_raw_text(run)
    return state


@task(name="deduplicate", **STAGE_OPTIONS)
def deduplicate_task(run: Run, ingest: Output, scrub: Output) -> State:
    """Find exact and near duplicates and keep one of each cluster."""
    return run.plain_stage("deduplicate", ingest, scrub, show=lambda output: _show_clusters(run, output))


@task(name="split", **STAGE_OPTIONS)
def split_task(run: Run, scrub: Output, deduplicate: Output) -> State:
    """Divide the documents into train, validation and test by cluster."""
    return run.plain_stage("split", scrub, deduplicate)


@task(name="quality gate", **STAGE_OPTIONS)
def quality_task(run: Run, ingest: Output, clean: Output, scrub: Output, deduplicate: Output, split: Output) -> State:
    """Hold the corpus against the Great Expectations suite; a hard no ends the run."""
    inputs = (ingest, clean, scrub, deduplicate, split)

    def leave_report(work: Workspace, answer: BaseModel) -> None:
        _write_report(work, answer, *inputs)

    return run.plain_stage("quality gate", *inputs, after=leave_report, show=lambda output: _show_corpus(run, output))


def _write_report(work: Workspace, answer: BaseModel, *outputs: Output) -> None:
    """Write the corpus report and the funnel among the gate's notes, which are committed and delivered with it."""
    from gptmodel.corpus_report import write_corpus_report

    accounts = {output.stage: output.result for output in outputs}
    stages = {output.stage: {"fingerprint": output.fingerprint, "digest": output.digest} for output in outputs}
    funnel = build_funnel(accounts)
    write_synced(work.notes / FUNNEL, funnel.model_dump_json(indent=1))
    write_synced(work.notes / FUNNEL_TABLE, funnel.as_csv())
    accounts["quality gate"] = answer.model_dump(mode="json")
    write_corpus_report(work.notes / CORPUS_REPORT, accounts=accounts, folders=work.inputs, stages=stages)


def _show_cleaning(run: Run, output: Output) -> None:
    from gptmodel.corpus.cleaning import read_drop_samples

    if not run.records[output.stage].cached:
        artifacts.show_drop_samples(read_drop_samples(run.folder(output), most=1), output.result["warnings"])


def _show_clusters(run: Run, output: Output) -> None:
    from gptmodel.corpus.dedup.cluster_table import largest_clusters

    if not run.records[output.stage].cached:
        artifacts.show_clusters(largest_clusters(run.folder(output), most=20), output.result["num_clusters"])


def _show_corpus(run: Run, output: Output) -> None:
    """Leave the gate's answer, the funnel and the corpus report, which stands in the home too."""
    artifacts.show_decision_of(output, _data_docs(run, output))
    artifacts.show_funnel(build_funnel({name: record.output.result for name, record in run.records.items()}))
    written = run.folder(output) / NOTES_DIR / CORPUS_REPORT
    if not written.exists():  # an answer from before there was a report
        return
    path = run.home.reports_dir / f"corpus-{output.fingerprint[:12]}" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(written, path)
    run.links["corpus report"] = path.as_uri()
    if url := run.delivery.page_of_output(output, CORPUS_REPORT):
        artifacts.show_link(run.flow_run_id, "corpus-report", url, "report of the corpus")


def _data_docs(run: Run, output: Output) -> dict[str, str]:
    """Give the addresses of the gate's pages, by name: those MLflow has, and the first one on this machine."""
    from gptmodel.corpus.quality.pages import DATA_DOCS_DIR, OVERVIEW, result_pages

    folder = run.folder(output) / NOTES_DIR / DATA_DOCS_DIR
    pages = {"All checks": folder / OVERVIEW}
    pages |= {f"Great Expectations on {name}": path for name, path in result_pages(folder).items()}
    paths = {name: f"{DATA_DOCS_DIR}/{path.relative_to(folder).as_posix()}" for name, path in pages.items()}
    links = {name: run.delivery.page_of_output(output, path) for name, path in paths.items()}
    found = {name: link for name, link in links.items() if link}
    return found | {"Data Docs on this machine": (folder / OVERVIEW).absolute().as_uri()}
