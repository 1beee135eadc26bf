"""The container's recipe, read rather than built: no test here needs Docker."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "docker" / "Dockerfile"
IGNORED = ROOT / "docker" / "Dockerfile.dockerignore"
Steps = list[tuple[str, str]]


def steps() -> Steps:
    """Return the instructions and what follows each, lines that go on joined."""
    text = "\n".join(line for line in RECIPE.read_text().splitlines() if line[:1] != "#")
    lines = text.replace("\\\n", " ").splitlines()
    pairs = [line.split(None, 1) for line in lines if line.strip()]
    return [(name.upper(), " ".join(rest.split())) for name, rest in pairs]


def arguments_of(name: str) -> list[str]:
    return [rest for instruction, rest in steps() if instruction == name]


def build_arguments() -> dict[str, str]:
    return dict(rest.split("=", 1) for rest in arguments_of("ARG"))


def commands() -> list[list[str]]:
    """Return the commands of all RUN instructions, word by word."""
    found = []
    for rest in arguments_of("RUN"):
        for command in rest.split("&&"):
            words = shlex.split(command)
            while re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            found.append(words)
    return found


def shell_lines(page: str, title: str) -> list[str]:
    """Return the commands in the code blocks of a section of a page."""
    text = (ROOT / page).read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(shlex.split(line, comments=True)) for line in lines]


def bases() -> list[str]:
    """Return the bases that are named, here and in the pages."""
    text = RECIPE.read_text() + (ROOT / "docs" / "install.md").read_text()
    return re.findall(r"(?<=BASE=)[\w./:-]+", text)


def test_only_known_instructions_in_an_order_that_docker_takes():
    known = {"ARG", "FROM", "SHELL", "RUN", "ENV", "USER", "WORKDIR", "COPY", "CMD"}
    names = [name for name, _ in steps()]
    assert set(names) <= known, "ADD fetches and unpacks behind one's back; COPY does not"
    assert names[:2] == ["ARG", "FROM"]
    assert names.count("FROM") == 1
    assert names[-1] == "CMD"


def test_bases_are_pinned_to_a_release_and_can_be_chosen():
    assert arguments_of("FROM") == ["${BASE}"]
    found = bases()
    assert any("cuda" in base for base in found), "one for GPUs"
    assert build_arguments()["BASE"] in found
    for base in found:
        assert re.search(r":[^/]*\d+\.\d+", base), f"{base} is not pinned"
        assert "latest" not in base
        assert "24.04" in base, "all bases share packages and Python's version"


def test_the_build_of_pytorch_follows_the_base():
    assert build_arguments()["TORCH_INDEX"].endswith("/cpu")
    text = RECIPE.read_text()
    cuda = re.search(r"nvidia/cuda:(\d+)\.(\d+)", text)
    assert cuda is not None
    assert f"TORCH_INDEX=https://download.pytorch.org/whl/cu{cuda[1]}{cuda[2]}" in text
    (line,) = [words for words in commands() if "torchvision" in words]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [word for word in line if word.startswith("torch>")] == [
        each for each in project["dependencies"] if each.startswith("torch>")
    ]


def test_packages_are_few_and_leave_no_lists_behind():
    for rest in arguments_of("RUN"):
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "apt-get update" in rest.split("apt-get install")[0]
            assert rest.endswith("rm -rf /var/lib/apt/lists/*")
    assert not [words for words in commands() if words[0] in {"sudo", "wget", "curl"}]
    if any("pip" in words for words in commands()):
        assert "PIP_NO_CACHE_DIR=1" in " ".join(arguments_of("ENV"))


def test_what_drawing_needs_is_what_the_set_up_asks_for():
    (line,) = [words for words in commands() if words[:2] == ["apt-get", "install"]]
    script = (ROOT / "scripts" / "setup.sh").read_text()
    wanted = set(re.findall(r"\b(?:lib(?:egl|gl|gles|vulkan)[\w-]*|mesa-vulkan-drivers)\b", script))
    wanted.discard("libvulkan")  # a library, not a package
    assert {"libegl1", "libegl-mesa0", "libvulkan1"} <= wanted
    assert wanted <= set(line)
    assert {"make", "python3", "python3-venv"} <= set(line)


def test_everything_but_system_packages_is_done_by_an_ordinary_user():
    names = [name for name, _ in steps()]
    users = arguments_of("USER")
    assert len(users) == 1
    assert users[0] not in {"root", "0"}
    assert any(words[0] == "useradd" and users[0] in words for words in commands())
    assert names.index("USER") < names.index("COPY")
    assert f"--chown={users[0]}:{users[0]}" in arguments_of("COPY")[0]
    for instruction, rest in steps()[names.index("USER") :]:
        assert not (instruction == "RUN" and "apt-get" in rest)


def test_paths_are_absolute_and_what_is_copied_exists():
    for folder in arguments_of("WORKDIR"):
        assert folder.startswith("/")
    for rest in arguments_of("COPY"):
        sources = [word for word in rest.split() if not word.startswith("--")][:-1]
        assert sources
        for source in sources:
            assert (ROOT / source).exists(), source


def test_what_is_copied_is_the_tree_without_what_was_made_in_it():
    patterns = [line for line in IGNORED.read_text().splitlines() if line and line[0] != "#"]
    assert {".git", ".venv", "runs"} <= set(patterns)

    def left_out(path: str) -> bool:
        return any(fnmatch(path, pattern.removeprefix("**/")) for pattern in patterns)

    needed = ("pyproject.toml", "Makefile", "README.md", "LICENSE", "scripts", "newt_core",
              "newt_cli", "task_specs", "demos", "tests", "docs", "docker")  # fmt: skip
    for name in needed:
        assert not left_out(name), name


def test_it_runs_the_commands_of_the_readme():
    first, *others = shell_lines("README.md", "Install")
    (command,) = arguments_of("CMD")
    assert json.loads(command) == first.split(), "in JSON, so that no shell swallows signals"
    shown = shell_lines("docs/install.md", "In a container")
    for line in others:
        assert any(each.startswith("docker run") and each.endswith(line) for each in shown), line
    assert ["make", "setup"] in commands()


def test_the_pages_build_it_as_the_recipe_says():
    shown = [line for line in shell_lines("docs/install.md", "In a container") if " build " in line]
    header = [line.lstrip("# ") for line in RECIPE.read_text().splitlines() if line[:1] == "#"]
    built = " ".join(" ".join(header).replace("\\", " ").split())
    assert len(shown) == 2
    for line in shown:
        assert line in built
        assert line.endswith(" ."), "the whole tree is the context"
        assert set(re.findall(r"--build-arg (\w+)=", line)) <= set(build_arguments())


@pytest.mark.parametrize("key", ["dockerfile", "context"])
def test_the_devcontainer_lies_on_the_same_recipe(key):
    folder = ROOT / ".devcontainer"
    found = json.loads((folder / "devcontainer.json").read_text())
    expected = {"dockerfile": RECIPE, "context": ROOT}[key]
    assert (folder / found["build"][key]).resolve() == expected
    assert found["remoteUser"] == arguments_of("USER")[0]
    assert found["postCreateCommand"] == "make setup"
