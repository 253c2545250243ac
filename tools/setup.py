"""Make .venv/ from the committed lock: `make setup`, and the first line of `make run`, `make test` and `make lint`.

Standard library only. The syntax stays that of Python 3.6, so that an older interpreter prints the message below and
not a syntax error. A stamp inside .venv/, written last, says what was installed: with it a repeat does nothing, and an
interrupted set-up, which left its marker instead, starts over.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, TextIO, Tuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "gptmodel-setup"  # inside .venv/: the stamp, or the marker of an unfinished set-up, and pip's logs
STAMP = FOLDER + "/stamp.json"
MARKER = FOLDER + "/unfinished"
NEEDED_BYTES = 2_500_000_000
CUDA_WHEEL_MB = 400  # torch's CPU wheel is about 200 MB, its CUDA wheel several times that
# What gptmodel.corpus.preview imports: installed first, so that there is something to look at while the rest comes.
FIRST = (
    "annotated-types chardet ftfy google-re2 markdown-it-py mdurl phonenumbers pydantic pydantic-core pygments"
    " python-stdnum regex rich setuptools typing-extensions typing-inspection wcwidth xxhash"
).split()
CPU_HINT = """\
         This index serves torch with CUDA, {size}, and its libraries come on top; no NVIDIA GPU is seen here.
         To take the small CPU build instead: press Ctrl-C, then name PyTorch's CPU wheel index in PIP_EXTRA_INDEX_URL,
         or lay the wheel torch-2.13.0+cpu in a folder and name that in PIP_FIND_LINKS; then the same command again."""


GROUPS = ("first", "torch", "a-m", "n-z")  # the lock, divided among several pips
# Imported once at the end, in two processes: what cannot be imported fails here with a message, and Python compiles
# what a run will load, a fifth of the files. Compiling all of them, as pip does by default, costs a core about 40 s.
IMPORTS = {
    "libraries": "torch._dynamo, datasets, great_expectations, matplotlib.pyplot, pandas, pyarrow.parquet, tokenizers",
    "servers": "mlflow.server, mlflow.pyfunc, prefect.cli, prefect.server.api.server, prefect.workers.process",
}


class SetupError(Exception):
    """Set-up cannot go on; the text is what the person reads, `code` the exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


# ---- before anything is written ----


def interpreter_problem(version: Tuple[Any, ...]) -> Optional[str]:
    """What is wrong with a Python of this version, or None."""
    if (3, 11) <= version[:2] < (3, 14):
        return None
    found = ".".join(str(part) for part in version[:3])
    return "Python 3.11 to 3.13 is needed; this is {}. Try: make run PYTHON=python3.11".format(found)


def venv_problem(version: Tuple[Any, ...], has_ensurepip: bool) -> Optional[str]:
    """What is missing to make a virtual environment, or None. Debian ships ensurepip apart."""
    if has_ensurepip:
        return None
    name = "python{}.{}".format(*version[:2])
    return "{0}'s venv module is not installed. On Debian: apt install {0}-venv".format(name)


def disk_problem(free_bytes: int) -> Optional[str]:
    """What is missing on the disk, or None."""
    if free_bytes >= NEEDED_BYTES:
        return None
    return "The environment needs about {:.1f} GB; {:.1f} GB are free in this folder. Free some and try again".format(
        NEEDED_BYTES / 1e9, free_bytes / 1e9
    )


def check_machine(root: Path) -> None:
    """Refuse early, with one sentence, what cannot work."""
    for problem, code in (
        (interpreter_problem(tuple(sys.version_info)), 2),
        (venv_problem(tuple(sys.version_info), importlib.util.find_spec("ensurepip") is not None), 2),
        (disk_problem(shutil.disk_usage(str(root)).free), 1),
    ):
        if problem:
            raise SetupError(problem, code)


# ---- the stamp ----


def lock_paths(root: Path, dev: bool) -> List[Path]:
    """The lock files that the environment is made from."""
    names = ["requirements.lock"] + (["requirements-dev.lock"] if dev else [])
    return [root / name for name in names]


def digest(root: Path, dev: bool) -> str:
    """Digest of all that decides what is installed: the locks and the packaging tables of pyproject.toml."""
    import tomllib  # here, for an older Python must be able to load this file

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tables = [project["build-system"], project["project"], project.get("tool", {}).get("setuptools", {})]
    text = json.dumps(tables, sort_keys=True)
    for path in lock_paths(root, dev):
        text += path.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_stamp(venv: Path) -> Dict[str, str]:
    """The stamp's content, empty where there is none or it cannot be read."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_ready(venv: Path, root: Path, dev: bool) -> bool:
    """Whether .venv/ already holds what is asked for; one made for tests also serves a run."""
    if (venv / MARKER).exists() or not (venv / "bin" / "python").exists():
        return False
    stamp = read_stamp(venv)
    asked = ["dev"] if dev else ["run", "dev"]
    return stamp.get("root") == str(root) and any(stamp.get(kind) == digest(root, kind == "dev") for kind in asked)


def write_stamp(venv: Path, root: Path, dev: bool) -> None:
    """Say, in one atomic step and last of all, that the environment is complete."""
    stamp = {"root": str(root), "python": python_name(), ("dev" if dev else "run"): digest(root, dev)}
    partial = venv / FOLDER / "stamp.partial"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(stamp, file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(venv / STAMP)
    (venv / MARKER).unlink()


def python_name() -> str:
    """The running interpreter's minor version, such as 3.11."""
    return "{}.{}".format(*sys.version_info[:2])


# ---- the environment ----


def prepare_venv(venv: Path, root: Path) -> None:
    """Leave a virtual environment of this interpreter that carries the marker of an unfinished set-up."""
    stamp = read_stamp(venv)
    if (venv / MARKER).exists():
        say("an earlier set-up did not finish: starting over")
        shutil.rmtree(str(venv))
    elif stamp and (stamp.get("python") != python_name() or stamp.get("root") != str(root)):
        say("the environment was made by another Python or for another folder: making it again")
        shutil.rmtree(str(venv))
    elif venv.exists() and not stamp:
        check_foreign_venv(venv)
    if stamp and venv.exists():
        (venv / STAMP).unlink()
    (venv / FOLDER).mkdir(parents=True, exist_ok=True)
    (venv / MARKER).touch()
    if not (venv / "bin" / "python").exists():
        say("Python {}: making .venv".format(sys.version.split()[0]))
        base = (
            getattr(sys, "_base_executable", None) or sys.executable
        )  # .venv's own python may be the one just removed
        subprocess.run([base, "-m", "venv", str(venv)], check=True)


def check_foreign_venv(venv: Path) -> None:
    """Accept an environment that this file did not make only if it is one of the same Python."""
    config = venv / "pyvenv.cfg"
    text = config.read_text(encoding="utf-8") if config.exists() else ""
    if not re.search(r"^version\w*\s*=\s*{}\b".format(re.escape(python_name())), text, re.MULTILINE):
        raise SetupError(".venv was not made by this set-up, nor by Python {}: move it away".format(python_name()), 2)


def read_pins(root: Path, dev: bool) -> List[str]:
    """The locks' requirement lines."""
    lines = [line for path in lock_paths(root, dev) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def divide(pins: Sequence[str]) -> Dict[str, List[str]]:
    """Pins by the pip that installs them: `first`, `torch` and two halves of the others, to use two cores.

    The halves are cut between two letters, for mlflow's three packages write into one folder and must not race.
    """
    groups = {name: [] for name in GROUPS}  # type: Dict[str, List[str]]
    for pin in pins:
        name = pin.split("==")[0]
        half = "a-m" if name[0] < "n" else "n-z"
        groups["first" if name in FIRST else "torch" if name == "torch" else half].append(pin)
    return groups


def quiet_environment(venv: Path) -> Dict[str, str]:
    """The caller's environment without what would send files elsewhere, ask questions or speak to anybody."""
    dropped = (
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONDONTWRITEBYTECODE",
    )
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    pip = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    silent = {"DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    offline = {"HF_HUB_OFFLINE": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    return dict(kept, PREFECT_HOME=str(venv / FOLDER), **pip, **silent, **offline)


class Installer:
    """pip in one environment: several at once in the background, each with a log, and one progress for all."""

    def __init__(self, venv: Path, wheels: Optional[Path], num_packages: int, pip: Optional[List[str]] = None) -> None:
        self.venv = venv
        self.wheels = wheels
        self.pip = pip or [str(venv / "bin" / "python"), "-m", "pip"]
        self.source = ["--no-index", "--find-links", str(wheels)] if wheels else []
        self.processes = {}  # type: Dict[str, subprocess.Popen[bytes]]
        self.progress = Progress(num_packages)
        self.hinted = False

    def log(self, name: str) -> Path:
        """Where the pip of this name writes."""
        return self.venv / FOLDER / (name + ".log")

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a command in the background, its output in its log."""
        with self.log(name).open("wb") as file:
            self.processes[name] = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, env=quiet_environment(self.venv)
            )

    def install(self, name: str, pins: Sequence[str]) -> None:
        """Start the installation of exactly these pins: the lock is complete, so nothing is resolved."""
        listed = self.venv / FOLDER / (name + ".txt")
        listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
        # Packages that come as source are built with the lock's own setuptools, which is among the first.
        isolation = [] if name == "first" else ["--no-build-isolation"]
        chosen = ["--no-deps", "--no-compile", *isolation, "-r", str(listed)]
        self.start(name, [*self.pip, "install", *chosen, *self.source])

    def install_project(self, root: Path) -> None:
        """Start the installation of the checkout itself, editable.

        With dependencies, held to the lock: all are there but the CUDA libraries, where torch's metadata asks for them.
        """
        chosen = ["--no-build-isolation", "-c", str(root / "requirements.lock"), "-e", str(root)]
        self.start("project", [*self.pip, "install", *chosen, *self.source])

    def import_all(self) -> None:
        """Start importing the large packages, a process for each entry of IMPORTS."""
        self.progress.checking = True
        for name, modules in IMPORTS.items():
            self.start(name, [str(self.venv / "bin" / "python"), "-c", "import " + modules])

    def wait(self, *names: str) -> None:
        """Wait for the named ones, showing progress; raises SetupError as soon as any one fails."""
        while True:
            codes = {name: process.poll() for name, process in self.processes.items()}
            for name in [name for name, code in codes.items() if code]:
                self.progress.clear()
                raise SetupError(explain(self.log(name), self.wheels))
            if all(codes[name] == 0 for name in names):
                self.progress.clear()
                return
            self.hint_at_cpu_build()
            self.progress.show(self.count_fetched(), count_installed(self.venv))
            time.sleep(0.1)

    def count_fetched(self) -> int:
        """Packages that pip has begun with."""
        begun = re.compile(rb"^(Collecting|Processing|Requirement already) ", re.MULTILINE)
        return sum(len(begun.findall(self.log(name).read_bytes())) for name in GROUPS if name in self.processes)

    def hint_at_cpu_build(self) -> None:
        """Say once how to get the small build of torch, where the large one has begun to come and is of no use."""
        if self.hinted or "torch" not in self.processes or shutil.which("nvidia-smi"):
            return
        size = cuda_wheel_size(self.log("torch").read_text(encoding="utf-8", errors="replace"))
        if size:
            self.hinted = True
            self.progress.clear()
            print(CPU_HINT.format(size=size), flush=True)

    def stop(self) -> None:
        """End what still runs."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
                process.wait()


def cuda_wheel_size(log: str) -> str:
    """Size, as pip prints it, of the CUDA wheel of torch that this log says is coming; else empty."""
    match = re.search(r"Downloading \S*torch-[^\s/]+\.whl \(([\d.]+) ?([MG])B\)", log)
    if not match or float(match.group(1)) * (1000 if match.group(2) == "G" else 1) < CUDA_WHEEL_MB:
        return ""
    return "{} {}B".format(match.group(1), match.group(2))


def count_installed(venv: Path) -> int:
    """Packages that lie in the environment, pip and gptmodel aside."""
    names = [path.name for path in venv.glob("lib/python*/site-packages/*.dist-info")]
    return len([name for name in names if not name.startswith(("pip-", "gptmodel-"))])


def explain(log: Path, wheels: Optional[Path]) -> str:
    """One message for a pip that failed."""
    text = log.read_text(encoding="utf-8", errors="replace")
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if wheels and missing:
        return "{} lacks {} for Python {}. Run 'make wheels' with the same Python".format(
            wheels, missing.group(1), python_name()
        )
    if "No space left on device" in text:
        return "The disk is full. Free about {:.1f} GB and run the same command again".format(NEEDED_BYTES / 1e9)
    errors = [line for line in text.splitlines() if re.match(r"(?i)error:|\w+Error\b", line)] or text.splitlines()[-1:]
    reason = re.sub("(?i)^error: ", "", errors[0]) if errors else "no message"
    return "The packages could not be installed: {}\nAll it said: {}. Run the same command again to start over".format(
        reason, log
    )


def check_index(installer: Installer, pin: str) -> None:
    """Fetch one very small package, to tell in ten seconds that no package index answers."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["download", "--quiet", "--no-deps", "--timeout", "10", "--retries", "0", "--dest", folder, pin]
        try:
            command = [*installer.pip, *arguments]
            done = subprocess.run(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=15,
                env=quiet_environment(installer.venv),
            )
        except subprocess.TimeoutExpired:
            pass
        else:
            if done.returncode == 0:
                return
    raise SetupError(
        "No package index answers (10 s). Offline: 'make wheels' on another machine, then 'make setup WHEELS=wheels'"
    )


# ---- what a person sees ----


class Progress:
    """One line that changes on a terminal; a plain line every fifteen seconds elsewhere."""

    def __init__(self, total: int, stream: Optional[TextIO] = None) -> None:
        self.total = total
        self.stream = stream or sys.stdout
        self.checking = False
        self.begin = self.last = time.monotonic()

    def show(self, fetched: int, installed: int) -> None:
        """Show the counts, where it is time to."""
        now = time.monotonic()
        live = self.stream.isatty()
        if not live and now - self.last < 15:
            return
        self.last = now
        text = "fetched {} of {} packages, installed {}".format(min(fetched, self.total), self.total, installed)
        if self.checking:
            text = "{} packages installed; importing the large ones once".format(installed)
        text = "         {:<72} {}".format(text, duration(now - self.begin))
        self.stream.write("\r" + text if live else text + "\n")
        self.stream.flush()

    def clear(self) -> None:
        """Clear the changing line."""
        if self.stream.isatty():
            self.stream.write("\r\033[K")
            self.stream.flush()


def duration(seconds: float) -> str:
    """Seconds as people read them: 58 s, 1 min 58 s."""
    minutes, rest = divmod(round(seconds), 60)
    return "{} min {} s".format(minutes, rest) if minutes else "{} s".format(rest)


def say(text: str, right: str = "") -> None:
    """Print one line in the columns that `gptmodel run` uses too."""
    print("{:<9}{:<73}{}".format("set-up", text, right).rstrip(), flush=True)


def summary(venv: Path) -> str:
    """Python and torch, as installed, without importing torch."""
    text = "Python {}".format(sys.version.split()[0])
    for path in venv.glob("lib/python*/site-packages/torch/version.py"):
        source = path.read_text(encoding="utf-8")
        version = re.search(r"__version__ = '(\d+\.\d+)", source)
        cuda = re.search(r"^cuda\b.*= '([\d.]+)'", source, re.MULTILINE)
        build = "CUDA " + cuda.group(1) if cuda else "CPU"
        text += ", torch {} ({})".format(version.group(1) if version else "?", build)
    return text if python_name() == "3.11" else text + "; tested is Python 3.11 only"


def show_sample(venv: Path, root: Path) -> None:
    """Show data/sample scrubbed, before and after, if the packages for it are there; a failure is no matter."""
    command = [str(venv / "bin" / "python"), "-m", "gptmodel.corpus.preview", "data/sample"]
    with (venv / FOLDER / "preview.log").open("wb") as errors:
        try:
            done = subprocess.run(command, cwd=str(root), stdout=subprocess.PIPE, stderr=errors, timeout=60)
        except subprocess.TimeoutExpired:
            return
    if done.returncode == 0 and done.stdout:
        say("the large packages are coming; meanwhile, data/sample before and after scrubbing:")
        print(done.stdout.decode("utf-8", "replace").rstrip(), flush=True)


# ---- the commands ----


def set_up(root: Path, dev: bool, wheels: Optional[Path], preview: bool, pip: Optional[List[str]] = None) -> None:
    """Make or complete .venv/ and leave the stamp."""
    venv = root / ".venv"
    begin = time.monotonic()
    prepare_venv(venv, root)
    pins = read_pins(root, dev)
    groups = divide(pins)
    installer = Installer(venv, wheels, len(pins), pip)
    if not wheels:
        check_index(installer, pins[0])
    try:
        say("installing {} packages from the lock, about 2 minutes".format(len(pins)))
        installer.install("torch", groups["torch"])
        installer.install("first", groups["first"])
        installer.wait("first")
        installer.install("a-m", groups["a-m"])
        installer.install("n-z", groups["n-z"])
        if preview:
            show_sample(venv, root)
        installer.wait("torch", "a-m", "n-z")
        installer.install_project(root)
        installer.wait("project")
        installer.import_all()
        installer.wait(*IMPORTS)
    finally:
        installer.stop()
    write_stamp(venv, root, dev)
    say(summary(venv), duration(time.monotonic() - begin))


def download(root: Path, target: Path) -> None:
    """Fill a folder with all wheels of both locks, for machines that reach no index."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip", "wheel", "--wheel-dir", str(target)]
        locks = [argument for path in lock_paths(root, True) for argument in ("-r", str(path))]
        constraints = ["-c", str(root / "requirements.lock"), "--find-links", str(target)]
        for arguments in ([*pip, "--no-deps", *locks], [*pip, *constraints, *divide(read_pins(root, False))["torch"]]):
            if subprocess.run(arguments, env=quiet_environment(Path(folder))).returncode:
                raise SetupError("pip could not fetch all wheels (see above). Run 'make wheels' again")
    say("{} wheels in {}".format(len(list(target.glob("*.whl"))), target))


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line asks."""
    check_machine(ROOT)
    if arguments.download:
        download(ROOT, Path(arguments.download))
        return
    wheels = Path(arguments.wheels).resolve() if arguments.wheels else None
    if wheels and not wheels.is_dir():
        raise SetupError("WHEELS names no folder: {}".format(wheels), 2)
    with (ROOT / "pyproject.toml").open("rb") as held:  # two set-ups at once would write into each other
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up of this folder is under way: waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        if is_ready(ROOT / ".venv", ROOT, arguments.dev):
            say(summary(ROOT / ".venv"), "ready")
        else:
            set_up(ROOT, arguments.dev, wheels, arguments.preview)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="also what tests and lint need")
    parser.add_argument("--preview", action="store_true", help="show data/sample scrubbed while the rest installs")
    parser.add_argument("--wheels", metavar="DIR", help="install from this folder alone, offline")
    parser.add_argument("--download", metavar="DIR", help="download all wheels into this folder, install nothing")
    for ending in (signal.SIGTERM, signal.SIGHUP):  # like Ctrl-C, so that no pip outlives this
        signal.signal(ending, signal.default_int_handler)
    try:
        run(parser.parse_args(argv))
    except SetupError as error:
        print(error, file=sys.stderr)
        return error.code
    except subprocess.CalledProcessError as error:
        print("This command failed: {}".format(" ".join(map(str, error.cmd))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up stopped; the same command starts it over.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
