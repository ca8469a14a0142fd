"""GRPO on two processes; each writes down what it saw.

First on problems of one turn, then on games of several.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from transformers import PrinterCallback

from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.settings import RLSettings
from rlskills.training.stream import TaskStream, uniform
from rlskills.training.trl import RLTrainer
from rlskills_envs.function_guess import FunctionGuess

from .small import KERNELS, lessons


class Watched(RLTrainer):
    """Notes the tasks of every round, what this process sampled of them, and the states."""

    rows: list[list[str]]
    drawn: list[int]
    states: list[Any]

    def _generate_and_score_completions(self, inputs):
        before = self.spent
        output = super()._generate_and_score_completions(inputs)
        sampled = [r for r in self.rounds[0] if r.origin == "sampled"]
        self.rows.append([r.task.key + str(r.ids) for r in sampled])
        self.drawn.append(self.spent - before)
        self.states.append(self.stream.state_dict())
        return output

    def watch(self) -> None:
        """Count the completions that the engine of this process draws first in each round."""
        engine, self.spent = self.collector.sampler.engine, 0
        generate = engine.generate

        def counted(prompts, params, seed):
            self.spent += len(prompts) * params.n if params.n > 1 else 0
            return generate(prompts, params, seed)

        engine.generate = counted


OUTSIDE = Path(__file__).parent / "treatments" / "outside.py"


def train(model: str, folder: Path, tasks: TaskStream, max_new_tokens: int) -> None:
    settings = RLSettings(
        max_steps=3,
        prompts_per_step=8,
        group_size=4,
        max_new_tokens=max_new_tokens,
        save_every=3,
        treatments=("grpo", f"{OUTSIDE}:Demonstrate"),
    )
    trainer = Watched(load(model, KERNELS), tasks, settings, folder, Budget())
    trainer.rows, trainer.states, trainer.drawn = [], [], []
    trainer.watch()
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    weights = hashlib.sha256()
    model_now: Any = trainer.model
    for parameter in model_now.parameters():
        weights.update(parameter.detach().numpy().tobytes())
    logs = [one["train/turns"] for one in trainer.state.log_history if "train/turns" in one]
    shown = [logs["train/cross_entropy"] for logs in trainer.state.log_history
             if "train/cross_entropy" in logs]  # fmt: skip
    seen = {
        "cross_entropy": shown,
        "rows": trainer.rows,
        "sampled": trainer.drawn,
        "states": trainer.states,
        "state": trainer.stream.state_dict(),
        "budget": trainer.budget.__dict__,
        "weights": weights.hexdigest(),
        "turns": logs,
    }
    (folder / f"rank{trainer.args.process_index}.json").write_text(json.dumps(seen))


def main(model: str, folder: Path) -> None:
    guess = FunctionGuess(preset="tiny", pool=4, reward={"answer": 1.0, "queries": 0.1})
    for name, tasks, tokens in (
        ("bits", lessons(), 6), ("games", uniform(guess, "train", (1, 2), 0), 40),
    ):  # fmt: skip
        (folder / name).mkdir(exist_ok=True)
        train(model, folder / name, tasks, tokens)
