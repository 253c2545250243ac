"""`gptmodel review`: a sheet of scrubbed passages for a person, and its result as evidence; needs no server."""

from pathlib import Path
from typing import Any

from flows import terminal
from flows.home import Home
from gptmodel.errors import StoreError
from gptmodel.lineage.versions import list_versions
from gptmodel.review import make_sheet, take_result
from gptmodel.store import Output, Store, output_of


def sheet_of_latest(home: Home, size: int, seed: int) -> dict[str, Any]:
    """Make a sheet from the newest scrubbed text of a home, say where it is, and give the `--json` object.

    Raises:
        StoreError: Nothing was scrubbed in this home yet.
    """
    found = next(iter(home.store.manifests("scrub")), None)
    if found is None:
        raise StoreError(
            expected="scrubbed text in this home", actual="none", mend="Run the pipeline: gptmodel run --until scrub"
        )
    scrub = output_of(found)
    sheet, page = make_sheet(home.reviews_dir, scrub, home.store.path_of(scrub), size=size, seed=seed)
    watch = terminal.current()
    watch.line(f"{len(sheet.places):,} of {sheet.num_population:,} passages of scrubbed text, drawn at random")
    watch.line(f"  corpus   {_corpus(home.store, scrub)}")
    watch.line(f"  sources  {', '.join(sorted({place.source for place in sheet.places}))}")
    watch.line(f"  sheet    {page.as_uri()}")
    watch.line("It holds text of the corpus and is readable by you only. Read it in a browser, tick what was missed,")
    watch.line("press 'Save result', then: gptmodel review --result FILE")
    return {
        "sheet": sheet.id, "path": str(page), "num_passages": len(sheet.places),
        "num_population": sheet.num_population, "scrub_digest": sheet.scrub_digest,
    }  # fmt: skip


def _corpus(store: Store, scrub: Output) -> str:
    """Name a scrubbed text by the versions that came from it, and by its place in the store."""
    made = sorted({(one.name, one.version) for one in list_versions(store) if one.digests.get("scrub") == scrub.digest})
    versions = ", ".join(f"models:/{name}/{version}" for name, version in made)
    return f"of {versions or 'no version yet'} (scrub/{scrub.fingerprint})"


def take(home: Home, path: Path) -> dict[str, Any]:
    """Take what a sheet's page saved into the evidence, say it in a sentence, and give the `--json` object."""
    review = take_result(home.reviews_dir, path)
    terminal.current().line(f"{review.sentence}. Kept for the scrubbed text {review.scrub_digest[:12]}.")
    terminal.current().line("The next gptmodel run of the same text writes it on the version.")
    for place in review.missed:
        terminal.current().line(f"  missed in document {place.document} ({place.source}), character {place.start:,} on")
    return review.model_dump(mode="json") | {"sentence": review.sentence}
