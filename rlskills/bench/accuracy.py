"""Whether speed is bought with accuracy: the same updates by each contestant, then a fixed test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..evaluation.eval_sets import make_eval_sets
from ..evaluation.evaluate import evaluate
from ..evaluation.settings import EvalConfig
from ..models.kernels import Kernels
from ..models.loaded import LoadedModel
from ..stats import Interval, accuracy_interval, paired_difference
from .contestants import OURS, TUNED, Contestant
from .options import TrainOptions
from .start import Start
from .work import Work

BASE = "base"


@dataclass(frozen=True)
class Learned:
    """Greedy answers on the held-out problems, right (1) or wrong (0): one list for each seed."""

    contestant: str
    right: list[list[int]]
    completions: int
    """Sampled for it, in each seed."""

    @property
    def accuracy(self) -> Interval:
        """With an interval over seeds, or over problems where there are fewer than three."""
        return accuracy_interval(self.right)

    def difference(self, other: Learned) -> Interval:
        """This accuracy minus that of `other`, problem by problem and seed by seed."""
        return paired_difference(self.right, other.right)


def learned(
    contestants: Sequence[Contestant],
    start: Start,
    kernels: dict[str, Kernels],
    options: TrainOptions,
    done: Callable[[str], None],
) -> list[Learned]:
    """Train every contestant from the same weights under each seed, and ask what it learned.

    The first is the model as it begins. `done` is told of every training.
    """
    work = Work.of(
        options, max_steps=options.accuracy_updates, learning_rate=options.learning_rate,
        lr_scheduler="linear", warmup_steps=min(5, options.accuracy_updates - 1),
    )  # fmt: skip
    found: dict[str, list[list[int]]] = {BASE: []}
    for seed in range(options.accuracy_seeds):
        seeded = replace(work, settings=replace(work.settings, seed=seed))
        first = start.load(kernels[contestants[0].name], seed)
        found[BASE].append(_asked(first, seeded, options))
        for contestant in contestants:
            loaded = start.load(kernels[contestant.name], seed)
            with TemporaryDirectory() as folder:
                ready = contestant.ready(loaded, seeded, Path(folder))
                ready.trainer.train()
                ready.close()
            right = _asked(loaded, seeded, options)
            found.setdefault(contestant.name, []).append(right)
            done(f"seed {seed}, {contestant.name}: {sum(right) / len(right):.3f}")
    spent = work.completions * options.accuracy_updates
    return [Learned(name, rows, 0 if name == BASE else spent) for name, rows in found.items()]


def _asked(loaded: LoadedModel, work: Work, options: TrainOptions) -> list[int]:
    """The same problems for every contestant and seed, which none of them trains on."""
    sets = make_eval_sets({"held_out": work.env}, work.levels, options.accuracy_problems)
    records = evaluate(loaded, sets, EvalConfig(work.settings.max_new_tokens))
    return [int(task["greedy"]) for record in records for task in record["tasks"]]


def differences(found: Sequence[Learned]) -> list[tuple[str, Interval]]:
    """Of ours to tuned TRL, by contestant."""
    (stock,) = (each for each in found if each.contestant == TUNED)
    ours = [each for each in found if each.contestant.startswith(OURS)]
    return [(each.contestant, each.difference(stock)) for each in ours]
