"""Renew requirements.lock and requirements-dev.lock from pyproject.toml: `make lock`.

uv resolves once for each supported Python on Linux; pip installs the result. Pins already in the locks are kept where
they still fit; delete a line to let it move. Called by whoever changes a dependency, never by the set-up.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
PYTHONS = ("3.11", "3.12", "3.13")
# torch's own metadata pulls these where the index serves its CUDA build; pinned, they would come with a CPU wheel too.
CUDA = re.compile(r"^(nvidia-|cuda-|triton\b)")
HEADER = """\
# {what}, for Python 3.11 (tested), 3.12 and 3.13 (by the markers, untested) on Linux.
# Installed by pip: `make setup`. Renewed by `make lock`; the reasons for the pins stand in pyproject.toml.
"""
TORCH_NOTE = """\
# torch has no local version (+cpu, +cu130): the index, or the wheel at hand, decides which build is installed. The
# nvidia-*, cuda-* and triton packages are left out on purpose: a CPU wheel needs none of them, and a CUDA wheel's own
# metadata pulls them.
"""


def resolve(uv: Path, python: str, extras: list[str], kept: str) -> list[str]:
    """Resolve pyproject.toml with the named extras for one Python; returns lines `name==version`."""
    command = [str(uv), "pip", "compile", str(ROOT / "pyproject.toml"), "--python-version", python, "--quiet"]
    command += ["--python-platform", "linux", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--no-emit-find-links", *(argument for extra in extras for argument in ("--extra", extra))]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        output.write_text(kept, encoding="utf-8")  # uv prefers the versions it finds in its output file
        subprocess.run([*command, "--output-file", str(output)], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        lines = output.read_text(encoding="utf-8").splitlines()
    return [line.split("+")[0] for line in lines if line and not CUDA.match(line)]


def merge(pins_by_python: dict[str, list[str]]) -> list[str]:
    """One sorted list: a pin that every Python has stands alone, another gets a marker for each Python that has it."""
    lines = []
    for pin in sorted({pin for pins in pins_by_python.values() for pin in pins}):
        having = [python for python, pins in pins_by_python.items() if pin in pins]
        markers = " or ".join(f"python_version == '{python}'" for python in having)
        lines.append(pin if len(having) == len(pins_by_python) else f"{pin} ; {markers}")
    return lines


def write(path: Path, header: str, lines: list[str]) -> None:
    """Write one lock file."""
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines)} packages")


def main() -> int:
    """Write both locks; returns the exit code."""
    runtime_path, dev_path = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
    kept = "\n".join(
        line.split(" ;")[0]
        for path in (runtime_path, dev_path)
        if path.exists()
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    extras = list(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", UV], check=True)
        uv = Path(folder) / "bin" / "uv"
        everything = merge({python: resolve(uv, python, extras, kept) for python in PYTHONS})
        runtime = merge({python: resolve(uv, python, [], "\n".join(everything)) for python in PYTHONS})
    if moved := sorted(set(runtime) - set(everything)):
        print(f"These resolve differently with the extras: {', '.join(moved)}", file=sys.stderr)
        return 1
    write(runtime_path, HEADER.format(what="Everything `make run` needs") + TORCH_NOTE, runtime)
    added = [line for line in everything if line not in runtime]
    write(dev_path, HEADER.format(what="What tests and lint need beside requirements.lock"), added)
    return 0


if __name__ == "__main__":
    sys.exit(main())
