"""Gates on a set of problems of mixed difficulty: the band filter, VCRL and the instance filter.

Bae et al. 2025, arXiv 2504.03380 (band); Jiang et al. 2025, arXiv 2509.19803 (VCRL); Kimi Team
2025, arXiv 2501.12599 (instance filter). The papers count training steps, each with a full batch of
admitted groups; the benchmark counts generated rollouts, the refused ones too. Both are given.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..regimes import REGIMES
from .claim import Claim, Measure, all_of, decide, over_seeds, times
from .course import MIXED, Course, admitted, course, mixed_world, starting_rates

STEPS = 400
MIDDLE = ((1, 2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6), (3, 4, 5))
"""Right answers of 8 that DAPO, a band of .2 to .8 and VCRL's later bar admit."""
SETTING = (
    "24 atoms whose logits vary with deviation 2 and 96 compositions of them, 40 impossible and "
    "40 mastered units; steps of 16 groups of 8 rollouts,"
)


def play(spec: str, seeds: Sequence[int], steps: int) -> Course:
    """A method on the mixed set."""
    return course(MIXED, seeds, spec, steps, make=mixed_world)


def at_the_start(seeds: Sequence[int], right: Sequence[int], gate: str) -> list[Measure]:
    """How much of uniform draws a gate admits here and in the benchmark's regime `chain`."""
    return [
        Measure(f"share of learnable units' groups that {gate} admits at the start, {where}",
                over_seeds(admitted(rates, right).mean(1)))
        for where, rates in (
            ("here", starting_rates(MIXED, seeds, mixed_world)),
            ("regime chain", starting_rates(REGIMES["chain"], seeds)),
        )
    ]  # fmt: skip


def band(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """The band filter against plain GRPO."""
    plain, mine = play("uniform", seeds, steps), play("band?max_resamples=50", seeds, steps)
    bar = plain.accuracy[:, -1]
    share = over_seeds(mine.steps_to(bar) / steps)
    rollouts = times(mine.rollouts_to(bar), plain.rollouts[:, -1])
    saved = over_seeds(1 - mine.steps_to(bar) / steps)
    return Claim(
        name="band",
        paper="Bae et al. 2025, arXiv 2504.03380",
        says="The highest reward of plain GRPO within 60 % of its training time, and 10 points "
        "more on AIME after equal steps.",
        setting=f"{SETTING} {steps} of them. Batches are refilled until full.",
        measures=(
            Measure("share of plain GRPO's steps saved until its accuracy is reached", saved),
            Measure("share of its steps", share),
            Measure("times its rollouts", rollouts),
            Measure("accuracy ahead after equal steps",
                    over_seeds(mine.accuracy[:, -1] - plain.accuracy[:, -1])),
            *at_the_start(seeds, MIDDLE[1], "the band"),
        ),
        verdict=decide(saved, 0.4),
        why="Steps are saved because each has a full batch of groups that teach; the rollouts of "
        "refused groups pay for them. Our version 1 never refilled a batch, so a step learned "
        "from fewer groups than without the filter. At equal rollouts a filter after the rollouts "
        "can only lose, most where new skills first show as one right answer in eight, as in the "
        "benchmark.",
    )  # fmt: skip


def vcrl(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """VCRL against plain GRPO and dynamic sampling."""
    plain, live, mine = (
        play(s, seeds, steps) for s in ("uniform", "dapo?max_resamples=50", "vcrl")
    )
    over_plain = over_seeds(mine.accuracy[:, -1] - plain.accuracy[:, -1])
    over_live = over_seeds(mine.accuracy[:, -1] - live.accuracy[:, -1])
    spent = over_seeds(mine.accuracy_at(plain.rollouts[:, -1]) - plain.accuracy[:, -1])
    return Claim(
        name="vcrl",
        paper="Jiang et al. 2025, arXiv 2509.19803",
        says="Highest average of five benchmarks after equal steps: 57.8 for an 8B model, above "
        "GRPO, and more than four points above the best of DAPO and GSPO.",
        setting=f"{SETTING} {steps} of them.",
        measures=(
            Measure("accuracy after equal steps, less DAPO", over_live),
            Measure("accuracy after equal steps, less plain GRPO", over_plain),
            Measure("accuracy at equal rollouts, less plain GRPO", spent),
            *at_the_start(seeds, MIDDLE[2], "VCRL"),
        ),
        verdict=all_of([decide(over_plain), decide(over_live)]),
        why="Ahead of plain GRPO at equal steps, behind dynamic sampling, which fills its batches "
        "by as many tries as it takes while VCRL's memory replaces refused groups once. The bar "
        "of .8 takes 3 to 5 right answers of 8. Where every new skill begins at 5 %, as in the "
        "benchmark, hardly a group passes it. Our version 1 also drew from the memory in the step "
        "after, in place of fresh units, and put what it drew through the same bar, so that "
        "batches stayed nearly empty; version 2 refills the batch that had refusals.",
    )


def instance_filter(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """The instance filter, its screening paid for."""
    plain, mine = play("uniform", seeds, steps), play("instance_filter", seeds, steps)
    gain = times(plain.rollouts[:, -1], mine.rollouts_to(plain.accuracy[:, -1]))
    kept = [
        Measure(f"share of learnable units kept, {where}",
                over_seeds(admitted(rates, range(1, 8)).mean(1)))
        for where, rates in (
            ("here", starting_rates(MIXED, seeds, mixed_world)),
            ("regime chain", starting_rates(REGIMES["chain"], seeds)),
        )
    ]  # fmt: skip
    return Claim(
        name="instance_filter",
        paper="Kimi Team 2025, arXiv 2501.12599",
        says="Problems that the model always or never solves are left out beforehand, by its pass "
        "rate in ten tries (no number for this alone).",
        setting=f"{SETTING} {steps} of them. One group of 8 screens each unit; its rollouts count.",
        measures=(
            Measure("times fewer rollouts until plain GRPO's accuracy is reached", gain), *kept,
        ),
        verdict=decide(gain, 1.0),
        why="It pays where what can be learned shows at the start. In the benchmark most units "
        "pass never at first, so nearly all that is to be learned is thrown away for good; this "
        "is the method and no fault of ours.",
    )  # fmt: skip
