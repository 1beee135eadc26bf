"""The reference repeats no mistake of the package: it borrows records and weights alone."""

from __future__ import annotations

import ast
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "reference"
BORROWED = {
    # settings, noise and batches
    "PlannerConfig", "UpdateConfig", "PlanNoise", "UpdateNoise", "Batch",
    # modules that hold weights
    "FusedMLP", "NormedLinear", "QEnsemble", "WorldModel",
}  # fmt: skip
COMPUTED = {"bind", "encode", "forward", "finish", "tail", "text_rows", "update_target"}
"""Methods of those modules that compute what the reference has to compute itself."""


def test_it_takes_nothing_but_records_and_weights() -> None:
    imported, used = set(), set()
    for file in REFERENCE.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("newt_core") for alias in node.names), file
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("newt_core"):
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute) and not _is_of_self(node):
                used.add(node.attr)
    assert imported == BORROWED
    assert not used & COMPUTED


def _is_of_self(node: ast.Attribute) -> bool:
    """Whether it is one of the reference's own, such as ``self.encode`` or ``losses.encode``."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"
