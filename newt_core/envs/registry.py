"""From a domain's name to the function that builds its simulators.

A domain's module, and with it the simulator's package, is imported when the first of its
tasks is built and not before. Users add domains of their own under the Python entry point
group ``newt.domains``::

    [project.entry-points."newt.domains"]
    my-robots = "my_package.newt_domain:build"
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import MappingProxyType
from typing import cast

from newt_core.envs.assets import require_assets
from newt_core.envs.contract import Builder, Simulator
from newt_core.envs.imports import explaining_imports, not_installed
from newt_core.errors import SpecError, did_you_mean
from newt_core.specs.schema import DOMAIN_ENTRY_POINTS, TaskSpec

BUILTIN_BUILDERS: Mapping[str, str] = MappingProxyType(
    {
        "dmcontrol": "newt_core.envs.domains.dmcontrol:build",
        "metaworld": "newt_core.envs.domains.metaworld:build",
        "maniskill": "newt_core.envs.domains.maniskill:build",
        "mujoco": "newt_core.envs.domains.mujoco:build",
        "dmcontrol-ext": "newt_core.envs.domains.dmcontrol_ext:build",
        "robodesk": "newt_core.envs.domains.robodesk:build",
        "atari": "newt_core.envs.domains.atari:build",
        "box2d": "newt_core.envs.domains.box2d:build",
        "ogbench": "newt_core.envs.domains.ogbench:build",
        "miniarcade": "newt_core.envs.domains.miniarcade:build",
    }
)
"""Domain → ``module:function``."""

PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "dmcontrol": "dm_control",
        "metaworld": "metaworld",
        "maniskill": "mani_skill",
        "mujoco": "mujoco",
        "dmcontrol-ext": "dm_control",
        "robodesk": "robodesk",
        "atari": "ale_py",
        "box2d": "Box2D",
        "ogbench": "ogbench",
        "miniarcade": "pygame",
    }
)
"""Built-in domain → the package that it simulates or draws with, as it is imported."""


def build_simulator(spec: TaskSpec, builders: Mapping[str, str] | None = None) -> Simulator:
    """Build one simulator of a task.

    Args:
        spec: the task.
        builders: further domains (name → ``module:function``) for this call; they win over
            built-in and installed ones of the same name.

    Raises:
        SpecError: nobody provides the task's domain.
        MissingDependencyError: a package that the domain needs is not installed, or its OpenGL, or
            an asset that the task needs is not downloaded.
    """
    require_assets(spec)
    builder = find_builder(spec.domain, builders)
    with explaining_imports(spec.domain):  # many domains import theirs only now
        return builder(spec)


def find_builder(domain: str, builders: Mapping[str, str] | None = None) -> Builder:
    """Import and return the build function of ``domain``; arguments and errors as above."""
    known = {**BUILTIN_BUILDERS, **(builders or {})}
    if domain not in known:  # Asking the installed packages takes longer than many a simulator.
        known |= known_domains()
    if domain not in known:
        raise SpecError(
            f"no simulator for the domain '{domain}'.{did_you_mean(domain, known)} Known: "
            f"{', '.join(sorted(known))}; a package adds one under '{DOMAIN_ENTRY_POINTS}'."
        )
    if domain not in (builders or {}):
        require_package(domain)
    module_name, _, function_name = known[domain].partition(":")
    with explaining_imports(domain):
        module = import_module(module_name)
    if not hasattr(module, function_name):
        raise SpecError(
            f"the domain '{domain}' names '{known[domain]}', "
            f"but '{module_name}' has no function '{function_name}'."
        )
    return cast(Builder, getattr(module, function_name))


def require_package(domain: str) -> None:
    """Return if the package that a built-in domain simulates with is installed.

    It is looked for, not imported. Of other domains nothing is known.

    Raises:
        MissingDependencyError: it is not; the message says how to install it.
    """
    package = PACKAGES.get(domain)
    if package is not None and find_spec(package) is None:
        raise not_installed(domain, package)


def known_domains() -> dict[str, str]:
    """Return all domains, built in and installed, as name → ``module:function``."""
    installed = {point.name: point.value for point in entry_points(group=DOMAIN_ENTRY_POINTS)}
    return installed | dict(BUILTIN_BUILDERS)
