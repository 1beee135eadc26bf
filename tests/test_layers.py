"""Data flows one way through Newt: a layer imports from those before it and from no other."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = (
    "version",
    "types",
    "errors",
    "yaml_loader",
    "arguments",
    "files",
    "web",
    "seeds",
    "allocator",
    "threads",
    "interpreter",
    "specs",
    "settings",
    "envs",
    "experts",
    "devices",
    "encoders",
    "replay",
    "demos",
    "model",
    "planner",
    "agents",
    "training",
    "evaluation",
    "reporting",
    "workflows",
    "doctor",
    "bench",
)
"""The parts of ``newt_core``, each of which may import from itself and from those before it.

"""

TORCH_FREE = (
    "version",
    "types",
    "errors",
    "yaml_loader",
    "arguments",
    "files",
    "web",
    "allocator",
    "threads",
    "interpreter",
    "specs",
    "settings",
    "envs",
    "experts",
)
"""What environment workers import: PyTorch would cost each of them 200 MB and two seconds."""

LONGEST_FILE = 300
"""Lines."""
MOST_PARAMETERS = 10
"""Of a function outside the command line's own."""


def core_modules() -> list[tuple[str, Path]]:
    """Return the dotted name and the path of every module in ``newt_core``."""
    found = []
    for path in sorted((ROOT / "newt_core").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(parts).removesuffix(".__init__"), path))
    return found


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    """Return the module and the line of every import in a file, wherever it stands."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides the layer"
            assert node.module is not None
            # `from newt_core import files` names the layer after the import.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found.extend((name, node.lineno) for name in names)
    return found


def layer(module: str) -> str:
    """Return the layer of a dotted name inside ``newt_core``."""
    inner = module.removeprefix("newt_core.")
    fitting = [name for name in LAYERS if f"{inner}.".startswith(f"{name}.")]
    return max(fitting, key=len, default=inner.split(".")[0])


def test_every_part_of_the_core_has_a_place_in_the_order():
    parts = {layer(name) for name, _ in core_modules() if "." in name}
    assert parts <= set(LAYERS)


def test_imports_point_from_later_layers_to_earlier_ones():
    offences = []
    for name, path in core_modules():
        if "." not in name:  # newt_core itself is the face of all layers
            continue
        own = LAYERS.index(layer(name))
        for target, line in imports(path):
            if not target.startswith("newt_core."):
                continue
            if layer(target) in LAYERS and LAYERS.index(layer(target)) > own:
                offences.append(f"{path.relative_to(ROOT)}:{line} imports {target}")
    assert not offences


def test_no_two_modules_need_each_other():
    modules = {name for name, _ in core_modules()}
    needs: dict[str, set[str]] = {}
    for name, path in core_modules():
        # `from newt_core.a import b` names a module, or something in one.
        found = {t if t in modules else t.rpartition(".")[0] for t, _ in imports(path)}
        needs[name] = found & modules - {name, "newt_core"}
    TopologicalSorter(needs).prepare()  # Raises a CycleError that names them.


def defined_in(name: str) -> str:
    """Return what an imported name is called where it is defined, if a package passes it on."""
    package, _, last = name.rpartition(".")
    face = ROOT / package.replace(".", "/") / "__init__.py"
    passed_on = [each for each, _ in imports(face)] if face.exists() else []
    return next((each for each in passed_on if each.rpartition(".")[2] == last), name)


def paths_shown() -> list[list[str]]:
    """Return the chains of files that the architecture's page draws."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.split("## Three paths", 1)[1].split("\n## ", 1)[0]
    return [line.split(" → ") for line in section.splitlines() if line.startswith("newt_")]


def test_what_is_asked_for_goes_down_and_never_back_up():
    chains = paths_shown()
    assert len(chains) >= 12
    for chain in chains:
        modules = [Path(each).with_suffix("").as_posix().replace("/", ".") for each in chain]
        for (path, module), (_, target) in pairwise(zip(chain, modules, strict=True)):
            found = {defined_in(name) for name, _ in imports(ROOT / path)}
            reached = any(f"{place}.".startswith(f"{target}.") for place in found)
            assert reached, f"{path} does not import {target}"
            if module.startswith("newt_core"):
                assert LAYERS.index(layer(module)) >= LAYERS.index(layer(target)), (
                    f"{path} {target}"
                )


def test_the_root_holds_what_every_part_shares_and_nothing_else():
    modules = {path.stem for path in (ROOT / "newt_core").glob("*.py")} - {"__init__"}
    assert modules == {
        "types",
        "errors",
        "yaml_loader",
        "arguments",
        "files",
        "seeds",
        "allocator",
        "threads",
        "interpreter",
        "version",
        "web",
    }


def own_files() -> list[Path]:
    folders = ("newt_core", "newt_cli", "benchmarks", "scripts", "examples")
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_is_longer_than_one_can_read():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in own_files()}
    assert not {str(path): count for path, count in lines.items() if count > LONGEST_FILE}


def test_no_function_takes_more_than_one_can_remember():
    offences = []
    for path in own_files():
        if ROOT / "newt_cli/commands" in path.parents:  # Options are parameters there.
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
            count = len(names) - (names[:1] in (["self"], ["cls"])) + len(node.args.kwonlyargs)
            if count > MOST_PARAMETERS:
                offences.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {count}")
    assert not offences


def test_the_core_does_not_know_the_command_line():
    for _, path in core_modules():
        for target, line in imports(path):
            assert not target.startswith("newt_cli"), f"{path}:{line}"


@pytest.mark.parametrize("package", ["newt_core", "newt_cli", "task_specs"])
def test_no_wildcard_imports(package: str):
    for path in (ROOT / package).rglob("*.py"):
        assert not [name for name, _ in imports(path) if name.endswith(".*")], path


def test_workers_and_the_parser_do_without_torch():
    # Domains import their simulators, some of which bring PyTorch along: they are left out.
    modules = [
        name
        for name, _ in core_modules()
        if "." in name and layer(name) in TORCH_FREE and "domains." not in name
    ]
    modules += ["newt_cli.app", "newt_cli.commands.train", "newt_cli.commands.eval"]
    code = "import sys\n" + "".join(f"import {name}\n" for name in modules)
    code += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "something imports torch"
