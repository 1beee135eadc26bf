"""MJCF models, the suite's and ours, on their way into MuJoCo.

The suite's models are read from the suite and changed as XML before they are compiled, since
MuJoCo takes over some quantities, such as a ground's tilt, only then.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dm_control.suite import common

_PARTS = ("arena.xml", "hub.xml", "reacher_arm.xml")
"""Files of this package that models include."""

AnyPhysics = TypeVar("AnyPhysics")


def suite_model(body: str) -> Element:
    """Return the suite's model of a body as XML, to be changed at will."""
    return ElementTree.fromstring(common.read_model(f"{body}.xml"))


def own_model(body: str) -> Element:
    """Return this package's model of a body as XML, to be changed at will."""
    return ElementTree.fromstring(_read(f"{body}.xml"))


def compile_model(physics: type[AnyPhysics], model: Element) -> AnyPhysics:
    """Compile a model into ``physics``, a subclass of ``dm_control.mujoco.Physics``."""
    included = {**common.ASSETS, **{name: _read(name) for name in _PARTS}}
    compiler: Any = physics
    compiled: AnyPhysics = compiler.from_xml_string(
        ElementTree.tostring(model, encoding="unicode"), included
    )
    return compiled


def find(model: Element, tag: str, name: str) -> Element:
    """Return the model's element of that tag and name, which must exist."""
    element = model.find(f".//{tag}[@name='{name}']")
    if element is None:
        raise LookupError(f"the model has no {tag} '{name}'")
    return element


def remove(model: Element, tag: str, name: str) -> None:
    """Take an element, with all that it holds, out of the model."""
    element = find(model, tag, name)
    for parent in model.iter():
        if element in parent:
            parent.remove(element)
            return


def _read(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()
