"""The final evaluation of a complete arm once more, by the weights that it ended with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from accelerate import PartialState

from ..environments.failures import GradingFailures
from ..generation.select import select_engine
from ..generation.vllm_host import VLLMHost
from ..models import choose_kernels
from ..models.kernels import Kernels
from ..models.loading import load
from ..runs.ended import EVALUATION
from ..runs.folder import RunFolder, write_json
from .arm import ArmJob


def evaluate_again(job: ArmJob, run: RunFolder, say: Callable[[str], None]) -> None:
    """Answer all eval sets and keep the outcomes; every process answers its share.

    The same samples are drawn as when the arm ended, on the same number of processes.
    """
    group = PartialState()
    kernels = run.made("kernels", Kernels)
    choose_kernels.apply(kernels)
    loaded = load(str(run.model), kernels, str(group.device), job.options, job.seed)
    with closing(VLLMHost(job.vllm)) as vllm:
        engine = select_engine(loaded, job.engine, say, vllm)
        job.evaluator.check(loaded)
        steps = job.settings.max_steps if job.settings else 0
        evaluation = job.evaluator.final(loaded, engine, steps, GradingFailures(say))
    if group.is_main_process:
        write_json(run.path / EVALUATION, evaluation)
        run.seal(EVALUATION)
    group.wait_for_everyone()
