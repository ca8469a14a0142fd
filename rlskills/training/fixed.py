"""Supervised fine-tuning on a fixed data set, over some epochs (`collected.py` makes the data)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from accelerate import PartialState
from torch import Tensor
from typing_extensions import override

from ..environments import seed_from
from ..errors import UserError
from ..models.loaded import LoadedModel
from ..runs.metrics import Budget
from .collected import FOLDER, Row, read_rows
from .packing import Sequence, pack
from .settings import CollectSettings
from .sft import SFT
from .stream import TaskStream


class FixedSFT(SFT):
    """Trains on every row of the run's data set `settings.epochs` times.

    What an update is trained on follows from its number alone, so a run that is resumed needs no
    more than that. `settings` are those that `CollectSettings.resolved` made for these rows.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        stream: TaskStream,
        settings: CollectSettings,
        checkpoints: Path,
        budget: Budget | None = None,
    ) -> None:
        self.rows = read_rows(checkpoints.parent / FOLDER)
        self.collected = settings
        self.batches = batches(len(self.rows), settings)
        shares = PartialState().num_processes * settings.gradient_accumulation_steps
        if min(map(len, self.batches)) < shares:
            raise UserError(
                f"{len(self.rows)} completions make updates of {min(map(len, self.batches))}, too "
                f"few for processes x gradient_accumulation_steps ({shares})"
            )
        super().__init__(loaded, stream, cast(Any, settings), checkpoints, budget)

    @override
    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        world, rank = self.args.world_size, self.args.process_index
        parts = self.args.gradient_accumulation_steps
        one_row, pad = self.loaded.kernels.one_row, self.loaded.codec.pad
        while (step := self.state.global_step) < len(self.batches):
            mine = [self._sequence(self.rows[i]) for i in self.batches[step][rank::world]]
            learned = sum(sum(mask) for _, mask in mine)
            self.budget.trained_tokens += int(self._over_processes(learned))
            for part in range(parts):
                yield pack(mine[part::parts], pad, one_row)

    def _sequence(self, row: Row) -> Sequence:
        """Prompt and completion, cut at `max_length`; the completion is learned."""
        end = self.collected.max_length or None
        ids = [*row.prompt, *row.completion]
        learned = [0] * len(row.prompt) + [1] * len(row.completion)
        return ids[:end], learned[:end]


def batches(rows: int, settings: CollectSettings) -> list[list[int]]:
    """The rows of every update: each epoch in an order of its own, sizes that differ by one.

    Steps are counted as `CollectSettings.resolved` does, so the last update is no small rest.
    """
    order: list[int] = []
    for epoch in range(settings.epochs):
        numbers = list(range(rows))
        random.Random(seed_from("epoch", settings.seed, epoch)).shuffle(numbers)
        order += numbers
    steps = -(-len(order) // settings.batch_size)
    cuts = [step * len(order) // steps for step in range(steps + 1)]
    return [order[a:b] for a, b in pairwise(cuts)]
