"""Retake the README's pictures of a finished run: `python -m tests.e2e.screenshots [MODEL]`, servers up.

Takes the newest run that promoted a version (of MODEL, if named) in this home and photographs its Prefect page, its
version's page in MLflow, the data sets of its run there, its report and the newest report of a corpus into
docs/images/. The tests use `open_pages` too.
"""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WAIT_MS = 120_000
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the system's Chromium, which needs no download."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def open_pages(browser: Browser, height: int = 1000, scheme: Any = "light") -> BrowserContext:
    """Give a context for pages 1400 pixels wide."""
    context = browser.new_context(viewport={"width": 1400, "height": height}, color_scheme=scheme)
    context.set_default_timeout(WAIT_MS)
    # On its first visit MLflow's page opens an assistant over a third of its width.
    context.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")
    return context


def newest_run(api: str, model: str) -> dict[str, Any]:
    """Find the newest flow run that promoted a version of a model."""
    query: dict[str, Any] = {"sort": "START_TIME_DESC", "limit": 200}
    runs: list[dict[str, Any]] = httpx.post(f"{api}/flow_runs/filter", json=query).raise_for_status().json()
    return next(run for run in runs if f"{model}: Promoted v" in run["name"])


def link_of(api: str, flow_run_id: str, key: str) -> str:
    """Give the link that a run left under a key."""
    query = {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}, "key": {"any_": [key]}}}
    found = httpx.post(f"{api}/artifacts/filter", json=query).raise_for_status().json()
    return str(found[0]["data"].rpartition("](")[2].rstrip(")"))


def take(api: str, reports: Path, model: str) -> None:
    """Take the pictures."""
    run = newest_run(api, model)
    _, name, _, version = run["name"].replace(":", "").split()
    with open_browser() as browser:
        _prefect_page(browser, api, run)
        _version_page(browser, link_of(api, run["id"], "version-page"))
        _data_page(browser, link_of(api, run["id"], "mlflow-run"))
        _report_page(browser, reports / f"{name}-{version.removeprefix('v')}" / "index.html")
        _corpus_page(browser, max(reports.glob("corpus-*/index.html"), key=lambda path: path.stat().st_mtime))


def _prefect_page(browser: Browser, api: str, run: dict[str, Any]) -> None:
    page = open_pages(browser, 980).new_page()
    page.goto(f"{api.removesuffix('/api')}/runs/flow-run/{run['id']}", wait_until="domcontentloaded")
    page.get_by_text("Beginning flow run").wait_for()
    page.wait_for_timeout(3000)  # the graph is a drawing without elements to wait for
    page.screenshot(path=IMAGES / "prefect-run.png")


def _version_page(browser: Browser, url: str) -> None:
    page = open_pages(browser, 820).new_page()
    page.goto(url, wait_until="domcontentloaded")
    page.get_by_text("Decision:").wait_for()
    page.screenshot(path=IMAGES / "mlflow-version.png")


def _data_page(browser: Browser, url: str) -> None:
    page = open_pages(browser, 820).new_page()
    page.goto(url, wait_until="domcontentloaded")
    page.get_by_text("tokens-train (").first.click()
    page.get_by_text("datasets used").wait_for()
    page.screenshot(path=IMAGES / "mlflow-data.png")


def _report_page(browser: Browser, path: Path) -> None:
    page = open_pages(browser).new_page()
    page.goto(path.as_uri())
    # The part with the curve, the samples along it and the scores; the whole is a page four times as long.
    top = page.get_by_role("heading", name="Training", exact=True).bounding_box()
    bottom = page.get_by_role("heading", name="By source and language").bounding_box()
    if top is None or bottom is None:
        raise LookupError(f"{path} shows no training or no scores")
    clip = {"x": 180, "y": top["y"] - 15, "width": 1040, "height": bottom["y"] - top["y"]}
    page.screenshot(path=IMAGES / "report.png", full_page=True, clip=clip)  # type: ignore[arg-type]


def _corpus_page(browser: Browser, path: Path) -> None:
    page = open_pages(browser).new_page()
    page.goto(path.as_uri())
    bottom = page.get_by_role("heading", name="Each source, step by step").bounding_box()
    if bottom is None:
        raise LookupError(f"{path} shows no sources")
    clip = {"x": 180, "y": 15, "width": 1040, "height": bottom["y"] - 30}
    page.screenshot(path=IMAGES / "corpus-report.png", full_page=True, clip=clip)  # type: ignore[arg-type]


def main() -> None:
    from flows import stack
    from flows.home import open_home

    if CHROMIUM is None:
        sys.exit("Needs Chromium (Debian: apt install chromium).")
    home = open_home()
    IMAGES.mkdir(parents=True, exist_ok=True)
    take(stack.addresses(home).prefect_api, home.reports_dir, sys.argv[1] if len(sys.argv) > 1 else "")
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image}  {image.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
