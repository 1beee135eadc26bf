"""The models of DMControl Extended have the figures of their specification."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from newt_core.envs.domains import dmcontrol_ext
from newt_core.specs import load_specs
from tests.envs.dmcontrol_ext_models import plain_model

BY_ID = {spec.id: spec for spec in load_specs().values() if spec.domain == "dmcontrol-ext"}

MASSES = {
    "jumper-jump": [1.505998, *[0.247001] * 2],
    "spinner-spin": [1.098867, *[0.180227] * 5],
    "spinner-spin-four": [1.207696, *[0.198076] * 4],
    "giraffe-run": [
        *(8.259815, 2.792186, 0.610568, 0.903846, 0.929572),
        *(0.512808, 0.842103, 0.703182, 0.445920),
    ],
    "reacher-three-hard": [0.032463, 0.032463, 0.035605, 0.004189],
}
"""Of each new body's parts, in kilograms."""


@pytest.mark.parametrize("task_id", MASSES)
def test_new_bodies_weigh_what_the_specification_says(task_id):
    masses = dmcontrol_ext.build(BY_ID[task_id])._model.body_mass
    np.testing.assert_allclose(masses[1:], MASSES[task_id], atol=5e-7)


@pytest.mark.parametrize(
    ("task_id", "joints", "contacts"),
    [("jumper-jump", 5, 1), ("spinner-spin", 8, 10), ("spinner-jump-four", 7, 6)],
)
def test_limbs_overlap_at_the_hub_and_push_on_each_other(task_id, joints, contacts):
    model = dmcontrol_ext.build(BY_ID[task_id])._model
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert (model.nq, model.nv, model.nu, data.ncon) == (joints, joints, joints - 3, contacts)
    np.testing.assert_allclose([contact.dist for contact in data.contact], -0.104, atol=1e-6)


MODEL_FIELDS = (
    *("body_parentid", "body_pos", "body_quat", "body_mass", "body_inertia"),
    *("jnt_type", "jnt_axis", "jnt_limited", "jnt_range", "jnt_stiffness"),
    *("dof_armature", "dof_damping"),
    *("actuator_trnid", "actuator_gear", "actuator_ctrllimited", "actuator_ctrlrange"),
)
GEOM_FIELDS = ("type", "size", "pos", "friction", "condim", "contype", "conaffinity")


@pytest.mark.parametrize("task_id", MASSES)
def test_new_bodies_equal_the_tables_in_every_quantity(task_id):
    ours, plain = dmcontrol_ext.build(BY_ID[task_id])._model, plain_model(BY_ID[task_id])
    for field in MODEL_FIELDS:
        np.testing.assert_allclose(
            getattr(ours, field), getattr(plain, field), atol=1e-12, err_msg=field
        )
    moving, plain_moving = ours.geom_bodyid > 0, plain.geom_bodyid > 0
    for field in (f"geom_{name}" for name in GEOM_FIELDS):
        np.testing.assert_allclose(
            getattr(ours, field)[moving],
            getattr(plain, field)[plain_moving],
            atol=1e-12,
            err_msg=field,
        )
    assert ours.opt.timestep == plain.opt.timestep
    assert ours.opt.integrator == plain.opt.integrator


def test_names_keep_the_order_of_observations_and_actions():
    model = dmcontrol_ext.build(BY_ID["giraffe-run"])._model
    legs = ["bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"]
    joints = [model.joint(k).name for k in range(model.njnt)]
    assert joints == ["rootx", "rootz", "rooty", "neck", *legs]
    assert [model.actuator(k).name for k in range(model.nu)] == [*legs, "neck"]


@pytest.mark.parametrize(
    ("task_id", "ground", "half_length"),
    [
        ("walker-run-backward", "floor", 500.0),
        ("walker-walk-incline", "floor", 500.0),
        ("cheetah-run-backward", "ground", 200.0),
        ("hopper-hop-backward", "floor", 50.0),
        ("spinner-spin", "ground", 200.0),
        ("giraffe-run", "ground", 200.0),
    ],
)
def test_the_ground_is_long_enough_to_run_on(task_id, ground, half_length):
    assert dmcontrol_ext.build(BY_ID[task_id])._model.geom(ground).size[0] == half_length


def test_the_incline_rises_by_eight_degrees():
    simulator = dmcontrol_ext.build(BY_ID["walker-walk-incline"])
    simulator.reset(0)
    normal = simulator._data.geom("floor").xmat.reshape(3, 3)[:, 2]
    slope = math.degrees(math.atan2(-normal[0], normal[2]))
    assert slope == pytest.approx(7.95, abs=0.005)
    assert normal[1] == 0.0
    np.testing.assert_array_equal(simulator._data.geom("floor").xpos, 0.0)
