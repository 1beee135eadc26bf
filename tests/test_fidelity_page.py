"""docs/fidelity.md speaks of every domain, and of tasks whose behaviour changed."""

from __future__ import annotations

import re
from pathlib import Path

from newt_core.specs import load_specs
from scripts.make_task_docs import TITLES

PAGE = Path(__file__).parent.parent / "docs" / "fidelity.md"
TEXT = PAGE.read_text(encoding="utf-8")


def _section(title):
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_domain_and_the_method_have_a_section():
    titles = [TITLES[domain] for domain in {spec.domain: None for spec in load_specs().values()}]
    assert len(titles) == 10
    for title in [*titles, "Method"]:
        assert _section(title).strip(), title


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(targets) > 5
    for target in targets:
        assert (PAGE.parent / target).exists(), target


def test_named_tests_and_tasks_exist():
    for name in re.findall(r"`(tests/[^`]+)`", TEXT):
        assert (PAGE.parent.parent / name).exists(), name
    library = load_specs()
    for name in re.findall(r"`((?:mw|ms|pygame|rd|og|atari|mujoco|lunarlander)-[^`]+)`", TEXT):
        assert library.select(name), name


def test_tables_are_whole():
    rows = [line for line in TEXT.splitlines() if line.startswith("|")]
    widths = {row.count("|") for row in rows}
    assert widths <= {5, 6}, "a row has too few or too many cells"


def test_a_changed_task_is_explained_in_its_domains_section():
    for spec in load_specs().values():
        if spec.version > 1:
            assert "version 2" in _section(TITLES[spec.domain]), spec.id
