"""What treatments may ask of a model: other prompts, begun replies, log-probabilities, states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.environments.hints import first_steps, hinted
from rlskills.errors import UserError
from rlskills.models.loading import load
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.runs.metrics import Budget
from rlskills.training.batch import Rollout
from rlskills.training.collect import _Extra
from rlskills.training.reader import Reader
from rlskills.training.settings import RLSettings
from rlskills.training.stream import uniform
from rlskills.training.trl import RLTrainer
from rlskills_envs.string_transform import StringTransform

from .small import KERNELS, lessons

SETTINGS = RLSettings(max_steps=1, prompts_per_step=4, group_size=4, max_new_tokens=6)


def trainer_of(model: Path, folder: Path, tasks: Any = None) -> RLTrainer:
    return RLTrainer(
        load(str(model), KERNELS), tasks or lessons(), SETTINGS, folder, budget=Budget()
    )


@pytest.fixture
def asked(half_trained: Path, tmp_path: Path) -> tuple[_Extra, list[Rollout]]:
    collector = trainer_of(half_trained, tmp_path).collector
    params = replace(collector._params(0), logprobs=True)
    batch = collector.round(0)
    return _Extra(collector, params), batch.rollouts


def test_log_probabilities_are_those_of_sampling(asked):
    extra, rollouts = asked
    drawn = extra.sample(rollouts[::4], [r.task.messages for r in rollouts[::4]], 3)
    assert [row.group for row in drawn] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    for row, found in zip(drawn, extra.logprobs(drawn), strict=True):
        assert found.shape == (len(row.ids),)
        torch.testing.assert_close(found, torch.tensor(row.logprobs), atol=1e-4, rtol=1e-4)


def test_the_start_is_the_policy_before_it_learned_anything(asked, small_model: Path):
    extra, rows = asked
    before = extra.logprobs(rows, "start")
    for one, two in zip(before, extra.logprobs(rows), strict=True):
        assert torch.equal(one, two)
    with torch.no_grad():
        for weights in extra.collector.reader.loaded.model.parameters():
            weights.mul_(1.1)
    assert not torch.equal(extra.logprobs(rows)[0], before[0])
    assert torch.equal(extra.logprobs(rows, "start")[0], before[0])
    assert extra.hidden(rows).shape == (16, 32)
    other = extra.logprobs(rows, str(small_model))
    assert not torch.equal(other[0], before[0])


@pytest.mark.parametrize("continued", [False, True])
def test_the_start_of_adapters_is_what_they_began_as(
    asked, half_trained: Path, tmp_path: Path, continued: bool
):
    _, rows = asked
    lora = ModelOptions(lora=LoraOptions(rank=2))
    loaded = load(str(half_trained), KERNELS, options=lora)
    if continued:
        shift(loaded.model)
        loaded.save(tmp_path / "adapters")
        loaded = load(str(tmp_path / "adapters"), KERNELS, options=lora)
    reader = Reader(loaded)
    began = reader.logprobs(rows)[0]
    shift(loaded.model)
    assert not torch.allclose(reader.logprobs(rows)[0], began)
    torch.testing.assert_close(reader.logprobs(rows, "start")[0], began)


def shift(model: Any) -> None:
    """Move adapters away from where they are, and from doing nothing."""
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora" in name:
                weights.add_(0.1)


def test_a_model_with_other_tokens_is_refused(asked):
    extra, rows = asked
    with pytest.raises(UserError, match="other tokens"):
        extra.logprobs(rows, "smollm2")


def test_processes_share_what_is_read(half_trained: Path, asked):
    _, rows = asked
    reader = Reader(load(str(half_trained), KERNELS))
    whole = reader.logprobs(rows)
    shares = []

    class Half:
        count = 2

        def gathered(self, mine: list[Any]) -> list[Any]:
            shares.append(mine)
            return mine

    for index in (0, 1):
        reader.processes = Half()  # pyright: ignore[reportAttributeAccessIssue]
        reader.processes.index = index  # pyright: ignore[reportAttributeAccessIssue]
        reader.logprobs(rows)
    assert [len(share) for share in shares] == [8, 8]
    for one, two in zip(whole, [*shares[0], *shares[1]], strict=True):
        torch.testing.assert_close(one, two)


def test_replies_that_are_begun_are_gone_on_with(tmp_path: Path):
    env = StringTransform(preset="tiny")
    trainer = trainer_of(Path("tiny-base"), tmp_path, uniform(env, "train", (2,), 0))
    extra = _Extra(trainer.collector, trainer.collector._params(0))
    like = trainer.collector.round(0).rollouts[::4]
    begun = [first_steps(env, row.task, 1) or "" for row in like]
    assert all(begun)
    spent = extra.collector.budget.generated_tokens
    rows = extra.sample(like, [row.task.messages for row in like], 2, begun, temperature=0.5)
    assert len(rows) == 8
    for row, start in zip(rows, [each for each in begun for _ in (0, 1)], strict=True):
        given = len(row.mask) - sum(row.mask)
        assert row.text.startswith(start)
        assert row.mask == [0] * given + [1] * (len(row.ids) - given)
        assert extra.collector.sampler.codec.decode([row.ids[:given]]) == [start]
    new = extra.collector.budget.generated_tokens - spent
    assert new == sum(row.sampled for row in rows) == sum(sum(row.mask) for row in rows)


def test_steps_of_what_was_sampled_and_shown_are_tokens(tmp_path: Path):
    env = StringTransform(preset="tiny")
    trainer = trainer_of(Path("tiny-base"), tmp_path, uniform(env, "train", (2,), 0))
    codec = trainer.collector.sampler.codec
    trainer.collector.sampler.with_steps = True
    like = trainer.collector.round(0).rollouts[::4]
    extra = _Extra(trainer.collector, trainer.collector._params(0))
    for row in extra.demonstrate(like):
        calls = row.task.data["steps"]
        assert len(row.steps) == len(row.value_starts) == len(calls)
        for (start, end, right), at, (call, value) in zip(
            row.steps, row.value_starts, calls, strict=True
        ):
            assert right
            written = codec.decode([row.ids[start:at], row.ids[at:end]])
            assert written == [f"{call}=", value]
        place = row.text.index(calls[1][0])
        (found,) = extra.spans(row, [(place, place + 3)])
        assert codec.decode([row.ids[slice(*found)]]) == [calls[1][0][:3]]


def test_prompts_with_help_can_be_taken_back(tmp_path: Path):
    env = StringTransform(preset="tiny")
    trainer = trainer_of(Path("tiny-base"), tmp_path, uniform(env, "train", (2,), 0))
    extra = _Extra(trainer.collector, trainer.collector._params(0))
    like = trainer.collector.round(0).rollouts[::4]
    shown = [hinted(env, row.task, "answer") for row in like]
    rows = extra.sample(like, [messages for messages in shown if messages], 1)
    for row, plain in zip(rows, like, strict=True):
        assert len(row.prompt_ids) > len(plain.prompt_ids)
    extra.ask_plainly(rows)
    assert [row.prompt_ids for row in rows] == [row.prompt_ids for row in like]


def test_completions_can_be_read_behind_another_prompt(tmp_path: Path):
    env = StringTransform(preset="tiny")
    trainer = trainer_of(Path("tiny-base"), tmp_path, uniform(env, "train", (2,), 0))
    extra = _Extra(trainer.collector, trainer.collector._params(0))
    rows = trainer.collector.round(0).rollouts[::4]
    prompts = [list(row.prompt_ids) for row in rows]
    shown = [hinted(env, row.task, "solution") for row in rows]
    assert all(
        messages[-1]["content"].endswith(f"(A solution: {env.solution(row.task)})")
        for messages, row in zip(map(list, filter(None, shown)), rows, strict=True)
    )
    copies = extra.behind(rows, [messages for messages in shown if messages])
    assert [row.prompt_ids for row in rows] == prompts
    for copied, row in zip(copies, rows, strict=True):
        assert copied.ids == row.ids
        assert len(copied.prompt_ids) > len(row.prompt_ids)
    assert not torch.equal(extra.logprobs(copies)[0], extra.logprobs(rows)[0])


def test_help_is_there_where_an_environment_has_it():
    env = StringTransform(preset="clean")
    task = env.task("train", 2, 0)
    (message,) = list(hinted(env, task, "definitions") or [])
    assert message["content"] != task.prompt
    assert all(f"def {name}(" in message["content"] for name in task.skills)
    assert hinted(StringTransform(preset="tiny"), task, "definitions") is None
    solution, begun = env.solution(task), first_steps(env, task, 5)
    assert begun
    assert solution.startswith(begun)
    assert first_steps(env, env.task("train", 1, 0), 1) is None
