"""A DISPLAY that names no screen any more stops no frame."""

import os
import subprocess
import sys

import pytest

DRAW = """
import newt_core
env = newt_core.make("{task}", render_mode="rgb_array")
env.reset(seed=0)
print(env.render().std() > 3)
"""


TASKS = ["mujoco-walker", "cartpole-balance"]
MORE = ["mw-reach", "rd-push-red", "og-point-maze"]


@pytest.mark.parametrize(
    "task", [*TASKS, *(pytest.param(task, marks=pytest.mark.slow) for task in MORE)]
)
def test_frames_are_drawn_where_the_screen_is_gone(task):
    variables = {k: v for k, v in os.environ.items() if k != "MUJOCO_GL"} | {"DISPLAY": ":4711"}
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", DRAW.format(task=task)],
        env=variables,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, "display" in done.stderr) == ("True\n", False), done.stderr
