"""Studies: arms of one or many seeds, trained and compared on the same eval sets."""

from ..console import Console
from ..evaluation.settings import EvalConfig
from ..models.machine import Machine
from ..runs.claims import Claim, Effect
from ..runs.supervision import Supervision
from .settings import RunConfig
from .study import ArmConfig, Study

__all__ = [
    "ArmConfig",
    "Claim",
    "Effect",
    "EvalConfig",
    "Machine",
    "RunConfig",
    "Study",
    "Supervision",
    "run_study",
]


def run_study(study: Study, config: RunConfig, console: Console | None = None) -> None:
    """Run what is not done of `study`; see `rlskills.experiments.runner.run_study`."""
    # TRL takes seconds to import; a recipe's help, or an error in its settings, need not wait.
    from .runner import run_study as run

    run(study, config, console)
