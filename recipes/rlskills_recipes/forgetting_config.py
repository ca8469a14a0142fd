"""The settings of the recipe `forgetting`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rlskills import environments
from rlskills.environments import Environment
from rlskills.experiments import Supervision, checks
from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World

STAGE = {"max_steps": 40, "optimizer": "muon", "learning_rate": 2e-4, "lr_scheduler": "linear",
         "warmup_steps": 3, "eval_every": 10}  # fmt: skip
SHOWN = {"max_steps": 800, "batch_size": 64, "optimizer": "muon", "learning_rate": 2e-3,
         "warmup_steps": 40, "lr_scheduler": "cosine", "beta2": 0.98, "eval_every": 0}  # fmt: skip
SAMPLED = {"rl": "grpo", "rft": "rft", "rft_filtered": "rft?skip_solved=True"}
METHODS = (*SAMPLED, "sft", "sft_half")


@dataclass(frozen=True, kw_only=True)
class ForgettingConfig(StudyConfig):
    """All methods share everything but how they learn."""

    seeds: int = 5
    model: str = "tiny-base"
    methods: tuple[str, ...] = METHODS
    """Each is a chain of three arms."""
    cold_start: SFTSettings = SFTSettings(**SHOWN)
    """Worked solutions of all three environments."""
    rl: RLSettings = RLSettings(**STAGE, prompts_per_step=32, group_size=8, max_new_tokens=96)
    """A stage of RL, and of rejection fine-tuning."""
    sft: SFTSettings = SFTSettings(**STAGE, batch_size=256)
    """A stage of supervised training, on as many samples."""
    world: World = World()
    """The functions."""
    samples: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.known("method", self.methods, METHODS)

    def tasks(self) -> dict[str, Environment]:
        """The environments in their order."""
        row = environments.load("string_row", functions="train", common=self.world.common)
        path = environments.load("graph_path", preset="tiny")
        return {"nested": self.world.calls("train"), "row": row, "path": path}

    def ways(self) -> Mapping[str, tuple[Training, Supervision]]:
        """What a stage of each method is, and what it is shown."""
        sampled = {name: (replace(self.rl, treatments=(how,)), Supervision.ANSWERS)
                   for name, how in SAMPLED.items()}  # fmt: skip
        half = replace(self.sft, treatments=("half_fine_tuning",))
        worked = {name: (how, Supervision.STEPS) for name, how in
                  (("sft", self.sft), ("sft_half", half))}  # fmt: skip
        return sampled | worked
