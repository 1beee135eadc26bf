"""README.md and the pages of docs/: what they tell a reader to type exists, links resolve."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
import typer

import newt_core
from newt_cli.app import COMMANDS, app
from newt_core.specs import load_specs
from newt_core.training.config import resolve_config, setting_fields
from newt_core.types import ACTION_DIM, FloatArray, Observation
from newt_core.workflows.agent_kinds import KINDS, find_kind
from newt_core.workflows.loaded_agent import LoadedAgent

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results.md"
PAGES = [README, ROOT / "demos" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOLDERS = r"(?:newt_core|newt_cli|tests|benchmarks|scripts|examples|task_specs|docs|demos)"
LIBRARY = load_specs()
ROOT_COMMAND: Any = typer.main.get_command(app)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    return [code for kind, code in FENCE.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    """Return a page without its code blocks, and without the commands of earlier versions."""
    return FENCE.sub("", page.read_text()).split("\n## Where the numbers come from\n")[0]


def inline(page: Path) -> list[str]:
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def section(page: Path, title: str) -> str:
    return page.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = [index for index, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    return [row for index, row in enumerate(cells) if not {index, index + 1} & set(heads)]


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@every_page
def test_named_files_exist(page):
    for code in inline(page):
        if re.fullmatch(rf"{FOLDERS}/[\w./-]+", code):
            assert (ROOT / code).exists(), code


@every_page
def test_named_settings_exist(page):
    fields = setting_fields()
    groups = {name.split(".")[0] for name in fields if "." in name}
    for code in inline(page):
        for group, name in re.findall(r"(?<![\w/.])(\w+)\.([a-z_]+)\b(?![(/])", code):
            if group in groups and name not in {"md", "pt", "py", "json"}:
                assert f"{group}.{name}" in fields, code


def find(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words call, and its arguments."""
    command = ROOT_COMMAND
    while subcommands := getattr(command, "commands", {}):
        if not words or words[0].startswith("-"):
            break
        assert words[0] in list(subcommands), f"there is no command {words[0]!r}"
        command, words = subcommands[words[0]], words[1:]
    return command, words


@every_page
def test_commands_in_the_text_exist_with_their_options(page):
    for code in inline(page):
        if code.startswith("newt "):
            command, arguments = find(code.split()[1:])
            known = {name for option in command.params for name in option.opts} | {"--help"}
            for argument in arguments:
                if argument.startswith("--"):
                    assert argument.split("=")[0] in known, code


@every_page
def test_lines_to_paste_can_be_pasted(page):
    for line in "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words:
            assert words[0] in CHECKS, line
            CHECKS[words[0]](words[1:])


def check_newt(words: list[str]) -> None:
    command, arguments = find(words)
    if arguments == ["--help"]:
        return
    given = command.make_context("newt", arguments).params
    selectors = [given.get(name) or "" for name in ("tasks", "task", "selector")]
    for selector in selectors:
        if selector and not selector.startswith("@"):
            assert LIBRARY.select(selector)
    if "set_" in given:
        named = {name: given.get(name) for name in ("obs", "size", "device")}
        resolve_config(given["preset"], None, given["set_"], **named)


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(words) <= set(targets)


def check_python(words: list[str]) -> None:
    if words[0] == "-m":
        assert importlib.util.find_spec(words[1]), words
    else:
        assert (ROOT / words[0]).is_file(), words
    for word in words[1:]:
        if re.match(rf"{FOLDERS}/", word):
            assert (ROOT / word).exists(), word


def check_bash(words: list[str]) -> None:
    text = (ROOT / words[0]).read_text()
    for option in (word for word in words[1:] if word.startswith("--")):
        assert re.search(rf"^ +({option}|.*\| {option})( \||\))", text, re.MULTILINE), option


def check_pip(words: list[str]) -> None:
    if "torchvision" in words:  # the pair, in the versions that Newt takes
        assert f'"{words[1]}",' in (ROOT / "pyproject.toml").read_text()
        return
    extra = re.fullmatch(r"\.(?:\[(\w+)\])?", words[1])
    assert words[0] == "install"
    assert extra
    if extra[1]:
        assert f"\n{extra[1]} = [" in (ROOT / "pyproject.toml").read_text()


def check_docker(words: list[str]) -> None:
    assert words[0] in {"build", "run", "cp"}
    if "-f" in words:
        assert (ROOT / words[words.index("-f") + 1]).is_file()


def check_torchrun(words: list[str]) -> None:
    from torch.distributed.run import parse_args

    started = parse_args(words)
    assert (started.module, started.training_script) == (True, "newt_cli")
    check_newt(started.training_script_args)


def check_ray(words: list[str]) -> None:
    """Look at the little of it that the pages show: Ray need not be installed."""
    assert words[0] in ("start", "stop")
    options = {word.partition("=")[0] for word in words[1:]}
    assert options <= {"--head", "--port", "--address", "--num-cpus"}


CHECKS: Any = {
    "bash": check_bash,
    "torchrun": check_torchrun,
    "docker": check_docker,
    "newt": check_newt,
    "make": check_make,
    "python": check_python,
    "pip": check_pip,
    "ray": check_ray,
    ".": lambda words: None,
}


@every_page
def test_python_code_fits_what_it_calls(page):
    for code in blocks(page, "python"):
        tree = ast.parse(code)
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(list(imports), []), str(page), "exec"), {})
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = {"newt_core": newt_core, "agent": LoadedAgent}.get(node.value.id)
                assert owner is None or hasattr(owner, node.attr), ast.unparse(node)
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("newt_core."):
                function = getattr(newt_core, ast.unparse(node.func).split(".")[1])
                named = {str(keyword.arg): keyword.value for keyword in node.keywords}
                inspect.signature(function).bind(*node.args, **named)


def loaded(checkpoint: str) -> LoadedAgent:
    """Return an agent that stands still, in the place of a trained one."""
    assert re.fullmatch(r"runs/\w+/checkpoints/last\.pt", checkpoint)
    agent: Any = SimpleNamespace(obs="state", feature_stack=1)
    specs = list(LIBRARY.select("pygame-cowboy,cartpole-swingup"))

    def still(observation: Observation) -> FloatArray:
        return np.zeros((1, ACTION_DIM), np.float32)

    return LoadedAgent(agent, still, specs)


def test_the_code_of_the_readme_plays_an_episode(monkeypatch, capsys):
    monkeypatch.setattr(newt_core, "load", loaded, raising=False)
    (code,) = blocks(README, "python")
    exec(compile(code, "README.md", "exec"), {})
    instruction, score = capsys.readouterr().out.splitlines()
    assert LIBRARY["pygame-cowboy"].instruction in instruction
    assert 0.0 <= float(score) <= 1.0


@pytest.mark.slow
def test_the_code_of_the_python_page_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # It leaves a run and a film.
    monkeypatch.setattr(newt_core, "load", loaded, raising=False)
    for code in blocks(ROOT / "docs" / "python.md", "python"):
        exec(compile(code, "docs/python.md", "exec"), {})


def test_every_id_of_gymnasium_that_code_names_exists():
    names = [name for page in PAGES for name in re.findall(r'"(newt/[^"]+)"', page.read_text())]
    assert names
    for name in names:
        gymnasium.spec(name)


def test_the_readme_is_short_and_names_every_command_and_every_page():
    assert len(README.read_text().splitlines()) <= 200
    named = [row[0].strip("`") for row in rows(section(README, "Commands"))]
    assert sorted(named) == sorted(f"newt {name}" for name in COMMANDS)
    for page in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{page.name})" in section(README, "Documentation"), page.name


def test_what_the_readme_measured_is_what_the_results_say():
    cells = {cell for row in rows(prose(RESULTS)) for cell in row}
    measured = rows(section(README, "What it measured here"))
    assert len(measured) >= 10
    for _, here, beside in measured:
        own = [here] if here in cells else here.split(", ")
        for figure in [*own, beside.split(": ")[-1]]:
            assert figure.removesuffix(" steps/s") in cells, figure


def test_the_page_of_agents_names_every_kind_and_all_its_options():
    page = ROOT / "docs" / "agents.md"
    named = {word for row in rows(prose(page)) for word in re.findall(r"`([^`]+)`", row[0])}
    for name in KINDS:
        assert name in named
        fields = find_kind(name).options.model_fields
        assert set(fields) <= named, name
        assert all(field.description for field in fields.values()), name


def test_every_result_has_the_command_and_the_commit_of_its_file():
    table = {row[0]: row for row in rows(section(RESULTS, "Where the numbers come from"))}
    for file in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        found = table.pop(f"[{file.stem}](../benchmarks/results/{file.name})")
        content = json.loads(file.read_text())
        assert "command" not in content or found[1] == f"`{content['command']}`"
        assert "commit" not in content or found[2] == content["commit"]
    assert not table, "rows without a file"
