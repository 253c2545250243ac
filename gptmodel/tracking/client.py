"""MLflow's own client for one server: quiet, quick to tell a dead server, its errors made ours."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from gptmodel.mlflow_http import ServerAway, calm_mlflow, ensure_server, explain, not_let_in, server_away

if TYPE_CHECKING:
    import mlflow

T = TypeVar("T")

UPLOAD_PAUSES = (1.0, 5.0, 20.0)  # seconds before a file is sent again

_log = logging.getLogger(__name__)


@contextmanager
def open_client(uri: str) -> "Iterator[mlflow.MlflowClient]":
    """Give a client for one server; what it raises leaves as an error of ours.

    Args:
        uri: Address of the tracking server.

    Raises:
        RegistryError: What was asked for does not exist.
        ServerError: The server does not answer or refuses.
    """
    ensure_server(uri)
    calm_mlflow()
    from mlflow import MlflowClient

    with explained(uri):
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turn what MLflow's client raises into errors of ours.

    Raises:
        RegistryError: What was asked for does not exist.
        ServerError: The server does not answer or refuses.
    """
    import requests
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise explain(uri, error.error_code, str(error.message)) from error
    except requests.RequestException as error:
        status = 0 if error.response is None else error.response.status_code
        raise (not_let_in(uri, status) if status in (401, 403) else server_away(uri, type(error).__name__)) from error


def again(uri: str, action: Callable[[], T]) -> T:
    """Do what may be done twice without harm, such as sending a file, until a server that goes away is back.

    Args:
        uri: Address of the tracking server.
        action: What to do; it leaves the same behind whether it is done once or twice.

    Raises:
        ServerError: The server refuses, or is away still after `UPLOAD_PAUSES`.
    """
    for pause in UPLOAD_PAUSES:
        try:
            with explained(uri):
                return action()
        except ServerAway as error:
            _log.warning("the MLflow server broke off (%s); sending again in %.0f s", error.actual, pause)
            time.sleep(pause)
    with explained(uri):
        return action()
