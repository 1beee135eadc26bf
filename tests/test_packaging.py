"""What `pip install .` installs: the wheel has all it needs, and names what it depends on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("newt_cli", "newt_core", "task_specs")
DATA = {".yaml", ".xml", ".json", ".j2", ".txt", ".safetensors"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `pip install .` does, but with the tools that lie in this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--quiet", *offline, "--wheel-dir", folder],
        cwd=ROOT,
        check=True,
    )
    (built,) = folder.glob("newt-*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Return the paths of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_every_data_file_is_in_the_wheel(names):
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in DATA | {".py", ".typed"}:
                assert path.relative_to(ROOT).as_posix() in names


def test_specs_and_presets_are_in_the_wheel(names):
    assert "task_specs/dmcontrol.yaml" in names
    assert {f"newt_core/training/presets/{name}.yaml" for name in ("paper", "cpu")} <= names


def test_the_reference_behind_the_benchmarks_is_there_as_files(wheel, names):
    link = ROOT / "newt_core/bench/reference"
    assert link.is_symlink(), "the reference is written once, in tests/reference"
    sources = sorted((ROOT / "tests/reference").glob("*.py"))
    assert sources
    with zipfile.ZipFile(wheel) as archive:
        for source in sources:
            name = f"newt_core/bench/reference/{source.name}"
            assert archive.read(name) == source.read_bytes()
            assert archive.getinfo(name).external_attr >> 28 != 0o12, "a link, not a file"


def test_nothing_else_is_in_the_wheel(names):
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in names if "__pycache__" in name]


def run_from(wheel: Path, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process that finds Newt in the wheel and nowhere else."""
    path = f"sys.path[:] = [{str(wheel)!r}, *(p for p in sys.path if p != {str(ROOT)!r})]"
    return subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; {path}\n{code}"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_the_wheel_works_without_the_tree(wheel, tmp_path):
    code = (
        "from newt_core.training.config import resolve_config; resolve_config('cpu')\n"
        "from newt_cli.app import main; sys.exit(main(['tasks', 'show', 'walker-run']))"
    )
    done = run_from(wheel, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "walker-run" in done.stdout


def test_the_reference_stands_on_its_own_in_the_wheel(wheel, tmp_path):
    modules = [path.stem for path in (ROOT / "tests/reference").glob("[!_]*.py")]
    code = "\n".join(f"import newt_core.bench.reference.{module}" for module in modules)
    done = run_from(wheel, code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_command_is_an_entry_point(wheel, names):
    (name,) = (name for name in names if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(name).decode()
    assert "newt = newt_cli.__main__:main" in text


def test_every_package_that_is_imported_is_declared():
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    declared = {normal(line) for line in [*PROJECT["dependencies"], *extras]}
    providers = packages_distributions()
    for path, module in imported_modules():
        if module in sys.stdlib_module_names or module in PACKAGES:
            continue
        # What is not installed here, such as wandb, is looked for under its own name.
        candidates = {normal(name) for name in providers.get(module, [module])}
        assert candidates & declared, f"{path} imports {module}, which pyproject.toml does not name"


def normal(requirement: str) -> str:
    """Return the name in a requirement, in PyPI's normal form."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def imported_modules() -> Iterator[tuple[Path, str]]:
    """Yield the file and the top-level name of every absolute import in the packages."""
    for folder in (*PACKAGES, "scripts", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name.split(".")[0]) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield path, node.module.split(".")[0]
