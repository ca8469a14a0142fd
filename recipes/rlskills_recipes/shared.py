"""Settings that most recipes share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from rlskills.environments import Environment
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, Claim, EvalConfig, RunConfig, Study, checks
from rlskills.models.options import ModelOptions
from rlskills.runs.claims import applicable


@dataclass(frozen=True, kw_only=True)
class StudyConfig(RunConfig):
    """Seeds, the starting model, and the size of the evaluation."""

    seeds: int = 1
    """Repetitions, each with its own initial weights and draws."""
    first_seed: int = 0
    """Number of the first repetition; several processes can share the seeds of one folder."""
    model: str = "tiny"
    """Where training starts: the presets `tiny` (from scratch), `tiny-base` (taught 64 string
    functions) and `smollm2` (a chat model of 135 million weights), or a Hugging Face name or
    folder."""
    model_options: ModelOptions = ModelOptions()
    """How that model is loaded and spoken to."""
    eval_tasks: int = 128
    """Problems of each eval set."""
    samples: int = 8
    """Sampled answers to each of them at the end, for pass@k."""

    def __post_init__(self) -> None:
        checks.positive(seeds=self.seeds, eval_tasks=self.eval_tasks)
        checks.not_negative(first_seed=self.first_seed, samples=self.samples)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The numbers of all repetitions."""
        return tuple(range(self.first_seed, self.first_seed + self.seeds))

    def common(self) -> dict[str, Any]:
        """The settings of this class, for the configuration of another recipe."""
        return {setting.name: getattr(self, setting.name) for setting in fields(StudyConfig)}

    def study_of(
        self,
        name: str,
        title: str,
        arms: Sequence[ArmConfig],
        groups: Mapping[str, Environment],
        levels: Iterable[int],
        max_new_tokens: int,
        claims: Iterable[Claim] = (),
        **more: Any,
    ) -> Study:
        """A study of `arms`, evaluated on `levels` of each of `groups`; `more` as in `Study`.

        Of `claims`, which are those of all arms that a recipe has, it makes those that it can test.
        """
        eval_sets = tuple(make_eval_sets(groups, levels, self.eval_tasks))
        asked = {(each.group, each.level) for each in eval_sets}
        return Study(
            name,
            title,
            tuple(arms),
            eval_sets,
            EvalConfig(max_new_tokens, self.samples),
            **{
                "claims": applicable(claims, {arm.name for arm in arms}, asked),
                "seeds": self.all_seeds,
                "model": self.model,
                "model_options": self.model_options,
                **more,
            },
        )
