"""The interface of a training method: stages that read and write one `RolloutBatch`.

In each round every treatment of the arm runs, in order, through one stage after the other:

    prompt     what a task asks
    sampling   how completions are drawn
    augment    further rows: demonstrations, samples of another prompt
    shape      rewards
    credit     advantages, one for a rollout or one for each token
    select     which tokens enter the policy-gradient loss and the cross-entropy, with what weight
    adapt      after the round, before the update: what the treatment itself learns
    frozen     parameters that the update leaves as they are

A supervised arm has no rounds. There `frozen` acts as everywhere, and

    demonstrated   what each demonstration weighs in the cross-entropy

The base class does nothing in any of them. Under several processes every process runs all stages on
the whole round, so a treatment needs no communication, and must not draw from global generators.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from ...environments import Message, Task
from ...errors import UserError
from ...generation.engine import SamplingParams
from ...spec import Registry, Spec, typed
from ..batch import Rollout, RolloutBatch
from ..by_token import Value

ADVANTAGES = "sets the advantages of rollouts"
STAGES = (
    "prompt", "sampling", "augment", "shape", "credit", "select", "adapt", "frozen", "demonstrated",
)  # fmt: skip
"""All of them, by the methods of `Treatment`."""


class Sampler(Protocol):
    """What `augment` may ask for. Rollouts count in the budgets, demonstrations as samples."""

    def sample(
        self,
        like: Sequence[Rollout],
        prompts: Sequence[Sequence[Message]],
        n: int,
        begun: Sequence[str] = (),
        temperature: float | None = None,
    ) -> list[Rollout]:
        """`n` graded completions of each of `prompts`, in the group and for the task of the
        rollout in `like` beside it.

        With `begun`, a text for each prompt, replies begin with that and the policy goes on; the
        mask of what was given is 0. Without a `temperature` they are drawn like the round.
        """
        ...

    def demonstrate(self, like: Sequence[Rollout]) -> list[Rollout]:
        """A worked solution of each rollout's task, as a row of its group without any weight."""
        ...

    def ask_plainly(self, rows: Sequence[Rollout]) -> None:
        """Put the task's own prompt before completions that were sampled behind another one."""
        ...

    def behind(
        self, rows: Sequence[Rollout], prompts: Sequence[Sequence[Message]]
    ) -> list[Rollout]:
        """Copies of `rows` with other prompts before their completions: to be read, not added."""
        ...

    def spans(self, row: Rollout, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Tokens [start, end) that hold any of the characters [start, end) of its text."""
        ...

    def logprobs(self, rows: Sequence[Rollout], model: str = "") -> list[Tensor]:
        """Log-probability of every completion token (T) behind the row's prompt: by the policy as
        it is, by the model that the arm began with (`start`), or by another one with the same
        tokenizer, by name or folder."""
        ...

    def hidden(self, rows: Sequence[Rollout], model: str = "start") -> Tensor:
        """Means of a model's last hidden states over the completion tokens of each row (N, D)."""
        ...


class Treatment:
    """Base class of every treatment."""

    @dataclass(frozen=True)
    class Options:
        """A subclass puts its own fields here."""

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    paper: ClassVar[str] = ""
    sets_credit: ClassVar[bool] = False
    """Whether its `credit` needs none before it. An arm in which no treatment does begins with
    `grpo`."""
    needs_steps: ClassVar[bool] = False
    """Whether rollouts must say which tokens their worked steps are."""
    role: ClassVar[str] = ""
    """What only one treatment of an arm can do, in words: `deals with groups that fail`."""
    supervision: ClassVar[str] = "answers"
    """What it learns from: `answers`, or `every step` where it uses worked solutions."""
    max_resamples: int = 0
    """Further rounds that may be sampled for one update while too few rollouts are kept."""

    def __init__(self, seed: int = 0, **options: object) -> None:
        """Options by name, as values or as text; a `UserError` for an unknown or impossible one."""
        owner = self.name or type(self).__name__
        self.options: Any = self.Options(**typed(options, self.Options, owner))
        self.spec = Spec(owner, asdict(self.options))
        self.rng = random.Random(seed)
        self.setup()

    def setup(self) -> None:
        """Work out what does not change; called once, after `options` are set."""

    def prompt(self, messages: Sequence[Message], task: Task) -> Sequence[Message]:
        """What a task asks in this round, the same of all rollouts of its group."""
        return messages

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """How to draw the completions of this round; `step` counts updates from 0."""
        return params

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Add rows by `batch.add`."""

    def shape(self, batch: RolloutBatch) -> None:
        """Change `rollout.reward`."""

    def credit(self, batch: RolloutBatch) -> None:
        """Set advantages by `rollout.credit`."""

    def select(self, batch: RolloutBatch) -> None:
        """Set weights by `rollout.weigh` and `rollout.drop`."""

    def adapt(self, batch: RolloutBatch) -> None:
        """Learn from the round, for the rounds to come."""

    def frozen(self, names: Sequence[str], step: int) -> Collection[str]:
        """Which of the model's parameters, by name, the next update leaves as they are."""
        return ()

    def demonstrated(self, logprobs: Sequence[Tensor]) -> Sequence[Value]:
        """In a supervised arm, what each demonstration weighs: one value, or one for each token.

        `logprobs` are those of its learned tokens (T) under the policy as it is. Processes and
        parts of an update are asked about their own demonstrations only, so weights must follow
        from these alone.
        """
        return [1.0] * len(logprobs)

    def metrics(self) -> Mapping[str, float]:
        """Finite numbers of the last round to log, under `treatment/NAME/`."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state; a subclass that keeps any adds to it."""
        version, internal, gauss = self.rng.getstate()
        return {"spec": self.spec.to_json(), "rng": [version, list(internal), gauss]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken; refuses the state of another treatment."""
        if state.get("spec") != self.spec.to_json():
            raise UserError(f"state of {state.get('spec')!r} cannot be loaded by {self.spec}")
        version, internal, gauss = state["rng"]
        self.rng.setstate((version, tuple(internal), gauss))


TREATMENTS: Registry[Treatment] = Registry("treatment", Treatment, "rlskills.treatments")


def make_treatment(spec: str | Spec, seed: int = 0) -> Treatment:
    """A treatment by its spec: `step_credit?mode=myopic`, or `file.py:Class`."""
    spec = Spec.parse(spec) if isinstance(spec, str) else spec
    made = TREATMENTS.find(spec.name)(seed, **spec.options)
    made.spec = Spec(spec.name, asdict(made.options))
    return made


def treatment_specs(specs: Sequence[str]) -> list[Spec]:
    """The treatments of an arm, options complete: `grpo` first where none sets the credit."""
    made = [make_treatment(spec) for spec in specs]
    if not any(treatment.sets_credit for treatment in made):
        made.insert(0, make_treatment("grpo"))
    _check_together(made)
    return [treatment.spec for treatment in made]


def supervised_specs(specs: Sequence[str]) -> list[Spec]:
    """The treatments of a supervised arm, options complete; a `UserError` for one that has nothing
    to do there."""
    made = [make_treatment(spec) for spec in specs]
    for treatment in made:
        if not acts_supervised(type(treatment)):
            known = [name for name in TREATMENTS.names() if acts_supervised(TREATMENTS.find(name))]
            raise UserError(
                f"treatment {treatment.spec.name} is about rollouts, and a supervised arm samples "
                f"none; {' and '.join(known)} act there"
            )
    _check_together(made)
    return [treatment.spec for treatment in made]


def acts(cls: type[Treatment]) -> list[str]:
    """The stages in which a treatment does anything."""
    return [stage for stage in STAGES if getattr(cls, stage) is not getattr(Treatment, stage)]


def acts_supervised(cls: type[Treatment]) -> bool:
    """Whether a supervised arm may name it: it weighs demonstrations, or all that it does is to
    freeze parameters, so that nothing of it is left out for want of rollouts."""
    stages = acts(cls)
    return "demonstrated" in stages or stages == ["frozen"]


def _check_together(treatments: Sequence[Treatment]) -> None:
    """A `UserError` where one is named twice, or two would undo each other."""
    names = [treatment.spec.name for treatment in treatments]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"treatment {name!r} is named twice")
    first: dict[str, str] = {}
    for treatment in treatments:
        roles = {treatment.role} | ({ADVANTAGES} if treatment.sets_credit else set())
        for role in sorted(roles - {""}):
            other = first.setdefault(role, treatment.spec.name)
            if other != treatment.spec.name:
                raise UserError(
                    f"treatments {other} and {treatment.spec.name} cannot be combined: each {role}"
                )


def build_treatments(specs: Sequence[str], seed: int, supervised: bool = False) -> list[Treatment]:
    """The treatments of an arm, each with a generator of its own."""
    from ...environments import seed_from

    found = supervised_specs(specs) if supervised else treatment_specs(specs)
    return [
        make_treatment(spec, seed_from("treatment", seed, i, spec.name))
        for i, spec in enumerate(found)
    ]


def in_stage(treatments: Sequence[Treatment], stage: str) -> list[Treatment]:
    """In the order in which they act: as named, but whoever sets advantages does so before others
    add to them."""
    if stage != "credit":
        return list(treatments)
    return sorted(treatments, key=lambda treatment: not treatment.sets_credit)


def supervision_of(specs: Sequence[str]) -> str:
    """What an arm with these treatments learns from: the most that any of them uses."""
    used = {TREATMENTS.find(spec.name).supervision for spec in treatment_specs(specs)}
    return "every step" if "every step" in used else "answers"


def arm_name(specs: Sequence[str]) -> str:
    """A name for an arm with these treatments, as `maxrl+step_credit`."""
    if not specs:
        raise UserError("--treatments names nothing; grpo is the plain method")
    return "+".join(Spec.parse(text).name.rpartition(":")[2] for text in specs)
