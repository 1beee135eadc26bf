"""Published checkpoints: same inputs, same outputs, and the same bits on the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import newt_core
from newt_core.agents.newt.agent import NewtAgent
from newt_core.encoders import TextOptions
from newt_core.errors import CheckpointError
from newt_core.specs import TaskSpec, load_specs
from newt_core.training.checkpoint import save_checkpoint
from newt_core.training.config import RunConfig, resolve_config
from newt_core.training.content import read_content
from newt_core.training.published import listed_tasks
from newt_core.workflows.agent_kinds import AgentInputs
from newt_core.workflows.load_agent import load_agent
from newt_core.workflows.newt_kind import NewtKind
from newt_core.workflows.published_checkpoints import (
    ImportRequest,
    export_checkpoint,
    import_checkpoint,
)
from tests.fixtures import published_models as published
from tests.fixtures.contents import payload_of

LIBRARY = load_specs()
ALL = [LIBRARY[name] for name in listed_tasks()]
OURS = {"S": "2M", "B": "5M", "L": "20M", "XL": "80M"}


def multitask(size: str = "S", **widths: int) -> dict[str, torch.Tensor]:
    """A model of the 200 tasks."""
    model = published.weights(size, **widths)
    return model | published.tables([spec.action_dim for spec in ALL])


def bring_in(path: Path, tasks: str | None = None, **more: Any) -> Path:
    """Import a file; what it said is in ``SAID``."""
    out = path.with_name("ours.pt")
    out.unlink(missing_ok=True)
    import_checkpoint(ImportRequest(path, tasks, out=out, **more), LIBRARY, SAID.append)
    return out


SAID: list[str] = []


@pytest.fixture(autouse=True)
def nothing_said():
    SAID.clear()


def agent_of(path: Path, tasks: list[TaskSpec] | None = None) -> NewtAgent:
    agent, _ = load_agent(path, tasks, library=LIBRARY, device="cpu")
    assert isinstance(agent, NewtAgent)
    return agent


def model_in(path: Path) -> dict[str, torch.Tensor]:
    content = torch.load(path, weights_only=True)
    return {name.removeprefix("module."): t for name, t in content["model"].items()}


def assert_same_outputs(
    model: dict[str, torch.Tensor], agent: NewtAgent, specs: list[TaskSpec], rows: list[int]
) -> None:
    """Compare every network with a plain forward of the published layout, task by task."""
    state_dim, action_dim = model["_encoder.state.0.weight"].shape[1], model["_pi.2.bias"].numel()
    action_dim //= 2
    latent = model["_dynamics.2.bias"].numel()
    text_dim = model["_pi.0.weight"].shape[1] - latent
    state_dim = (state_dim - text_dim) % 768
    n = len(specs)
    rng = torch.Generator().manual_seed(5)
    state = torch.randn(n, state_dim, generator=rng)
    action = torch.rand(n, action_dim, generator=rng) * 2 - 1
    image = None
    text = torch.zeros(n, 0)
    if text_dim:
        text = model["_task_emb.weight"][rows]
    seen = [state, text]
    if model["_encoder.state.0.weight"].shape[1] > state_dim + text_dim:
        image = torch.randn(n, 768, generator=rng)
        seen.append(image)
    for row, spec in enumerate(specs):
        state[row, spec.obs_dim :] = 0
        action[row, spec.action_dim :] = 0

    z = published.forward(model, "_encoder.state", torch.cat(seen, -1))
    acting = torch.cat([z, text, action], -1)
    bound = agent.model.bind(torch.arange(n))
    wide = F.pad(state, (0, 128 - state_dim))
    wide_action = F.pad(action, (0, 16 - action_dim))
    with torch.no_grad():
        close(bound.encode(wide, image), z)
        close(bound.next(z, wide_action), published.forward(model, "_dynamics", acting))
        close(bound.reward_logits(z, wide_action), published.forward(model, "_reward", acting))
        for kind, target in (("online", False), ("target", True)):
            heads = [
                published.forward(model, f"_Qs.{kind}._Qs.{head}", acting)
                for head in range(agent.model.size.num_q)
            ]
            close(bound.q_heads(target=target)(z, wide_action), torch.stack(heads))
        raw = published.forward(model, "_pi", torch.cat([z, text], -1))
        mean, log_std = raw.chunk(2, -1)
        std = (-10 + 0.5 * 12 * (torch.tanh(log_std) + 1)).exp()
        noise = torch.randn(n, 16, generator=rng)
        expected = torch.tanh(mean + noise[:, :action_dim] * std)
        for row, spec in enumerate(specs):
            expected[row, spec.action_dim :] = 0
        got = bound.policy(z, noise).action
        close(got[:, :action_dim], expected)
        assert not got[:, action_dim:].any()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", ["S", "B"])
def test_a_multitask_model_computes_what_it_did_and_comes_back_bit_for_bit(tmp_path, size):
    model = multitask(size)
    file = published.write(tmp_path / f"soup-{size}.pt", model, prefix="module.")
    some = [LIBRARY[n] for n in ("walker-run", "mw-reach", "pygame-pong", "atari-alien")]
    ours = bring_in(file)
    content = read_content(ours)
    assert content.run.config.model.size == OURS[size]
    assert content.task_ids == [spec.id for spec in ALL]
    rows = [listed_tasks().index(spec.id) for spec in some]
    assert_same_outputs(model, agent_of(ours, some), some, rows)
    back = tmp_path / "back.pt"
    export_checkpoint(ours, back)
    assert_same_tensors(model_in(back), model)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["L", "XL"])
def test_the_large_ones_do_so_too(tmp_path, size):
    test_a_multitask_model_computes_what_it_did_and_comes_back_bit_for_bit(tmp_path, size)


def assert_same_tensors(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


PER_TASK = {
    "no tables": (published.weights("B", text=0), ["walker-run"]),
    "its own width": (published.weights("B", text=0, state=24, action=6), ["walker-run"]),
    "ten rows": (
        published.weights("B", state=39, action=7) | published.tables([4] * 10, action=7),
        ["mw-reach"],
    ),
    "pictures": (published.weights("S", text=0, image=768), ["walker-run"]),
}


@pytest.mark.parametrize("layout", PER_TASK)
def test_a_per_task_model_computes_what_it_did_and_comes_back_bit_for_bit(tmp_path, layout):
    model, (task,) = PER_TASK[layout]
    file = published.write(tmp_path / f"{task}-1.pt", model)
    ours = bring_in(file)
    content = read_content(ours)
    assert content.task_ids == [task]
    back = tmp_path / "back.pt"
    export_checkpoint(ours, back)
    assert_same_tensors(model_in(back), model)
    sees = layout == "pictures"
    assert content.run.config.model.obs == ("both" if sees else "state")
    assert content.run.image_encoder == ("dinov2" if sees else None)
    agent = new_agent(content.run.config, [LIBRARY[task]], content.run.text)
    agent.load_weights(content.agent)
    assert_same_outputs(model, agent, [LIBRARY[task]], [0])


def new_agent(config: RunConfig, specs: list[TaskSpec], text: torch.Tensor) -> NewtAgent:
    """An agent without the encoder of the pictures that it may see."""
    inputs = AgentInputs(config, specs, text.numpy(), torch.device("cpu"), None)
    return NewtKind().new(inputs)


def test_the_tables_rows_are_the_published_tasks_in_their_order():
    assert set(listed_tasks()) == {spec.id for spec in LIBRARY.select("all")}
    assert len(listed_tasks()) == 200


def test_the_texts_are_the_files_own_and_need_no_encoder(tmp_path):
    model = multitask()
    ours = bring_in(published.write(tmp_path / "soup-S.pt", model), "cheetah-run,walker-run")
    content = read_content(ours)
    assert content.task_ids == ["cheetah-run", "walker-run"]
    rows = [listed_tasks().index(name) for name in content.task_ids]
    assert torch.equal(content.run.text, model["_task_emb.weight"][rows])
    assert content.run.text_encoder == "clip-vit-b-32"
    _, vectors = content.texts.tasks_and_vectors([LIBRARY["walker-run"]], TextOptions(), ours)
    assert np.array_equal(vectors[0], model["_task_emb.weight"][rows[1]].numpy())
    export_checkpoint(ours, tmp_path / "back.pt")
    assert_same_tensors(model_in(tmp_path / "back.pt"), model)


def test_it_acts_like_any_other(tmp_path):
    ours = bring_in(
        published.write(tmp_path / "cartpole-swingup.pt", published.weights("S", text=0))
    )
    agent = newt_core.load(ours, policy_only=True)
    assert agent.tasks == ["cartpole-swingup"]
    action = agent.act(np.zeros(5, np.float32), "cartpole-swingup")
    assert action.shape == (1,)
    assert abs(action[0]) <= 1


def test_one_of_ours_goes_there_and_back(tmp_path):
    config = resolve_config(tasks="walker-run,mw-reach", size="2M")
    specs = [LIBRARY["walker-run"], LIBRARY["mw-reach"]]
    text = torch.randn(2, 512)
    agent = new_agent(config, specs, text)
    for parameter in agent.model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    agent.learner.scale = torch.tensor(3.5)
    payload = payload_of(config, specs, agent=agent.state_dict()) | {"text": text}
    save_checkpoint(tmp_path / "first.pt", payload)
    export_checkpoint(tmp_path / "first.pt", tmp_path / "there.pt")
    again = bring_in(tmp_path / "there.pt")
    first, second = read_content(tmp_path / "first.pt"), read_content(again)
    assert second.task_ids == first.task_ids
    assert second.run.text_encoder == first.run.text_encoder
    assert torch.equal(second.run.text, first.run.text)
    assert second.agent["learner"]["scale"] == 3.5
    assert_same_tensors(second.agent["model"], first.agent["model"])
    observations = {"walker-run": np.ones(24, np.float32), "mw-reach": np.ones(39, np.float32)}
    before, after = (
        newt_core.load(path, policy_only=True) for path in (tmp_path / "first.pt", again)
    )
    for task, obs in observations.items():
        assert np.array_equal(before.act(obs, task), after.act(obs, task))


def test_the_200_tasks_are_written_in_the_published_order(tmp_path):
    specs = LIBRARY.select("all")
    config = resolve_config(tasks="all", size="2M")
    model = published.weights("S")
    first = bring_in(published.write(tmp_path / "walker-run.pt", published.weights("S", text=0)))
    payload = payload_of(config, specs, agent=read_content(first).agent)
    payload["text"] = torch.arange(200.0)[:, None].repeat(1, 512)
    save_checkpoint(tmp_path / "mine.pt", payload)
    export_checkpoint(tmp_path / "mine.pt", tmp_path / "there.pt")
    found = model_in(tmp_path / "there.pt")
    assert found.keys() == (model | published.tables([1])).keys()
    ids = [spec.id for spec in specs]
    assert found["_task_emb.weight"][:, 0].tolist() == [ids.index(name) for name in listed_tasks()]
    assert found["_action_masks"].sum(-1).tolist() == [spec.action_dim for spec in ALL]
    # With one more they are others, which go in their own order.
    more = [*specs, specs[0].model_copy(update={"id": "one-more", "action_dim": 7})]
    payload = payload_of(config, more, agent=payload["agent"])
    payload["text"] = torch.arange(201.0)[:, None].repeat(1, 512)
    save_checkpoint(tmp_path / "more.pt", payload)
    export_checkpoint(tmp_path / "more.pt", tmp_path / "there_too.pt")
    found = model_in(tmp_path / "there_too.pt")
    assert found["_task_emb.weight"][:, 0].tolist() == list(range(201))
    assert found["_action_masks"].sum(-1).tolist() == [spec.action_dim for spec in more]


def test_a_small_tables_rows_are_told_apart_by_their_masks_or_by_name(tmp_path):
    dims = [1, 6, 4]
    model = published.weights("S") | published.tables(dims)
    file = published.write(tmp_path / "model.pt", model)
    ours = bring_in(file, "walker-run")
    assert torch.equal(read_content(ours).run.text[0], model["_task_emb.weight"][1])
    assert not SAID
    ours = bring_in(file, "cartpole-balance,walker-walk,mw-reach")
    assert torch.equal(read_content(ours).run.text, model["_task_emb.weight"])
    with pytest.raises(CheckpointError, match=r"row 0 .* 1 action entries.*'walker-walk' has 6"):
        bring_in(file, "walker-walk,cartpole-balance,mw-reach")
    with pytest.raises(CheckpointError, match="3 rows, but --tasks names 2"):
        bring_in(file, "cartpole-balance,walker-walk")
    with pytest.raises(CheckpointError, match=r"model.pt does not say .* --task"):
        bring_in(file)
    alike = published.weights("S") | published.tables([6, 6])
    ours = bring_in(published.write(tmp_path / "two.pt", alike), "walker-run")
    assert torch.equal(read_content(ours).run.text[0], alike["_task_emb.weight"][0])
    assert len(SAID) == 1
    assert "took row 0" in SAID[0]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("walker-run-backward.pt", "walker-run-backward"),
        ("walker-run_B.pt", "walker-run"),
        ("walker-run/final.pt", "walker-run"),
    ],
)
def test_a_task_is_known_by_the_files_name(tmp_path, name, task):
    ours = bring_in(published.write(tmp_path / name, published.weights("S", text=0)))
    assert read_content(ours).task_ids == [task]


def test_what_does_not_fit_is_one_line(tmp_path):
    file = published.write(tmp_path / "walker-run.pt", published.weights("S", text=0, action=4))
    with pytest.raises(CheckpointError, match=r"actions have 4 entries, but .* have 6"):
        bring_in(file)
    narrow = published.weights("S", text=0, state=20)
    with pytest.raises(CheckpointError, match=r"observations have 20 entries, but .* have 24"):
        bring_in(published.write(file, narrow))
    file = published.write(tmp_path / "soup.pt", multitask())
    with pytest.raises(CheckpointError, match="2M model by its tensors, not 80M"):
        bring_in(file, size="XL")
    with pytest.raises(CheckpointError, match="not trained on"):
        bring_in(file, LIBRARY.select("transfer")[0].id)
    (tmp_path / "taken.pt").write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="there already"):
        import_checkpoint(ImportRequest(file, out=tmp_path / "taken.pt"), LIBRARY, SAID.append)
    assert (tmp_path / "taken.pt").read_bytes() == b"mine"
