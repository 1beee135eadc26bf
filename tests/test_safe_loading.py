"""No file that Newt reads can run code: what its readers are asked, everywhere in the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("newt_core", "newt_cli", "scripts", "examples", "benchmarks")

ASKED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
"""Reader → the keyword that it must be given, as it stands there."""
RUN_CODE = {
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "torch.jit.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "joblib.load",
    "shelve.open",
    "marshal.loads",
    "eval",
    "exec",
}
SUSPICIOUS = re.compile(r"load|pickle|shelve|exec\(|eval\(")
"""Files without any of this are not parsed, which takes time."""
BETWEEN_PROCESSES = {"newt_core/envs/pool/messages.py", "newt_core/workflows/own_process.py"}
"""Here a pickle comes from a process that the reader itself has started, and from no file."""


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the dotted name of every call, with its abbreviations written out as we write them."""
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("torch", "numpy", "pickle", "yaml")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = ast.unparse(node.func)
            yield imported.get(name, name).replace("numpy.", "np."), node


def problems(source: str, place: str) -> Iterator[str]:
    for name, call in calls(source):
        where = f"{place}:{call.lineno}: {name}"
        if name in RUN_CODE and place not in BETWEEN_PROCESSES:
            yield f"{where} runs what it reads"
        if name in ASKED:
            keyword, value = ASKED[name]
            given = {each.arg: ast.unparse(each.value) for each in call.keywords}
            if given.get(keyword) != str(value):
                yield f"{where} needs {keyword}={value}"


def test_files_are_read_by_readers_that_run_nothing():
    found: list[str] = []
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if SUSPICIOUS.search(source):
                found += problems(source, path.relative_to(ROOT).as_posix())
    assert found == []
    checked = (ROOT / "newt_core/training/checkpoint.py").read_text(encoding="utf-8")
    assert SUSPICIOUS.search(checked)
    assert any(name == "torch.load" for name, _ in calls(checked))


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load('a.pt')",
        "import torch\ntorch.load('a.pt', weights_only=False)",
        "import torch\ntorch.load('a.pt', weights_only=safe)",
        "from torch import load as read\nread('a.pt')",
        "import numpy as np\nnp.load('a.npy')",
        "import pickle\npickle.loads(b'')",
        "from pickle import load\nload(file)",
        "import yaml\nyaml.unsafe_load('')",
        "exec('1')",
    ],
)
def test_a_reader_that_may_run_code_is_found(source):
    assert len(list(problems(source, "a.py"))) == 1
