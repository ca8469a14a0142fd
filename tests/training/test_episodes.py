"""GRPO, RFT and SFT on episodes of several turns: what is learned from, and exact resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.environments import Play, demonstration
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.packing import IGNORE
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.sft import SFT
from rlskills.training.stream import TaskStream, uniform
from rlskills.training.trl import RLTrainer
from rlskills_envs.function_guess import FunctionGuess

from .small import KERNELS, Bits, chat_model_and_tokenizer
from .small import train as train_arm
from .test_resume import result

# Something to gain for a model that has only learned the form of the game.
REWARD = {"answer": 1.0, "format": 0.3, "queries": 0.1}
ENV = FunctionGuess(preset="tiny", pool=4, reward=REWARD)
GRPO_SMALL: dict[str, Any] = {
    "max_steps": 4,
    "prompts_per_step": 8,
    "group_size": 4,
    "max_new_tokens": 60,
    "learning_rate": 1e-3,
}


def games(seed: int = 1) -> TaskStream:
    return uniform(ENV, "train", (1, 2), seed)


def train(folder: Path, arm: str, model: Path, settings: Any, tasks: TaskStream) -> str:
    eval_sets = tuple(make_eval_sets({"guess": ENV}, (1, 2), 6))
    more = {"eval_sets": eval_sets, "evaluation": EvalConfig(60, 2), "curve_tasks": 3}
    return train_arm(folder, arm, str(model), settings, tasks, **more)


@pytest.fixture(scope="session")
def player(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has seen how experts play, and seldom answers right."""
    settings = SFTSettings(
        max_steps=60, batch_size=32, learning_rate=5e-3, eval_every=0, save_every=100
    )
    folder = tmp_path_factory.mktemp("player")
    return Path(train(folder, "base", small_model, settings, games(0)))


def trainer(method: Any, settings: Any, folder: Path, model: Path | str, tasks: Any = None) -> Any:
    torch.set_num_threads(1)
    return method(
        load(str(model), KERNELS), tasks or games(), settings,
        folder, budget=Budget(),
    )  # fmt: skip


def one_round(settings: Any, folder: Path, model: Path) -> tuple[Any, dict, list]:
    """A trainer, one batch of its, and the rollouts behind the batch."""
    made = trainer(RLTrainer, settings, folder, model)
    batch = made._generate_and_score_completions(next(iter(made)))
    return made, batch, made.rounds[0].rollouts


def test_grpo_trains_on_games_and_ends_like_itself_after_a_stop(player: Path, tmp_path: Path):
    """Stopped in the middle of an update and run again, it ends bit for bit as undisturbed."""
    settings = RLSettings(**GRPO_SMALL, eval_every=2, save_every=2, gradient_accumulation_steps=2)
    torch.set_num_threads(1)
    train(tmp_path / "whole", "grpo", player, settings, games())

    class Stopped(TaskStream):
        draws = 0

        def observe(self, outcomes: Any) -> None:
            super().observe(outcomes)
            self.draws += 1
            if self.draws == 4:
                raise KeyboardInterrupt

    stream = games()
    stopped = Stopped(stream.sources, stream.curriculum)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", "grpo", player, settings, stopped)
    checkpoints = (tmp_path / "stopped/seed0/grpo/checkpoints").glob("checkpoint-*")
    assert [path.name for path in checkpoints] == ["checkpoint-2"]
    train(tmp_path / "stopped", "grpo", player, settings, games())
    whole = result(tmp_path / "whole", ["grpo"])
    assert result(tmp_path / "stopped", ["grpo"]) == whole

    last = whole["grpo"]["metrics"][-1]
    assert last["rollouts"] == 4 * 8 * 4
    assert last["trained_tokens"] <= last["generated_tokens"] <= last["rollouts"] * 60
    assert last["metrics"]["train/turns"] > 1
    before, after = (load(str(m), KERNELS).model.state_dict()
                     for m in (player, tmp_path / "whole/seed0/grpo/model"))  # fmt: skip
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_what_the_environment_said_has_no_gradient(player: Path, tmp_path: Path):
    """The gradient is that of the model's own tokens; with all tokens it would be another."""
    made, batch, _ = one_round(RLSettings(**GRPO_SMALL), tmp_path, player)
    assert bool((batch["advantages"] != 0).any())
    assert bool(((batch["tool_mask"] == 0) & (batch["completion_mask"] == 1)).any())
    made.model.zero_grad()
    made.current_gradient_accumulation_steps = 1
    made._compute_loss(made.model, batch).backward()
    theirs = {n: p.grad.clone() for n, p in made.model.named_parameters() if p.grad is not None}

    def by_hand(mask: torch.Tensor) -> dict[str, torch.Tensor]:
        made.model.zero_grad()
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
        seen = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
        width = batch["completion_ids"].shape[1]
        logits = made.model(input_ids=ids, attention_mask=seen).logits[:, -width - 1 : -1]
        logps = logits.log_softmax(-1).gather(2, batch["completion_ids"][..., None])[..., 0]
        (-(logps * mask * batch["advantages"]).sum() / mask.sum()).backward()
        return {n: p.grad.clone() for n, p in made.model.named_parameters() if p.grad is not None}

    mine = by_hand(batch["completion_mask"] * batch["tool_mask"])
    everything = by_hand(batch["completion_mask"])
    for name, gradient in theirs.items():
        torch.testing.assert_close(gradient, mine[name], rtol=1e-3, atol=1e-6)
    assert any(not torch.allclose(theirs[n], everything[n], rtol=1e-2, atol=1e-5) for n in theirs)


def test_rows_hold_what_was_seen_and_said(player: Path, tmp_path: Path):
    settings = RLSettings(**GRPO_SMALL, treatments=("grpo?zero_variance=keep",))
    made, batch, found = one_round(settings, tmp_path, player)
    tokenizer = made._tokenizer
    assert len(found) == len(batch["advantages"]) == 32
    for row, rollout in enumerate(found):
        here = batch["completion_mask"][row] == 1
        assert batch["completion_ids"][row][here].tolist() == rollout.ids
        assert batch["tool_mask"][row][here].tolist() == rollout.mask
        shown = batch["prompt_mask"][row] == 1
        assert batch["prompt_ids"][row][shown].tolist() == rollout.prompt_ids
        assert tokenizer.decode(rollout.prompt_ids) == rollout.task.text
        # Played again with the same replies, the environment says the same, to the letter.
        masked = [t if not mine else 1 for t, mine in zip(rollout.ids, rollout.mask, strict=True)]
        observed = tokenizer.decode(masked).replace("<eos>", " ").split()
        again = Play(rollout.env.start(rollout.task))
        for text in replies_of(rollout, tokenizer):
            again.reply(text)
        said = [m["content"] for m in again.messages if m["role"] == "user"]
        assert observed == said[1 : 1 + len(observed)]
    for group in made.rounds[0].groups():  # one task for a group, an episode for each completion
        assert len({id(rollout.task) for rollout in group}) == 1
    assert made.budget.generated_tokens == sum(sum(rollout.mask) for rollout in found)
    assert made.budget.trained_tokens == made.budget.generated_tokens


def replies_of(rollout: Any, tokenizer: Any) -> list[str]:
    """The texts that the policy sampled, one for each turn."""
    texts, current = [], []
    for token, mine in zip(rollout.ids, rollout.mask, strict=True):
        if mine:
            current.append(token)
        elif current:
            texts.append(tokenizer.decode(current, skip_special_tokens=True))
            current = []
    return [*texts, tokenizer.decode(current, skip_special_tokens=True)] if current else texts


def test_episodes_are_played_again_alike_from_the_same_state(player: Path, tmp_path: Path):
    rounds = [one_round(RLSettings(**GRPO_SMALL), tmp_path, player) for _ in range(2)]
    (_, one, first), (_, two, second) = rounds
    assert [r.ids for r in first] == [r.ids for r in second]
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert len({tuple(r.ids) for r in first}) > 16


def test_demonstrations_teach_the_replies_and_nothing_else(small_model: Path, tmp_path: Path):
    made = trainer(SFT, SFTSettings(max_steps=1, batch_size=6, save_every=9), tmp_path, small_model)
    tokenizer = made._tokenizer
    batch = next(iter(made))
    drawn = games().draw(6)
    expected = [
        m["content"] + "<eos>"
        for one in drawn
        for m in demonstration(one.env, one.task).messages
        if m["role"] == "assistant"
    ]
    learned = [
        tokenizer.decode([t for t in row if t != IGNORE]) for row in batch["labels"].tolist()
    ]
    assert sorted("".join(learned).split("<eos>")) == sorted("".join(expected).split("<eos>"))
    assert made.budget.trained_tokens == sum(len(t) - len("<eos>") + 1 for t in expected)


def test_bare_answers_are_demonstrated_at_once(small_model: Path, tmp_path: Path):
    settings = SFTSettings(max_steps=1, batch_size=4, target="answer", save_every=9)
    made = trainer(SFT, settings, tmp_path, small_model)
    sequences = made._sequences(games().draw(4))
    for (ids, mask), one in zip(sequences, games().draw(4), strict=True):
        shown = [token for token, mine in zip(ids, mask, strict=True) if mine]
        assert made._tokenizer.decode(shown) == f"#{one.task.answer}<eos>"


def test_rft_keeps_right_episodes_only(player: Path, tmp_path: Path):
    settings = RLSettings(treatments=("rft",), **GRPO_SMALL)
    _, batch, found = one_round(settings, tmp_path, player)
    right = [rollout.ids for rollout in found if rollout.score.correct]
    kept = int((batch["advantages"] > 0).any(1).sum())
    assert kept == len(right)
    here = batch["completion_mask"] == 1
    assert [batch["completion_ids"][i][here[i]].tolist() for i in range(kept)] == right


def test_single_and_several_turns_in_one_stream(player: Path, tmp_path: Path):
    from rlskills.training.stream import Source, mixture

    stream = mixture(
        {"bits": (Source(Bits(), "train", 1), 1.0), "guess": (Source(ENV, "train", 1), 1.0)}, 0
    )
    made = trainer(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, player, stream)
    made.train()
    assert made.budget.rollouts == 4 * 32
    assert {rollout.env.multi_turn for rollout in made.rounds[0]} == {True, False}
    sft = trainer(
        SFT, SFTSettings(max_steps=1, batch_size=8, save_every=9), tmp_path, player, stream
    )
    assert len(sft._sequences(stream.draw(8))) == 8


def test_probes_of_several_turns_are_evaluated(player: Path):
    loaded = load(str(player), KERNELS)
    eval_sets = make_eval_sets({"bits": Bits()}, (1,), 4) + make_eval_sets(
        {"guess": ENV}, (1, 2), 5
    )
    records = evaluate(loaded, eval_sets, EvalConfig(60, samples=3))
    assert [len(record["tasks"]) for record in records] == [4, 5, 5]
    assert records == evaluate(loaded, eval_sets, EvalConfig(60, samples=3))
    statuses = {task["status"] for record in records[1:] for task in record["tasks"]}
    assert statuses <= {"ok", "unparsed", "truncated"}
    assert "ok" in statuses
    short = evaluate(loaded, eval_sets[1:], EvalConfig(2))
    assert {task["status"] for record in short for task in record["tasks"]} == {"truncated"}


@pytest.mark.parametrize("method", [RLTrainer, SFT], ids=["grpo", "sft"])
def test_other_models_with_a_chat_template_play_too(tmp_path: Path, method: Any):
    """Sampled by the library's own `generate`, one turn after the other."""
    model, tokenizer = chat_model_and_tokenizer()
    with torch.no_grad():  # an untrained model hardly ever ends a turn; this one often does
        model.lm_head.weight[1] *= 12
    model.save_pretrained(tmp_path / "chat")
    tokenizer.save_pretrained(tmp_path / "chat")
    settings = (
        RLSettings(max_steps=2, prompts_per_step=4, group_size=4, max_new_tokens=24, save_every=9)
        if method is RLTrainer
        else SFTSettings(max_steps=2, batch_size=4, save_every=9)
    )
    made = trainer(method, settings, tmp_path, tmp_path / "chat")
    if method is SFT:
        made.train()
        return
    _, _, found = one_round(settings, tmp_path, tmp_path / "chat")
    assert max(rollout.turns for rollout in found) > 1
    for rollout in found:
        assert rollout.sampled <= 24
        ids = rollout.prompt_ids + rollout.ids
        text = made._tokenizer.decode(ids, skip_special_tokens=True)
        for reply in replies_of(rollout, made._tokenizer):
            assert f"[assistant]{reply}" in text
    made.train()
    assert made.budget.rollouts == 2 * 16


def test_one_turn_takes_the_ordinary_path(small_model: Path, tmp_path: Path):
    tasks = uniform(Bits(), "train", (1,), 0)
    made = trainer(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, small_model, tasks)
    assert not made.collector.episodes
    batch = made._generate_and_score_completions(next(iter(made)))
    assert torch.equal(batch["tool_mask"], batch["completion_mask"])
