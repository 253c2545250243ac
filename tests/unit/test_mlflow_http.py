import os

import httpx
import pytest

from gptmodel import mlflow_http
from gptmodel.errors import GPTModelError, RegistryError, ServerError
from gptmodel.mlflow_http import ServerAway, calm_mlflow, explain, shown


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response) -> list[httpx.Request]:
    """Let every request get this answer; return the list the requests are put into."""
    seen: list[httpx.Request] = []
    client = httpx.Client

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    monkeypatch.setattr(httpx, "Client", lambda **options: client(**options, transport=httpx.MockTransport(reply)))
    return seen


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("https://user:secret@host:5000/x") == "https://host:5000/x"  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("RESOURCE_DOES_NOT_EXIST", "Run with id=1 not found", RegistryError),
        ("INTERNAL_ERROR", "API request to http://h/x failed with exception refused", ServerAway),
        ("INTERNAL_ERROR", "API request to http://h/x failed with timeout exception late", ServerAway),
        ("INVALID_PARAMETER_VALUE", "Invalid value", ServerError),
    ],
)
def test_an_error_of_mlflows_client_becomes_one_of_ours(code: str, message: str, kind: type[GPTModelError]) -> None:
    assert type(explain("http://h", code, message)) is kind


@pytest.mark.parametrize("status", [401, 403])
def test_an_answer_to_mlflows_client_that_lets_nobody_in_names_the_variables(status: int) -> None:
    error = explain("http://h", "INTERNAL_ERROR", f"API request to endpoint /x failed with error code {status} != 200")
    assert (type(error), error.actual) == (ServerError, f"HTTP {status}")
    assert "MLFLOW_TRACKING_PASSWORD" in error.mend


def test_a_server_that_goes_away_in_the_middle_gets_the_mend() -> None:
    error = explain("http://u:secret@h", "INTERNAL_ERROR", "API request to http://h/x failed with exception refused")
    assert "gptmodel up" in error.mend
    assert "secret" not in str(error)


def test_settings_of_the_user_win_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "9")
    calm_mlflow()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "9"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {}, ServerError, "MLFLOW_TRACKING_USERNAME"),
        (403, {}, ServerError, "MLFLOW_SERVER_ALLOWED_HOSTS"),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, RegistryError, "gptmodel status"),
        (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias champion not found."},
         RegistryError, "gptmodel status"),
        (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid name"}, ServerError, "server's log"),
        (404, None, ServerError, "gptmodel up"),
        (200, None, ServerError, "gptmodel up"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_the_one_asked_for_is_explained(
    monkeypatch: pytest.MonkeyPatch, status: int, body: dict[str, str] | None, kind: type[GPTModelError], words: str
) -> None:
    answer_with(
        monkeypatch, httpx.Response(status, text="<html>") if body is None else httpx.Response(status, json=body)
    )
    with pytest.raises(kind, match=words):
        mlflow_http.call("http://h", "GET", "runs/get", {"run_id": "1"})


def test_user_and_password_of_the_environment_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pass")
    seen = answer_with(monkeypatch, httpx.Response(200, json={}))
    mlflow_http.call("http://h", "GET", "runs/get", {})
    assert seen[0].headers["authorization"] == "Basic YWRhOnBhc3M="


def test_an_answer_without_health_page_counts_as_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, httpx.Response(404))
    mlflow_http.ensure_server("http://h")
