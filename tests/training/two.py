"""GRPO on two processes; each writes down what it saw. Run under torchrun: two.py MODEL FOLDER."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback

from rlskills.models.loading import load_model, load_tokenizer
from rlskills.runs.metrics import Budget
from rlskills.training.grpo import GRPO
from rlskills.training.settings import GRPOSettings

from tests.training.small import KERNELS, lessons  # isort: skip


class Watched(GRPO):
    """Notes the tasks of every row that this process is given."""

    rows: list[list[str]]
    states: list[Any]

    def _calculate_rewards(self, inputs, prompts, completions, completion_ids_list):
        self.rows.append([one["drawn"].task.key for one in inputs])
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        self.states.append(self.stream.state_dict())
        return rewards


def main(model: str, folder: Path) -> None:
    torch.set_num_threads(1)
    settings = GRPOSettings(updates=3, prompts=8, group=4, max_new_tokens=6, save_every=3)
    trainer = Watched(
        load_model(model, KERNELS), load_tokenizer(model), lessons(), settings, folder, Budget()
    )
    trainer.rows, trainer.states = [], []
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    weights = hashlib.sha256()
    model_now: Any = trainer.model
    for parameter in model_now.parameters():
        weights.update(parameter.detach().numpy().tobytes())
    seen = {
        "rows": trainer.rows,
        "states": trainer.states,
        "state": trainer.stream.state_dict(),
        "budget": trainer.budget.__dict__,
        "weights": weights.hexdigest(),
    }
    (folder / f"rank{trainer.args.process_index}.json").write_text(json.dumps(seen))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
