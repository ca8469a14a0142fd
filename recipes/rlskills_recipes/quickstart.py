"""RL against supervised training on composing known functions.

Stage 1 teaches a tiny model 64 string functions one by one, and how to compose 32 of them. Stage 2
starts four arms from that checkpoint, on problems that nest one or two of 16 other functions: GRPO,
rejection fine-tuning, and supervised fine-tuning on bare answers and on worked solutions. All five
answer the same eval sets: common, trained and held-out functions, up to five deep.
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import mixture
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World

TITLE = "RL against supervised training on composing known functions"
STAGE1 = {"max_steps": 1500, "batch_size": 64, "optimizer": "muon", "learning_rate": 3e-3,
          "warmup_steps": 50, "lr_scheduler": "cosine", "beta2": 0.98, "eval_every": 0,
          "save_every": 200}  # fmt: skip
STAGE2 = {"max_steps": 240, "optimizer": "muon", "learning_rate": 2e-4, "lr_scheduler": "linear",
          "warmup_steps": 5, "eval_every": 60}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """The defaults are what the README's table was made with."""

    output: Path = Path("runs/quickstart")
    samples: int = 4
    arms: tuple[str, ...] = ("sft_worked", "rft", "grpo", "sft_answers")
    """Stage-2 arms to run, in the order in which they begin: the longest first."""
    world: World = World()
    """The functions, and what stage 1 shows of them."""
    stage1: SFTSettings = SFTSettings(**STAGE1)
    """Supervised training on single calls, and on compositions of common functions."""
    grpo: RLSettings = RLSettings(**STAGE2, group_size=4)
    """RL on answers."""
    rft: RLSettings = RLSettings(**STAGE2, group_size=4, treatments=("rft?max_per_prompt=1",))
    """Supervised training on the policy's own right completions."""
    sft: SFTSettings = SFTSettings(**STAGE2, batch_size=256)
    """Supervised training on demonstrations, bare answers and worked solutions alike."""
    alone: float = 0.2
    """Share of stage 2's problems that are single calls; the others nest two."""


def study(config: Config) -> Study:
    """A base, and arms of four methods that start from it."""
    world, lessons = config.world, config.world.lessons()
    problems, about = world.compositions(config.alone), {"alone": config.alone}
    base = ArmConfig("base", Supervision.STEPS, config.stage1, lambda seed: mixture(lessons, seed),
                     supervision_note="single calls, common compositions")  # fmt: skip
    arm = partial(ArmConfig, stream=lambda seed: mixture(problems, seed), start="base", about=about)
    answers, worked = replace(config.sft, target="answer"), replace(config.sft, target="worked")
    arms = {
        "grpo": arm("grpo", Supervision.ANSWERS, config.grpo),
        "rft": arm("rft", Supervision.ANSWERS, config.rft),
        "sft_answers": arm("sft_answers", Supervision.ANSWERS, answers),
        "sft_worked": arm("sft_worked", Supervision.STEPS, worked),
    }
    checks.known("arm", config.arms, arms)
    chosen = (arms[name] for name in config.arms)
    return config.study_of(
        "quickstart", TITLE, [base, *chosen], world.groups(), range(1, 6), max_new_tokens=160,
        curve_tasks=32, about={"recipe": "quickstart", **asdict(world)}, minutes=10,
    )  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "quickstart")
