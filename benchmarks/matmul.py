"""Measure what this machine multiplies, as a process of its own: FLOP/s by precision, the best of a few products.

python -m benchmarks.matmul NUM_THREADS
"""

import json
import sys

from gptmodel.flops import matmul_rate


def main() -> None:
    """Measure both precisions, or look a known GPU's up."""
    device, num_threads = sys.argv[1], int(sys.argv[2])
    rates = {precision: matmul_rate(device, precision, num_threads) for precision in ("fp32", "bf16")}
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
