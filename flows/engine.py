"""Where the corpus is worked on: threads or processes of this machine, or a Dask cluster.

The library hands over a function and the shards to apply it to, and never learns where that happens; results come back
in the shards' order, so that no choice made here shows in an output. Run opens one engine and closes it at its end.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, TypeVar

from gptmodel.config import EngineConfig
from gptmodel.errors import ConfigError, GPTModelError
from gptmodel.parts import in_turn

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine:
    """Applies functions to shards; it starts its workers when they are first needed.

    Args:
        config: Which workers, how many, and where.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._stack = ExitStack()
        self._submit: Callable[..., Any] | None = None

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
        """Apply a function to each item; see `gptmodel.parts.Mapper`.

        Raises:
            GPTModelError: A worker process died.
        """
        if self._config.name != "dask" and (len(items) < 2 or self._num_workers() == 1):
            return in_turn(function, items)
        return self._mapped(function, items)

    def close(self) -> None:
        """End the workers; what they have not begun is dropped."""
        self._stack.close()
        self._submit = None

    def _mapped(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        submit = self._submit = self._submit or self._start()
        futures: list[Future[Result]] = [submit(function, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        except BrokenProcessPool as error:
            raise GPTModelError(
                expected="the worker processes to stay alive",
                actual="one that was ended from outside, most often because memory ran out",
                mend=f"Type the same command again with fewer: --set engine.workers={max(1, self._num_workers() // 2)}",
            ) from error
        finally:
            for future in futures:
                future.cancel()

    def _num_workers(self) -> int:
        return self._config.workers or len(os.sched_getaffinity(0))

    def _start(self) -> Callable[..., Any]:
        if self._config.name == "dask":
            return self._start_dask()
        executor: Executor
        if self._config.name == "threads":
            executor = ThreadPoolExecutor(self._num_workers())
        else:
            # Not forked: this process has threads of Prefect's, whose locks a fork would copy as they are.
            context = multiprocessing.get_context("spawn")
            executor = ProcessPoolExecutor(self._num_workers(), context, _end_with_parent, (os.getpid(),))
        self._stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        return executor.submit

    def _start_dask(self) -> Callable[..., Any]:
        check_engine(self._config)
        from prefect_dask import DaskTaskRunner

        address = self._config.address
        local = {"n_workers": self._num_workers(), "threads_per_worker": 1, "host": "127.0.0.1",
                 "dashboard_address": None}  # fmt: skip
        runner = DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=local)
        client = self._stack.enter_context(runner).client
        # Not pure: the same function and shard may have to be computed again in one run.
        return lambda function, item: client.submit(function, item, pure=False)


def check_engine(config: EngineConfig) -> None:
    """Make sure that an engine's packages are installed.

    Raises:
        ConfigError: They are not.
    """
    if config.name == "dask" and find_spec("prefect_dask") is None:
        raise ConfigError(
            expected="the extra `dask` for engine.name = dask",
            actual="prefect-dask is not installed",
            mend="pip install 'gptmodel[dask]', or set engine.name to processes.",
        )


def _end_with_parent(parent: int) -> None:
    """Let a worker end when the process that started it is gone, however it went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
