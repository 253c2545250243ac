"""The set-up that `make run` begins with: its messages, its locks, and when it does something or nothing."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")

# Answers like pip: writes down what it was asked for, and fails where the file `fail` says so.
FAKE_PIP = """
import pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
failing = here / "fail"
if failing.exists() and failing.read_text() in " ".join(sys.argv):
    print("ERROR: No matching distribution found for xxhash==4.1.0")
    sys.exit(1)
"""


def load_setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gptmodel_setup", ROOT / "tools" / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = load_setup()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with this project's locks, where neither a real environment nor a real import is made."""
    for name in ("pyproject.toml", *LOCKS):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "pip.py").write_text(FAKE_PIP)
    monkeypatch.setattr(setup, "IMPORTS", {})
    real_run = subprocess.run

    def run(command: list[str], **options: object) -> object:
        if command[1:3] != ["-m", "venv"]:
            return real_run(command, **options)
        target = Path(command[3])
        (target / "bin").mkdir(parents=True, exist_ok=True)
        (target / "bin" / "python").symlink_to(sys.executable)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(setup.subprocess, "run", run)
    return tmp_path


def make(checkout: Path, dev: bool = False) -> None:
    setup.set_up(checkout, dev, None, False, [sys.executable, str(checkout / "pip.py")])


def locked_pins() -> dict[str, str]:
    pins = [
        line for name in LOCKS for line in (ROOT / name).read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    return {normal(pin.split("==")[0]): pin.split("==")[1].split(" ;")[0] for pin in pins}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 10, 13), (3, 14, 0), (2, 7, 18)])
def test_another_interpreter_is_refused_with_the_way_out(version: tuple[int, ...]) -> None:
    message = setup.interpreter_problem(version)
    found = ".".join(map(str, version))
    assert message == f"Python 3.11 to 3.13 is needed; this is {found}. Try: make run PYTHON=python3.11"


@pytest.mark.parametrize("version", [(3, 11, 2), (3, 12, 0), (3, 13, 9)])
def test_a_fitting_interpreter_is_taken(version: tuple[int, ...]) -> None:
    assert setup.interpreter_problem(version) is None


def test_a_missing_venv_module_names_the_debian_package() -> None:
    assert "apt install python3.11-venv" in setup.venv_problem((3, 11, 2), False)
    assert setup.venv_problem((3, 11, 2), True) is None


def test_a_full_disk_is_refused_before_anything_is_written() -> None:
    assert "0.3 GB are free" in setup.disk_problem(300_000_000)
    assert setup.disk_problem(10**11) is None


def test_the_locks_pin_every_dependency_within_its_bounds() -> None:
    from packaging.requirements import Requirement

    pins = locked_pins()
    declared = PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    for requirement in map(Requirement, declared):
        assert requirement.specifier.contains(pins[normal(requirement.name)]), requirement


def test_the_runtime_lock_alone_pins_what_a_run_needs() -> None:
    from packaging.requirements import Requirement

    text = (ROOT / "requirements.lock").read_text("utf-8")
    names = {normal(line.split("==")[0]) for line in text.splitlines() if not line.startswith("#")}
    assert {normal(Requirement(line).name) for line in PROJECT["dependencies"]} <= names


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_exact_pins_and_neither_hosts_nor_cuda_packages(name: str) -> None:
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*( ; python_version == '3\.1\d'( or .*)?)?", line), line
        assert not line.startswith(("nvidia", "cuda", "triton")), line


def test_torch_is_locked_without_a_local_version() -> None:
    assert "torch==2.13.0" in (ROOT / "requirements.lock").read_text("utf-8").splitlines()


def test_the_first_group_is_part_of_the_lock() -> None:
    assert set(setup.FIRST) <= set(locked_pins())


def test_every_pin_is_installed_by_exactly_one_pip() -> None:
    pins = setup.read_pins(ROOT, True)
    assert sorted(pin for group in setup.divide(pins).values() for pin in group) == sorted(pins)


def test_a_finished_set_up_leaves_nothing_to_do(checkout: Path) -> None:
    make(checkout)
    assert setup.is_ready(checkout / ".venv", checkout, False)
    assert not (checkout / ".venv" / setup.MARKER).exists()


def test_small_packages_come_before_the_large_ones(checkout: Path) -> None:
    make(checkout)
    asked = (checkout / "asked").read_text().splitlines()
    position = {name: index for index, line in enumerate(asked) for name in ("first", "n-z") if f"{name}.txt" in line}
    assert position["first"] < position["n-z"]
    assert asked[-1].endswith(f"-e {checkout}")


def test_an_environment_for_tests_serves_a_run_but_not_the_other_way_round(checkout: Path) -> None:
    make(checkout)
    assert not setup.is_ready(checkout / ".venv", checkout, True)
    make(checkout, dev=True)
    assert setup.is_ready(checkout / ".venv", checkout, False)


def test_another_lock_means_another_set_up(checkout: Path) -> None:
    make(checkout)
    with (checkout / "requirements.lock").open("a") as file:
        file.write("zzz==1.0\n")
    assert not setup.is_ready(checkout / ".venv", checkout, False)


def test_the_tools_settings_are_no_reason_to_install_again(checkout: Path) -> None:
    make(checkout)
    with (checkout / "pyproject.toml").open("a") as file:
        file.write("\n[tool.another]\nkey = 1\n")
    assert setup.is_ready(checkout / ".venv", checkout, False)


def test_an_interrupted_set_up_is_not_taken_for_done_and_starts_over(checkout: Path) -> None:
    (checkout / "fail").write_text("n-z.txt")
    with pytest.raises(setup.SetupError):
        make(checkout)
    half_installed = checkout / ".venv" / "half-installed"
    half_installed.touch()
    assert not setup.is_ready(checkout / ".venv", checkout, False)
    (checkout / "fail").unlink()
    make(checkout)
    assert not half_installed.exists()
    assert setup.is_ready(checkout / ".venv", checkout, False)


def test_a_failing_repair_takes_back_the_earlier_stamp(checkout: Path) -> None:
    make(checkout)
    (checkout / "fail").write_text("torch.txt")
    with pytest.raises(setup.SetupError):
        make(checkout, dev=True)
    assert not setup.is_ready(checkout / ".venv", checkout, False)


def test_a_failing_pip_is_explained_with_its_first_error_and_its_log(checkout: Path) -> None:
    (checkout / "fail").write_text("a-m.txt")
    with pytest.raises(setup.SetupError, match=r"No matching distribution found for xxhash[\s\S]*a-m\.log"):
        make(checkout)


def test_a_silent_index_is_told_with_the_offline_way(checkout: Path) -> None:
    (checkout / "fail").write_text("download")
    with pytest.raises(setup.SetupError, match=r"No package index answers .* 'make setup WHEELS=wheels'"):
        make(checkout)


def test_a_wheel_that_is_missing_offline_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ERROR: No matching distribution found for xxhash==4.1.0\n")
    assert "wheels lacks xxhash==4.1.0" in setup.explain(log, Path("wheels"))


def test_an_environment_of_somebody_elses_making_is_not_removed(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "pyvenv.cfg").write_text("version = 3.9.2\n")
    with pytest.raises(setup.SetupError, match="move it away"):
        make(checkout)
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def test_a_stamp_copied_to_another_folder_does_not_count(checkout: Path) -> None:
    make(checkout)
    stamp = checkout / ".venv" / setup.STAMP
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"root": "/elsewhere"}))
    assert not setup.is_ready(checkout / ".venv", checkout, False)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.7 MB)", "530.7 MB"),
        ("Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (1.1 GB)", "1.1 GB"),
        ("Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)", ""),
        ("Downloading torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)", ""),
    ],
)
def test_the_large_build_of_torch_is_noticed_when_it_begins_to_come(line: str, size: str) -> None:
    assert setup.cuda_wheel_size("Collecting torch==2.13.0\n  " + line + "\n") == size


def test_pip_is_kept_inside_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", "/somewhere")
    environment = setup.quiet_environment(tmp_path)
    assert "PIP_USER" not in environment
    assert "PIP_TARGET" not in environment


@pytest.mark.parametrize(("seconds", "text"), [(58.4, "58 s"), (118, "1 min 58 s"), (120.2, "2 min 0 s")])
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert setup.duration(seconds) == text


def test_an_old_interpreter_prints_the_message_and_no_syntax_error() -> None:
    import ast

    tree = ast.parse((ROOT / "tools" / "setup.py").read_text("utf-8"), feature_version=(3, 6))
    later = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, ast.NamedExpr | ast.Match)]
    assert not later


def test_ci_runs_the_same_command_as_a_person() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert re.search(r"^make test\b", path.read_text("utf-8"), re.MULTILINE)
