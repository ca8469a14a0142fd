"""A small experiment of seconds: shared by tests, and the program that the kill test kills.

Run as `python small.py FOLDER`: supervised stage, then GRPO from it, both with checkpoints.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rlskills import environments
from rlskills.console import Console
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, EvalConfig, Machine, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.models.kernels import Kernels
from rlskills.models.tiny import TinyConfig, save_tiny, tiny_tokenizer
from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills.training.stream import TaskStream, taught, uniform, units_of

KERNELS = Kernels("eager", "medium")
MACHINE = Machine(threads=1, attention="eager", precision="medium")
TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
SMALL = TinyConfig(hidden=32, layers=1, heads=2, max_length=256)


def chat_model_and_tokenizer() -> tuple[Any, Any]:
    """A small model of another architecture than the presets, with a chat template."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = tiny_tokenizer(256)
    tokenizer.chat_template = TEMPLATE
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
        eos_token_id=1, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):  # not what the tests before have left
        torch.manual_seed(0)
        return Qwen2ForCausalLM(config), tokenizer


class Bits(environments.Environment):
    """Copy a few letters: a task that an untrained model sometimes gets right."""

    name = "bits"
    levels = ({"length": 1}, {"length": 2})

    from dataclasses import dataclass as _dataclass

    @_dataclass(frozen=True)
    class Config(environments.Environment.Config):
        length: int = 1

    def make(self, rng: Any, cfg: Any) -> environments.Draft:
        word = "".join(rng.choice("ab") for _ in range(cfg.length))
        salt = rng.randrange(10**6)
        return environments.Draft(
            prompt=f"{salt} {word}=", answer=word, skills=(f"copy{cfg.length}",)
        )

    def parse(self, text: str) -> str | None:
        return text[:4] or None

    def answer_only(self, task: environments.Task) -> str:
        return task.answer or ""


def stream(seed: int = 0) -> TaskStream:
    return uniform(Bits(), "train", (1, 2), seed)


def lessons() -> TaskStream:
    """The same tasks under the curriculum with the most state."""
    return taught(units_of(Bits(), "train", (1, 2)), "default?window=8", 1)


EVAL_SETS = tuple(make_eval_sets({"all": Bits()}, (1, 2), 8))


def small_study(*arms: ArmConfig, model: str = "tiny", **more: Any) -> Study:
    defaults = {"eval_sets": EVAL_SETS, "evaluation": EvalConfig(6, 2), "curve_tasks": 4}
    return Study("small", "Does it copy letters?", arms, **defaults | more, model=model)


def run(
    study: Study, folder: Path, machine: Machine = MACHINE, console: Console | None = None
) -> None:
    config = RunConfig(output=folder, machine=machine)
    run_study(study, config, console or Console(quiet=True))


def train(
    folder: Path, arm: str, model: str, settings: Training, tasks: TaskStream, **more: Any
) -> str:
    """Train one arm in folder/seed0 and return its model."""
    config = ArmConfig(arm, Supervision.ANSWERS, settings, tasks)
    run(small_study(config, model=model, **more), folder)
    return str(folder / "seed0" / arm / "model")


def main(folder: Path) -> None:
    start = folder / "untrained"
    if not (start / "tokenizer.json").exists():
        save_tiny(start, 0, SMALL)
    sft = SFTSettings(
        max_steps=30,
        batch_size=32,
        optimizer="muon",
        learning_rate=5e-3,
        eval_every=10,
        save_every=4,
    )
    outside = Path(__file__).parent / "treatments" / "outside.py"
    grpo = RLSettings(
        treatments=("grpo", f"{outside}:Demonstrate", f"{outside}:Wander"),
        max_steps=8, prompts_per_step=8, group_size=4, max_new_tokens=6, eval_every=3, save_every=2,
        gradient_accumulation_steps=2, learning_rate=1e-3,
    )  # fmt: skip
    base = ArmConfig("base", Supervision.STEPS, sft, stream())
    arm = ArmConfig("grpo", Supervision.ANSWERS, grpo, lessons(), start="base")
    run(small_study(base, arm, model=str(start)), folder, console=Console(stderr=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
