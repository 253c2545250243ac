"""Measure what this machine multiplies, as a process of its own: FLOP/s by precision, the best of a few products.

python -m benchmarks.matmul NUM_THREADS
"""

import json
import sys

from gptmodel.flops import measured_matmul_rate


def main() -> None:
    """Measure both precisions on the CPU."""
    num_threads = int(sys.argv[1])
    rates = {precision: measured_matmul_rate("cpu", precision, num_threads) for precision in ("fp32", "bf16")}
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
