"""Run nanoGPT's bench.py from its checkout on random data, and say its speed and the memory that it took of the GPU.

    python -m benchmarks.peer_bench CHECKOUT

The last line is one JSON object.
"""

import contextlib
import io
import json
import os
import runpy
import sys

from benchmarks.gpu_speed import BATCH_SIZE, CONTEXT_LENGTH, speed_told


def main() -> None:
    """Run it once."""
    import torch

    # It reads configurator.py from the working directory and imports model.py from beside itself.
    os.chdir(sys.argv[1])
    sys.path.insert(0, os.getcwd())
    sys.argv = ["bench.py", "--real_data=False", f"--batch_size={BATCH_SIZE}", f"--block_size={CONTEXT_LENGTH}"]
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        runpy.run_path("bench.py", run_name="__main__")
    speed = speed_told(written.getvalue(), BATCH_SIZE * CONTEXT_LENGTH)
    print(json.dumps({"tokens_per_second": speed, "peak_device_bytes": torch.cuda.max_memory_allocated()}))


if __name__ == "__main__":
    main()
