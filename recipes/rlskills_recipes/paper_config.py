"""The settings of the recipe `paper` that depend on its scale; the defaults are the tiny one's."""

from dataclasses import dataclass
from typing import Literal

from rlskills.experiments import checks
from rlskills.training.settings import CollectSettings, RLSettings, SFTSettings
from rlskills_recipes.quickstart_config import STAGE1, STAGE2
from rlskills_recipes.shared import StudyConfig

ARMS = ("rl_l1", "rl_l2", "rl_l12", "rft", "rft_strong")
MORE = ("sft_answers", "sft_worked")
STAGE2_SFT = {"batch_size": 64, "optimizer": "muon", "learning_rate": 2e-4, "eval_every": 0}


@dataclass(frozen=True, kw_only=True)
class PaperConfig(StudyConfig):
    """What is trained and evaluated."""

    functions: Literal["tiny", "letters", "clean", "paper"] = "tiny"
    """Which functions: tiny ones, eight of them with their letters apart, the paper's, or the
    paper's without twins."""
    arms: tuple[str, ...] = ARMS
    """Arms of stage 2; `rft` and `rft_strong` are one arm for each iteration. Beside the paper's
    there are `sft_answers` and `sft_worked`: supervised on level 2, as RL's problems."""
    lessons: SFTSettings = SFTSettings(**STAGE1)
    """Stage 1 with tiny functions or letters: worked solutions."""
    stage1: CollectSettings = CollectSettings(epochs=2)
    """Stage 1 with others: rejection fine-tuning on single calls."""
    keep_definitions: bool = False
    """Train stage 1 on prompts with definitions, as the release's script does and not the paper."""
    recall: float = 0.8
    """Least greedy accuracy of every function by itself, without which there is no stage 2."""
    recall_tasks: int = 16
    """Problems of each function by itself."""
    ignore_recall: bool = False
    """Go on to stage 2 also where functions are not known."""
    reward: Literal["paper", "binary"] = "paper"
    """1, 0, and -1 for what cannot be read (the release); or 1 and 0 (the text)."""
    rl: RLSettings = RLSettings(**STAGE2, group_size=4, log_rollouts_every=20)
    """RL, alike on all levels."""
    level2_share: float = 0.5
    """Share of level 2 in `rl_l12`. Text (25k + 25k problems) and release (at last 50k + 50k) have
    a half in common, and no run comes to the end of either."""
    rft: CollectSettings = CollectSettings(problems=4096, samples=2, **STAGE2_SFT)
    """An iteration of rejection fine-tuning as in the paper."""
    rft_strong: CollectSettings = CollectSettings(
        samples=8, skip_solved=False, max_per_prompt=2, **STAGE2_SFT
    )
    """An iteration of a strong one; its `problems` follow from RL's rollouts."""
    sft: SFTSettings = SFTSettings(**STAGE2, batch_size=256)
    """Supervised arms of stage 2."""
    matched_rounds: float = 1.0
    """Rounds of sampling per RL update that these rollouts count: more than 1 where dynamic
    sampling draws again."""
    iterations: int = 3
    """Iterations of each, on problems of their own."""
    restart: bool = False
    """Begin every iteration from stage 1 again, with data of the model before, and do not go on
    from that model. The paper does not say; its words suggest going on."""
    eval_levels: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Levels to evaluate."""
    groups: tuple[str, ...] = ("common", "train", "held_out")
    """Sets of functions to evaluate."""
    curve_tasks: int = 32
    """Problems of each eval set that are answered while training."""
    max_new_tokens: int = 160
    """Length at which an answer is cut off in the evaluation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.shares(level2_share=self.level2_share)
        checks.shares(recall=self.recall)
        checks.positive(
            recall_tasks=self.recall_tasks, iterations=self.iterations,
            matched_rounds=self.matched_rounds,
        )  # fmt: skip
        checks.not_empty(eval_levels=self.eval_levels, groups=self.groups)
        checks.known("arm", self.arms, (*ARMS, *MORE))
