"""From a model URI to a verified model folder, over plain HTTP.

`generate`, `evaluate` and `audit` come here with `models:/gpt@champion`, `models:/gpt/3`, `runs:/ID/model` or a folder.
A download is kept by the digest of its contents and checked against it on every use; a changed file is refused. The
registry keeps each model's digest too, away from its files, so that files and digests changed together are refused.
"""

import contextlib
import fcntl
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx

from gptmodel.bundle import DIGESTS, read_digests, verify_bundle
from gptmodel.errors import RegistryError
from gptmodel.mlflow_http import PAUSES, Missing, call, open_http, reason_of, server_away
from gptmodel.registry import BUNDLE_TAG, MODEL_PATH, Version, find_version, find_version_by_alias, unknown
from gptmodel.store import full_disk_explained

_MODEL_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))")
_STALE_SECONDS = 86_400.0  # a partial download that has not grown for a day belongs to nobody any more
_RUN_URI = re.compile(r"runs:/(?P<run_id>[0-9a-f]{32})(?:/(?P<path>.+))?")


def resolve_model(uri: str, model_uri: str, cache_dir: Path) -> Path:
    """Give a verified model folder for a model URI, downloading it once.

    Args:
        uri: Address of the tracking server; not spoken to for a folder.
        model_uri: `models:/NAME@ALIAS`, `models:/NAME/3`, `runs:/ID/PATH`, or a folder.
        cache_dir: Where downloads are kept, by digest.

    Raises:
        RegistryError: The URI names nothing, or a file differs from its digest.
        ServerError: The server does not answer.
    """
    if model_uri.startswith("models:"):
        return _registered_folder(uri, model_uri, cache_dir)
    if model_uri.startswith("runs:"):
        return _run_folder(uri, model_uri, cache_dir)
    return _local_folder(Path(model_uri).expanduser())


def _local_folder(folder: Path) -> Path:
    inner = folder / MODEL_PATH  # a version's artifacts, downloaded by MLflow's own tools
    folder = inner if (inner / DIGESTS).is_file() else folder
    if not folder.is_dir():
        raise RegistryError(
            expected="a model folder or a URI such as models:/gpt@champion",
            actual=f"{str(folder)!r}, which does not exist",
            mend="Check the spelling; `gptmodel status` names the champion.",
        )
    verify_bundle(folder)
    return folder


def registered_version(uri: str, model_uri: str) -> Version:
    """Give the version that a `models:/` URI names, in one request.

    Raises:
        RegistryError: The URI names nothing, or is not one.
        ServerError: The server does not answer.
    """
    match = _MODEL_URI.fullmatch(model_uri)
    if match is None:
        raise unknown(model_uri, "a URI of the form models:/NAME@ALIAS or models:/NAME/NUMBER")
    name, alias, number = match["name"], match["alias"], match["version"]
    found = find_version_by_alias(uri, name, alias) if alias else find_version(uri, name, int(number))
    if found is None:
        raise unknown(model_uri)
    return found


def _registered_folder(uri: str, model_uri: str, cache_dir: Path) -> Path:
    found = registered_version(uri, model_uri)
    source = {"name": found.name, "version": str(found.version)}
    return _fetch(
        uri, "/model-versions/get-artifact", source, MODEL_PATH, cache_dir, model_uri, found.tags.get(BUNDLE_TAG)
    )


def _run_folder(uri: str, model_uri: str, cache_dir: Path) -> Path:
    match = _RUN_URI.fullmatch(model_uri)
    if match is None:
        raise unknown(model_uri, "a URI of the form runs:/RUN_ID/PATH")
    run_id, path = match["run_id"], match["path"] or "model"
    try:
        run = call(uri, "GET", "runs/get", {"run_id": run_id})["run"]
    except Missing as error:
        raise unknown(model_uri) from error
    model = _logged_model_of(uri, run, path)
    if model is None:
        return _fetch(uri, "/get-artifact", {"run_uuid": run_id}, path, cache_dir, model_uri)
    tags = {tag["key"]: tag.get("value") for tag in model.get("tags", [])}
    route = f"/ajax-api/2.0/mlflow/logged-models/{model['model_id']}/artifacts/files"
    return _fetch(uri, route, {}, MODEL_PATH, cache_dir, model_uri, tags.get(BUNDLE_TAG))


def _logged_model_of(uri: str, run: dict[str, Any], name: str) -> dict[str, Any] | None:
    # A logged model lies outside its run's artifacts; runs:/ID/NAME finds it among the run's outputs.
    for output in run.get("outputs", {}).get("model_outputs", []):
        info: dict[str, Any] = call(uri, "GET", f"logged-models/{output['model_id']}", {})["model"]["info"]
        if info["name"] == name:
            return info
    return None


def _fetch(
    uri: str, route: str, query: dict[str, str], path: str, cache_dir: Path, model_uri: str, digest: str | None = None
) -> Path:
    cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_stale(cache_dir)
    partial = cache_dir / f".{os.getpid()}.{time.monotonic_ns()}.partial"
    partial.mkdir(mode=0o700)
    key = "artifact_file_path" if route.startswith("/ajax-api") else "path"
    try:
        with full_disk_explained(cache_dir), open_http(uri, timeout=httpx.Timeout(60.0, connect=3.0)) as http:
            _download(http, route, {**query, key: f"{path}/{DIGESTS}"}, partial / DIGESTS, model_uri)
            bundle = read_digests(partial / DIGESTS)
            _refuse_other_digest(digest, bundle.digest, model_uri)
            target = cache_dir / bundle.digest[:32]
            if not _is_whole(target, bundle.digest):
                for name in bundle.files:
                    _download(http, route, {**query, key: f"{path}/{name}"}, partial / name, model_uri)
                verify_bundle(partial)
                _put(partial, target, bundle.digest)
        return target
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_stale(cache_dir: Path) -> None:
    """Remove what killed downloads left; one that still goes on writes to its folder."""
    for partial in cache_dir.glob(".*.partial"):
        with contextlib.suppress(OSError):  # another process removed it
            newest = max(path.stat().st_mtime for path in (partial, *partial.iterdir()))
            if time.time() - newest > _STALE_SECONDS:
                shutil.rmtree(partial, ignore_errors=True)


def _put(partial: Path, target: Path, digest: str) -> None:
    """Give a whole download its place, unless another process, which may have its reader, was first."""
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # until it is closed
        if not _is_whole(target, digest):
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
    finally:
        os.close(folder)


def _is_whole(folder: Path, digest: str) -> bool:
    try:
        return verify_bundle(folder).digest == digest
    except RegistryError:
        return False


def _refuse_other_digest(expected: str | None, actual: str, model_uri: str) -> None:
    if expected is not None and expected != actual:
        raise RegistryError(
            expected=f"the files of {model_uri} as registered (digest {expected[:12]})",
            actual=f"files with digest {actual[:12]}",
            mend="Somebody changed the artifacts on the server: don't use this version, register it again.",
        )


def _download(http: httpx.Client, route: str, query: dict[str, str], target: Path, model_uri: str) -> None:
    for pause in (*PAUSES, None):
        try:
            with http.stream("GET", route, params=query) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise unknown(model_uri, f"{query.get('path') or query['artifact_file_path']} among its files")
                with target.open("wb") as file:
                    for block in answer.iter_bytes(1 << 20):
                        file.write(block)
            return
        except httpx.HTTPError as error:
            if pause is None:
                raise server_away(str(http.base_url), reason_of(error)) from error
            time.sleep(pause)
