"""Studies: arms of one or many seeds, trained and compared on the same eval sets."""

from ..evaluation.evaluate import EvalConfig
from ..models.machine import Machine
from ..runs.supervision import Supervision
from .runner import RunConfig, run_study
from .study import ArmConfig, Study

__all__ = ["ArmConfig", "EvalConfig", "Machine", "RunConfig", "Study", "Supervision", "run_study"]
