"""The review sheet as a person uses it in Chromium: read, tick, save, hand in."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed (make setup does it with --dev)")
from playwright.sync_api import Browser, Page, expect

from gptmodel.review import Review, Sheet, make_sheet, take_result
from tests.e2e.screenshots import CHROMIUM, open_browser
from tests.unit.test_review import OUTPUT, scrubbed

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def made(tmp_path: Path) -> tuple[Sheet, Path]:
    return make_sheet(tmp_path / "reviews", OUTPUT, scrubbed(tmp_path), size=12)


def open_sheet(window: Browser, page: Path, width: int = 1400, scheme: str = "light") -> Page:
    context = window.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.goto(page.as_uri())
    return opened


def save(view: Page, folder: Path) -> Path:
    with view.expect_download() as download:
        view.get_by_role("button", name="Save result").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_what_was_ticked_comes_back_as_evidence(window: Browser, made: tuple[Sheet, Path], tmp_path: Path) -> None:
    sheet, page = made
    view = open_sheet(window, page)
    expect(view.get_by_role("button", name="Save result")).to_be_disabled()
    passage = view.locator("#p3")
    passage.get_by_role("checkbox").check()
    passage.get_by_role("combobox").select_option("PERSON")
    view.locator("#p10").get_by_role("button").click()
    view.get_by_label("who read it").fill("A. R.")
    expect(view.locator("#state")).to_have_text("read 10 of 12, missed in 1")
    saved = save(view, tmp_path)
    assert json.loads(saved.read_text()) == {
        "sheet": sheet.id, "num_read": 10, "missed": [{"passage": 3, "kind": "PERSON"}], "reviewer": "A. R.",
    }  # fmt: skip
    review: Review = take_result(tmp_path / "reviews", saved)
    assert (review.num_missed, review.num_read, review.missed) == (1, 10, (sheet.places[2],))


def test_ticks_outlive_the_page_and_can_be_taken_back(window: Browser, made: tuple[Sheet, Path]) -> None:
    view = open_sheet(window, made[1])
    view.locator("#p2").get_by_role("checkbox").check()
    view.reload()
    expect(view.locator("#p2").get_by_role("checkbox")).to_be_checked()
    view.locator("#p2").get_by_role("checkbox").uncheck()
    expect(view.locator("#state")).to_have_text("read 2 of 12, missed in 0")


def test_the_text_runs_nothing_and_the_page_loads_nothing(window: Browser, tmp_path: Path) -> None:
    hostile = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\"> " * 4
    _, page = make_sheet(tmp_path / "reviews", OUTPUT, scrubbed(tmp_path, hostile), size=12)
    context = window.new_context()
    view, asked = context.new_page(), list[str]()
    view.on("request", lambda request: asked.append(request.url))
    view.goto(page.as_uri())
    assert (view.title(), asked) == ("Was anything missed?", [page.as_uri()])


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_the_sheet_fits_the_window(window: Browser, made: tuple[Sheet, Path], width: int, scheme: str) -> None:
    view = open_sheet(window, made[1], width, scheme)
    view.locator("#p2").get_by_role("checkbox").check()
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("GPTMODEL_SCREENSHOTS"):
        view.screenshot(path=Path(folder) / f"review-{width}-{scheme}.png")
