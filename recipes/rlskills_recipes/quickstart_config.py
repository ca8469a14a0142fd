"""The settings of the recipe `quickstart`, and what it says at its end."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rlskills.errors import UserError
from rlskills.models.tiny_base import NAME as TINY_BASE
from rlskills.report.brief import Highlight
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World

STAGE1: dict[str, Any] = {
    "max_steps": 1500, "batch_size": 64, "optimizer": "muon", "learning_rate": 3e-3,
    "warmup_steps": 50, "lr_scheduler": "cosine", "beta2": 0.98, "eval_every": 0,
    "save_every": 200,
}  # fmt: skip
STAGE2: dict[str, Any] = {
    "max_steps": 130, "optimizer": "muon", "learning_rate": 3e-4, "lr_scheduler": "linear",
    "warmup_steps": 5, "eval_every": 26,
}  # fmt: skip
_HALF = {"max_steps": 60, "eval_every": 15}
QUICK: dict[str, Any] = {
    "output": "runs/quickstart-quick", "arms": ("grpo", "sft_answers"), "grpo": _HALF,
    "sft": _HALF, "eval_tasks": 48, "samples": 0,
}  # fmt: skip
"""What `--quick` sets; a folder of its own, so that the whole study can follow it."""
HIGHLIGHTS = (
    Highlight("grpo", ("train", 3), "deeper than it trained on"),
    Highlight("grpo", ("held_out", 2), "functions that it never composed"),
    Highlight("sft_answers", ("train", 2), "the problems and answers that GRPO has"),
)


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig(StudyConfig):
    """All settings but where the runs are."""

    for_quick: ClassVar[dict[str, Any]] = QUICK
    model: str = TINY_BASE
    quick: bool = False
    """Two arms, half as long, on fewer problems: what is not set otherwise."""
    from_scratch: bool = False
    """Train the base of stage 1 instead of taking the one that ships."""
    samples: int = 4
    arms: tuple[str, ...] = ("sft_worked", "rft", "grpo", "sft_answers")
    """Stage-2 arms, in the order in which they begin: the longest first."""
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
    """Share of single calls among stage 2's problems; the others nest two."""

    def __post_init__(self) -> None:
        super().__post_init__()
        made = (self.world, self.stage1) == (World(), SFTSettings(**STAGE1))
        if self.model == TINY_BASE and not (made or self.from_scratch):
            raise UserError(
                f"{TINY_BASE} was trained with the defaults of --world and --stage1: add "
                "--from-scratch to train a base with others"
            )
