"""Tasks of the corpus stages: raw text in, a split and checked corpus out."""

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows import artifacts
from flows.run import STAGE_OPTIONS, Progress, Run, delete_raw_text
from gptmodel.store import NOTES_DIR, Output, Workspace


@task(name="ingest", **STAGE_OPTIONS)
def ingest_task(run: Run) -> State:
    """Read every source into raw shards; what can't be read is set aside with its reason."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.sources import ingest

        return ingest(work, run.config.corpus, run.config.privacy.planted, run.listing, progress, run.engine.map)

    return run.stage("ingest", compute, external=run.listing.digests())


@task(name="clean", **STAGE_OPTIONS)
def clean_task(run: Run, ingest: Output) -> State:
    """Repair the text and drop what the rules refuse, each with its reason."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.cleaning import clean

        private = [source["name"] for source in ingest.result["sources"] if source["personal_data"] == "yes"]
        return clean(work, run.config.cleaning, progress, run.engine.map, private)

    return run.stage("clean", compute, ingest)


@task(name="scrub", **STAGE_OPTIONS)
def scrub_task(run: Run, clean: Output) -> State:
    """Replace sensitive data by placeholders; afterwards the text from before is deleted."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.scrubbing import scrub

        return scrub(work, run.config.scrubbing, progress, run.engine.map)

    state = run.stage("scrub", compute, clean)
    delete_raw_text(run)
    return state


@task(name="deduplicate", **STAGE_OPTIONS)
def deduplicate_task(run: Run, ingest: Output, scrub: Output) -> State:
    """Find exact and near duplicates and keep one of each cluster."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.dedup import deduplicate

        order = [source["name"] for source in ingest.result["sources"]]
        return deduplicate(work, run.config.dedup, order, run.evaluation, progress, run.engine.map)

    external = run.evaluation.digests() if run.evaluation else None
    return run.stage("deduplicate", compute, ingest, scrub, external=external)


@task(name="split", **STAGE_OPTIONS)
def split_task(run: Run, scrub: Output, deduplicate: Output) -> State:
    """Divide the documents into train, validation and test by cluster."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.split import split

        return split(work, run.config.split)

    return run.stage("split", compute, scrub, deduplicate)


@task(name="quality gate", **STAGE_OPTIONS)
def quality_task(run: Run, ingest: Output, clean: Output, scrub: Output, deduplicate: Output, split: Output) -> State:
    """Hold the corpus against the Great Expectations suite; a hard no ends the run."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.corpus.cleaning import CleanResult
        from gptmodel.corpus.dedup import DedupResult
        from gptmodel.corpus.quality import check_quality
        from gptmodel.corpus.quality_tables import Accounts
        from gptmodel.corpus.scrubbing import ScrubResult
        from gptmodel.corpus.sources import IngestResult
        from gptmodel.corpus.split import SplitResult

        accounts = Accounts(
            ingest.read(IngestResult), clean.read(CleanResult), scrub.read(ScrubResult), deduplicate.read(DedupResult),
            split.read(SplitResult),
        )  # fmt: skip
        return check_quality(work, run.config.quality, accounts, progress, run.engine.map)

    def show(output: Output) -> None:
        artifacts.show_decision_of(output, _data_docs(run, output))

    return run.stage("quality gate", compute, ingest, clean, scrub, deduplicate, split, show=show)


def _data_docs(run: Run, output: Output) -> dict[str, str]:
    """Give the addresses of the gate's pages, by name: those MLflow has, and the first one on this machine."""
    from gptmodel.corpus.quality_pages import DATA_DOCS_DIR, OVERVIEW, result_pages

    folder = run.folder(output) / NOTES_DIR / DATA_DOCS_DIR
    pages = {"All checks": folder / OVERVIEW}
    pages |= {f"Great Expectations on {name}": path for name, path in result_pages(folder).items()}
    paths = {name: f"{DATA_DOCS_DIR}/{path.relative_to(folder).as_posix()}" for name, path in pages.items()}
    links = {name: run.delivery.page_of_output(output, path) for name, path in paths.items()}
    found = {name: link for name, link in links.items() if link}
    return found | {"Data Docs on this machine": (folder / OVERVIEW).absolute().as_uri()}
