"""Both dashboards and the report after one run, as a person sees them in Chromium.

GPTMODEL_SCREENSHOTS=DIR keeps the pictures there.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptmodel.provenance import read_provenance
from tests.e2e.conftest import Command

pytest.importorskip("playwright", reason="playwright is not installed (make setup does it with --dev)")
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.screenshots import CHROMIUM, WAIT_MS, link_of, open_browser, open_pages

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"),
]

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def pages() -> Iterator[BrowserContext]:
    with open_browser() as browser:
        yield open_pages(browser)


@pytest.fixture
def view(pages: BrowserContext, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    opened = pages.new_page()
    yield opened
    folder = Path(os.environ.get("GPTMODEL_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=folder / f"{request.node.name}.png")
    opened.close()


@pytest.fixture(scope="module")
def record(shared_home: Command) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((shared_home.home / "first.json").read_text())
    return read


@pytest.fixture(scope="module")
def run_page(addresses: dict[str, str], record: dict[str, Any]) -> str:
    return f"{addresses['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/{record['flow_run_id']}"


def _link(addresses: dict[str, str], record: dict[str, Any], key: str) -> str:
    return link_of(addresses["PREFECT_API_URL"], record["flow_run_id"], key)


def test_the_run_page_names_its_end_and_shows_the_librarys_log_lines(
    view: Page, run_page: str, record: dict[str, Any]
) -> None:
    view.goto(run_page, wait_until="domcontentloaded")
    expect(view.get_by_text(f"smoke {record['model']['name']}: Promoted v1").first).to_be_visible()
    expect(view.get_by_text("train: first run").first).to_be_visible()
    expect(view.get_by_text("gptmodel.run").first).to_be_visible()


def test_a_stages_table_and_the_links_are_among_the_runs_artifacts(view: Page, run_page: str) -> None:
    view.set_viewport_size({"width": 1400, "height": 8000})  # what lies further down is not drawn before it is seen
    view.goto(run_page, wait_until="domcontentloaded")
    view.get_by_role("tab", name="Artifacts").or_(view.get_by_text("Artifacts", exact=True)).first.click()
    for key in ("mlflow-run", "version-page", "report", "corpus-report", "ingest", "funnel", "quality-gate-decision"):
        expect(view.get_by_text(key, exact=True).first).to_be_visible()


def test_a_stages_table_reads_in_words(view: Page, addresses: dict[str, str], record: dict[str, Any]) -> None:
    api = addresses["PREFECT_API_URL"]
    query = {"artifacts": {"flow_run_id": {"any_": [record["flow_run_id"]]}, "key": {"any_": ["train"]}}}
    found = httpx.post(f"{api}/artifacts/filter", json=query).raise_for_status().json()[0]
    view.goto(f"{api.removesuffix('/api')}/artifacts/artifact/{found['id']}", wait_until="domcontentloaded")
    expect(view.get_by_role("link", name="This stage in MLflow")).to_be_visible()
    expect(view.get_by_text("validation loss").first).to_be_visible()
    expect(view.get_by_text(f"{record['training']['num_parameters']:,}")).to_be_visible()


def test_the_runs_link_leads_to_the_version_with_its_alias_and_the_decisions_sentence(
    view: Page, addresses: dict[str, str], record: dict[str, Any]
) -> None:
    view.goto(_link(addresses, record, "version-page"), wait_until="domcontentloaded")
    expect(view.get_by_text(record["decision"]["reason"]).first).to_be_visible()
    expect(view.get_by_text("champion").first).to_be_visible()
    expect(view.get_by_text("Not searched").first).to_be_visible()


def test_the_mlflow_run_leads_back_to_prefect_and_shows_the_datasets_digest(
    view: Page, addresses: dict[str, str], record: dict[str, Any], run_page: str
) -> None:
    view.goto(_link(addresses, record, "mlflow-run"), wait_until="domcontentloaded")
    expect(view.get_by_text("Promoted v1").first).to_be_visible()
    expect(view.get_by_text(f"sample ({_source_digest(addresses, record)})")).to_be_visible()
    with view.expect_popup() as opened:
        view.get_by_role("link", name=record["flow_run_id"]).click()
    expect(opened.value.get_by_text("data-to-model").first).to_be_visible()
    assert opened.value.url.startswith(run_page.partition("/runs/")[0])
    opened.value.close()


def test_a_models_page_says_what_it_is_and_leads_to_the_champion(
    view: Page, addresses: dict[str, str], record: dict[str, Any]
) -> None:
    page = f"{addresses['MLFLOW_TRACKING_URI']}/#/models/{record['model']['name']}?workflowType=machine_learning"
    view.goto(page, wait_until="domcontentloaded")
    expect(view.get_by_text(f"gptmodel rollback {record['model']['name']}")).to_be_visible()
    view.get_by_role("row").filter(has_text="champion").get_by_role("link", name="Version 1").click()
    expect(view.get_by_text("there was no champion when it was registered")).to_be_visible()


@pytest.fixture
def champion(view: Page, addresses: dict[str, str], record: dict[str, Any]) -> Page:
    """The champion's page."""
    view.goto(_link(addresses, record, "version-page"), wait_until="domcontentloaded")
    expect(view.get_by_text("Decision:").first).to_be_visible()
    return view


def test_clicks_lead_from_the_champion_to_its_run_and_its_code(champion: Page, record: dict[str, Any]) -> None:
    commit = read_provenance().commit
    expect(champion.get_by_text(commit).first).to_be_visible()
    champion.get_by_role("link", name=f"smoke {record['model']['name']}: Promoted v1").click()
    expect(champion.get_by_text("data-to-model").first).to_be_visible()
    expect(champion.get_by_text(commit[:7]).first).to_be_visible()


def test_clicks_lead_from_the_champion_to_the_raw_text_with_digest_and_place(
    champion: Page, addresses: dict[str, str], record: dict[str, Any]
) -> None:
    champion.get_by_role("link", name=f"smoke {record['model']['name']}: Promoted v1").click()
    champion.get_by_text(f"sample ({_source_digest(addresses, record)})").click()
    drawer = champion.get_by_role("dialog")
    expect(drawer.get_by_text(_source_digest(addresses, record), exact=True)).to_be_visible()
    expect(drawer.get_by_text("Path: builtin:sample")).to_be_visible()


def test_clicks_lead_from_the_champion_to_what_its_figures_were_measured_on(
    champion: Page, record: dict[str, Any]
) -> None:
    champion.get_by_role("link", name="model", exact=True).click()
    expect(champion.get_by_text("Ready")).to_be_visible()
    for figure, data_set in (("train_loss", "tokens-train"), ("bits_per_byte", "tokens-test")):
        row = champion.get_by_role("row").filter(has_text=figure)
        expect(row.get_by_text(data_set)).to_be_visible()


def test_clicks_lead_from_the_champion_to_the_config(champion: Page) -> None:
    with champion.expect_popup() as opened:
        champion.get_by_role("link", name="config.toml").click()
    expect(opened.value.get_by_text("max_document_chars").first).to_be_visible()
    opened.value.close()


def test_clicks_lead_from_the_champion_to_the_training_and_its_account(champion: Page) -> None:
    with champion.expect_popup() as opened:
        champion.get_by_role("link", name="loss curve").click()
    expect(opened.value.get_by_text("Stage train ran because")).to_be_visible()
    opened.value.get_by_text("Artifacts", exact=True).click()
    opened.value.get_by_text("account.json").first.click()
    expect(opened.value.get_by_text("num_parameters").first).to_be_visible()
    opened.value.close()


@pytest.mark.parametrize("key", ["report", "corpus-report"])
def test_a_report_opens_inside_mlflow(view: Page, addresses: dict[str, str], record: dict[str, Any], key: str) -> None:
    view.goto(_link(addresses, record, key), wait_until="domcontentloaded")
    expect(view.frame_locator("iframe").get_by_text("The funnel")).to_be_visible()


def test_the_quality_gates_decision_leads_to_its_pages_inside_mlflow(
    view: Page, addresses: dict[str, str], record: dict[str, Any]
) -> None:
    query = {
        "artifacts": {"flow_run_id": {"any_": [record["flow_run_id"]]}, "key": {"any_": ["quality-gate-decision"]}}
    }
    found = httpx.post(f"{addresses['PREFECT_API_URL']}/artifacts/filter", json=query).raise_for_status().json()[0]
    links = dict(re.findall(r"^- \[([^\]]+)\]\((http[^)]+)\)$", found["data"], re.MULTILINE))
    assert "Great Expectations on documents" in links
    view.goto(links["All checks"], wait_until="domcontentloaded")
    expect(view.frame_locator("iframe").get_by_text("Quality gate: passed")).to_be_visible()
    expect(view.frame_locator("iframe").get_by_text("no duplicates across splits")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("link", "title"), [("report", "{model} version 1"), ("corpus report", "The corpus")])
def test_a_report_opens_offline(
    pages: BrowserContext, record: dict[str, Any], scheme: Any, link: str, title: str
) -> None:
    page = pages.new_page()
    try:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.emulate_media(color_scheme=scheme)
        page.goto(record["links"][link])
        expect(page.get_by_role("heading", level=1)).to_have_text(title.format(model=record["model"]["name"]))
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        page.close()


def _source_digest(addresses: dict[str, str], record: dict[str, Any]) -> str:
    query = {"run_id": record["mlflow_run_id"]}
    url = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/get"
    inputs = httpx.get(url, params=query).raise_for_status().json()["run"]["inputs"]["dataset_inputs"]
    return next(str(row["dataset"]["digest"]) for row in inputs if row["dataset"]["name"] == "sample")
