import httpx
import pytest

from gptmodel.errors import ServerError
from gptmodel.registry import champion_of, logged_model_of, read_champions, run_page, version_page


def test_a_version_page_link_is_the_uis_own_route() -> None:
    assert (
        version_page("http://h:1/", "house-style", 3)
        == "http://h:1/#/models/house-style/versions/3?workflowType=machine_learning"
    )


def test_a_run_page_link_is_the_uis_own_route() -> None:
    assert run_page("http://h:1", "7", "abc") == "http://h:1/#/experiments/7/runs/abc?workflowType=machine_learning"


def test_an_artifact_page_link_leads_into_its_run() -> None:
    page = run_page("http://h:1", "7", "abc", "report.html")
    assert page == "http://h:1/#/experiments/7/runs/abc/artifacts/report.html?workflowType=machine_learning"


@pytest.mark.parametrize(
    "page",
    [
        version_page("http://ada:pa%40ss@h:1/", "gpt", 3),  # pragma: allowlist secret
        run_page("http://ada:p@h:1", "7", "a"),
    ],
)
def test_a_link_never_shows_user_and_password(page: str) -> None:
    assert page.startswith("http://h:1/#/")


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "databricks", "", "/some/folder", "http://"])
def test_an_address_that_is_no_http_server_is_explained(uri: str) -> None:
    with pytest.raises(ServerError, match="http://HOST:PORT"):
        champion_of(uri, "gpt")


@pytest.mark.parametrize(
    ("source", "model_id"), [("models:/m-1f", "m-1f"), ("models:/gpt/1", None), ("s3://b/m-1", None)]
)
def test_the_logged_model_is_read_from_a_versions_source(source: str, model_id: str | None) -> None:
    assert logged_model_of(source) == model_id


def test_the_champions_of_all_pages_of_models_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if request.url.path.endswith("/search"):
            pages = {"": {"registered_models": [{"name": "house"}], "next_page_token": "2"},
                     "2": {"registered_models": [{"name": "gpt"}]}}  # fmt: skip
            return httpx.Response(200, json=pages[query["page_token"]])
        if query["name"] == "house":
            return httpx.Response(200, json={"model_version": {"name": "house", "version": "3"}})
        return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: client(**options, transport=httpx.MockTransport(reply)))
    found = read_champions("http://h")
    assert [(name, version and version.uri) for name, version in found.items()] == [
        ("gpt", None), ("house", "models:/house/3"),
    ]  # fmt: skip
