"""The final evaluation of a complete arm once more, by the weights that it ended with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from accelerate import PartialState

from ..environments.failures import GradingFailures
from ..generation.vllm_host import VLLMHost
from ..runs.ended import EVALUATION
from ..runs.folder import RunFolder, write_json
from .arm import ArmJob, ready


def evaluate_again(job: ArmJob, run: RunFolder, say: Callable[[str], None]) -> None:
    """Answer all eval sets and keep the outcomes; every process answers its share.

    The same samples are drawn as when the arm ended, on the same number of processes.
    """
    group = PartialState()
    with closing(VLLMHost(job.vllm)) as vllm:
        loaded, engine = ready(job, run, str(run.model), str(group.device), say, vllm)
        evaluation = job.evaluator.final(loaded, engine, job.steps, GradingFailures(say))
    if group.is_main_process:
        write_json(run.path / EVALUATION, evaluation)
        run.seal(EVALUATION)
    group.wait_for_everyone()
