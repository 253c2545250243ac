"""Deployments: the flow as the dashboard's Run button starts it, on the worker of this home."""

import os.path
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.schedules import Cron

from flows.stack import WORK_POOL, Addresses
from gptmodel.config import Config
from gptmodel.corpus.sources.locations import is_local
from gptmodel.corpus.sources.remote import refuse_secrets

NAME = "data-to-model"
_DESCRIPTION = """Turns the text of the chosen preset into a registered GPT; what is finished is not computed again.

* **Promoted v4**: the new version is the champion. **Kept v3**: it was not better, the champion stays.
* **Blocked: quality**, **Blocked: privacy**: a gate said no; its sentence is among the artifacts.
* **Suspended**: a person is asked whether a better version may be promoted; *Resume* on the run's page shows the form.
* **Unchanged v4**: nothing was new. **Late**: no worker is alive; on the machine: `gptmodel up`.
"""


def deploy_all(config: Config, addresses: Addresses) -> list[str]:
    """Create or update the deployment of this config; return lines that say where it is."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
        except ObjectAlreadyExists:
            pass
    remote: Any = flow.from_source(
        source=str(Path(__file__).resolve().parent.parent), entrypoint="flows/pipeline.py:data_to_model"
    )
    cron = config.schedule.cron
    identity = remote.deploy(
        name=NAME, work_pool_name=WORK_POOL, description=_DESCRIPTION, print_next_steps=False,
        parameters=parameters_of(config), schedules=[Cron(cron)] if cron else [],
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
    )  # fmt: skip
    when = f"on schedule {cron}" if cron else "by hand"
    return [f"Deployed {NAME}/{NAME}, {when}: {addresses.prefect_ui}/deployments/deployment/{identity}"]


def parameters_of(config: Config) -> dict[str, Any]:
    """Give the flow's parameters, with paths that hold in the worker's working directory too."""
    tree = config.model_dump(mode="json")
    for source in tree["corpus"]["sources"]:
        source["path"] = _absolute(source["path"])
    return {"preset": config.preset, "config": tree}


def _absolute(path: str) -> str:
    if "://" in path:
        refuse_secrets(path)  # the server would store it
    return os.path.abspath(os.path.expanduser(path)) if is_local(path) else path
