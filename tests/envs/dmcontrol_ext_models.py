"""The models of DMControl Extended a second time, from tables.

Nothing here comes from the package under test: the new bodies are built with MuJoCo's own
model-building interface instead of XML.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np

HUB_ANGLES = {
    "jumper": (144, 216),
    "spinner": (0, 72, 144, 216, 288),
    "spinner4": (0, 72, 144, 216),
}
"""Degrees about y by which each limb is turned from pointing up."""

GIRAFFE = """
neck   torso   0.44 0 0       -5 20    240 6    0.052 0.39   0 0 0.39         6    30
head   neck    0.15 0 0.66    0 0      0 0      0.046 0.088  0 0 0            -236 0
bthigh torso   -0.34 0 0      -30 60   240 6    0.046 0.145  0.1 0 -0.13      -200 120
bshin  bthigh  0.16 0 -0.25   -50 50   180 4.5  0.046 0.15   -0.14 0 -0.07    -116 90
bfoot  bshin   -0.28 0 -0.14  -230 50  120 3    0.046 0.069  0.03 0 -0.072    -15  60
fthigh torso   0.34 0 0       -57 0.4  180 4.5  0.046 0.133  -0.07 0 -0.12    30   90
fshin  fthigh  -0.14 0 -0.24  -70 50   120 3    0.046 0.106  0.065 0 -0.09    -34  60
ffoot  fshin   0.13 0 -0.18   -28 28   60 1.5   0.046 0.056  0.045 0 -0.056   -34  30
"""
"""Body, parent, position, joint range in degrees, stiffness, damping, then its capsule's radius,
half-length, centre and tilt in degrees, and the motor's gear. The head has no joint."""
GIRAFFE_ACTIONS = ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot", "neck")

SPHERE, CAPSULE = mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_CAPSULE
HINGE, SLIDE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE


def turn(degrees):
    """The quaternion of a turn about y."""
    half = math.radians(degrees) / 2
    return [math.cos(half), 0, math.sin(half), 0]


def hinge(body, name, degrees, axis=(0, 1, 0), **fields):
    limit = {} if degrees is None else {"limited": True, "range": np.radians(degrees)}
    body.add_joint(name=name, type=HINGE, axis=axis, **limit, **fields)


def motor(spec, joint, gear):
    """What MJCF calls a motor: force = gear × control, control within ±1."""
    spec.add_actuator(
        name=joint,
        target=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gear=[gear, 0, 0, 0, 0, 0],
        ctrllimited=True,
        ctrlrange=[-1, 1],
    )


def planar_robot(mass, height):
    """Ground and an empty torso on a planar root."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.compiler.settotalmass = mass
    spec.option.timestep = 0.01
    spec.worldbody.add_geom(
        name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, pos=[98, 0, 0], size=[200, 0.8, 0.5]
    )
    torso = spec.worldbody.add_body(name="torso", pos=[0, 0, height])
    torso.add_joint(name="rootx", type=SLIDE, axis=[1, 0, 0])
    torso.add_joint(name="rootz", type=SLIDE, axis=[0, 0, 1])
    torso.add_joint(name="rooty", type=HINGE, axis=[0, 1, 0])
    return spec, torso


def hub_model(robot):
    friction = {"friction": [0.15, 0.1, 0.1]}
    spec, torso = planar_robot(mass=2, height=0.9)
    torso.add_geom(type=SPHERE, size=[0.22, 0, 0], **friction)
    for side in (-0.06, 0.06):
        torso.add_geom(type=SPHERE, size=[0.037, 0, 0], pos=[side, -0.16, 0.12], **friction)
    for k, angle in enumerate(HUB_ANGLES[robot]):
        limb = torso.add_body(quat=turn(angle))
        hinge(limb, f"limb_{k}", (-35, 35), stiffness=220, damping=5, armature=0.1)
        limb.add_geom(type=CAPSULE, size=[0.052, 0.283, 0], pos=[0, 0, 0.283], **friction)
        limb.add_geom(type=SPHERE, size=[0.078, 0, 0], pos=[0, 0, 0.566], **friction)
        motor(spec, f"limb_{k}", 100)
    return spec.compile()


def giraffe_model():
    friction = {"friction": [0.45, 0.1, 0.1]}
    spec, torso = planar_robot(mass=16, height=0.7)
    torso.add_geom(type=CAPSULE, size=[0.092, 0.34, 0], quat=turn(90), **friction)
    bodies = {"torso": torso}
    gears = {}
    for row in GIRAFFE.strip().splitlines():
        name, parent, *words = row.split()
        numbers = [float(word) for word in words]
        body = bodies[name] = bodies[parent].add_body(name=name, pos=numbers[:3])
        stiffness, damping, radius, half = numbers[5:9]
        centre, (tilt, gears[name]) = numbers[9:12], numbers[12:]
        shape = {"size": [radius, half, 0], "pos": centre, "quat": turn(tilt)}
        body.add_geom(type=CAPSULE, **shape, **friction)
        if name != "head":
            spring = {"stiffness": stiffness, "damping": damping, "armature": 0.1}
            hinge(body, name, numbers[3:5], **spring)
    for name in GIRAFFE_ACTIONS:
        motor(spec, name, gears[name])
    return spec.compile()


def reacher_model():
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.timestep = 0.02
    spec.option.disableflags = mujoco.mjtDisableBit.mjDSBL_CONTACT
    body = spec.worldbody
    links = (
        ("arm0", "shoulder0", (0, 0, 0.01), None, 0.09),
        ("arm1", "shoulder1", (0.09, 0, 0), (-80, 80), 0.09),
        ("hand", "wrist", (0.09, 0, 0), (-80, 80), 0.1),
    )
    for name, joint, pos, degrees, length in links:
        body = body.add_body(name=name, pos=pos)
        hinge(body, joint, degrees, axis=(0, 0, 1), damping=0.01)
        body.add_geom(type=CAPSULE, size=[0.01, 0, 0], fromto=[0, 0, 0, length, 0, 0])
        motor(spec, joint, 0.05)
    finger = body.add_body(name="finger", pos=[0.09, 0, 0])
    finger.add_geom(type=SPHERE, size=[0.01, 0, 0])
    return spec.compile()


def incline_model():
    """The suite's walker, its ground replaced in the text."""
    from dm_control.suite import common

    text = common.read_model("walker.xml").decode()
    flat = 'pos="248 0 0" size="250 .8 .2" material="grid" zaxis="0 0 1"'
    assert flat in text
    uphill = 'size="500 .8 .2" zaxis="-0.139173 0 0.996195"'
    return mujoco.MjModel.from_xml_string(text.replace(flat, uphill), dict(common.ASSETS))


SUITE_TASKS = {
    "walker": "walk",
    "cheetah": "run",
    "hopper": "hop",
    "ball_in_cup": "catch",
    "pendulum": "swingup",
}
"""A task of the suite with each body that comes from there."""


def plain_model(spec):
    """The MuJoCo model that a task should have, made without the package under test."""
    from dm_control import suite

    body, task = spec.env["domain_name"], spec.env["task_name"]
    if task == "walk_incline":
        return incline_model()
    if body in SUITE_TASKS:
        return suite.load(body, SUITE_TASKS[body]).physics.model.ptr
    if body == "giraffe":
        return giraffe_model()
    if body == "reacher":
        return reacher_model()
    return hub_model("spinner4" if task.endswith("four") else body)
