"""Commands for the local servers and their deployments."""

import os

from flows import terminal
from flows.commands.base import ConfigOption, JsonOption, app, close_dead_runs, reported
from flows.home import open_home, scrubber_of
from flows.terminal import print_json
from gptmodel.config_file import load_config


@app.command()
@reported
def up(as_json: JsonOption = False) -> None:
    """Start the local Prefect and MLflow servers and a process worker, on loopback."""
    from flows import stack

    home, watch = open_home(), terminal.current()
    addresses = stack.up(home, watch.line)
    close_dead_runs(home)
    watch.line(f"servers  Prefect {addresses.prefect_ui}   MLflow {addresses.mlflow}")
    if as_json:
        print_json({"prefect_url": addresses.prefect_ui, "mlflow_url": addresses.mlflow})


@app.command()
@reported
def down() -> None:
    """Stop exactly what `up` started."""
    from flows import stack

    stopped = stack.down(open_home())
    terminal.current().line(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
@reported
def status(as_json: JsonOption = False) -> None:
    """Show servers, worker and champion, with a hint for what is missing."""
    from flows.health import check

    home = open_home()
    close_dead_runs(home)
    health = check(home)
    for line in health.lines:
        terminal.current().line(line)
    if as_json:
        print_json(health.record)


@app.command()
@reported
def deploy(config: ConfigOption = "tiny") -> None:
    """Create or update the deployment that the dashboard runs."""
    from flows import stack

    resolved = load_config(config)
    home, watch = open_home(), terminal.current()
    scrubber_of(home, resolved.scrubbing)  # a finder that does not hold is told here, not by the first run
    addresses = stack.up(home, watch.line)
    os.environ.update(stack.client_environment(home, addresses))
    from flows.deployments import deploy_all

    for line in deploy_all(resolved, addresses):
        watch.line(line)
