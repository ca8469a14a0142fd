"""`rlskills eval`: ask a model fixed eval sets of an environment, on one process or several."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from ..console import Console
from ..errors import UnknownName, UserError
from ..models.machine import Machine
from ..models.options import ModelOptions
from ..processes import leave_group
from ..spec import code_of
from ..tables import print_table

if TYPE_CHECKING:
    from ..evaluation.eval_sets import EvalSet
    from ..evaluation.settings import EvalConfig
    from ..experiments.eval_parts import PartFolder
    from ..generation.vllm_host import VLLMHost
    from ..models.loaded import LoadedModel


def evaluate_model(
    model: tyro.conf.Positional[str],
    /,
    env: str,
    levels: tuple[int, ...] = (1, 2, 3),
    split: str = "",
    tasks: int = 128,
    samples: int = 0,
    temperature: float = 1.0,
    max_new_tokens: int = 160,
    by_skill: bool = False,
    engine: str = "auto",
    output: Path | None = None,
    machine: Machine = Machine(),
    options: ModelOptions = ModelOptions(),
) -> None:
    """Greedy accuracy and, with --samples, pass@k of a model, by level, with 95 % intervals.

    Args:
        model: The preset smollm2, a Hugging Face name, or a folder such as the model/ of a run.
        env: Environment: a name, file.py:Class, with options after a question mark
            ("string_transform?preset=tiny&functions=train").
        levels: Levels to ask.
        split: Split to ask; default: the one the environment evaluates a level on.
        tasks: Problems for each level.
        samples: Sampled completions per problem, for pass@1 and pass@samples.
        temperature: Of the samples.
        max_new_tokens: Length at which a completion is cut off.
        by_skill: Also a table by skill.
        engine: What samples: auto, llama_cpu, transformers or vllm.
        output: File for all outcomes as JSON. What is answered is kept beside it, so the same
            command goes on after a kill, also on another number of processes.
        machine: How to use this machine.
        options: How the model is loaded and spoken to.
    """
    from .. import environments
    from ..evaluation.eval_sets import eval_sets_digest, make_eval_sets
    from ..evaluation.settings import EvalConfig
    from ..experiments.eval_parts import PartFolder
    from ..generation.vllm_host import VLLMHost
    from ..models.identity import identity_of
    from ..runs.folder import write_json

    _check(levels, tasks, samples, temperature, max_new_tokens)
    environment = environments.load(env)
    eval_sets = make_eval_sets({split or environment.name: environment}, levels, tasks, split)
    how = EvalConfig(max_new_tokens, samples, temperature)
    main, loaded = _load(model, machine, options)
    about = {
        "model": identity_of(model),
        "env": str(environment.spec),
        "version": environment.version,
        **({"code": code} if (code := code_of(environment.spec)) else {}),
        "eval_sets": eval_sets_digest(eval_sets),
        **asdict(how),
        **asdict(options),
    }
    folder = PartFolder(output, about) if output else None
    with closing(VLLMHost(machine.vllm)) as vllm:
        records = _answers(loaded, eval_sets, how, engine, vllm, folder)
    leave_group()
    if main:
        _show(records, samples, by_skill)
    if main and output and folder:
        write_json(output, {"model": model, "env": env, "eval_sets": records})
        folder.remove()


def _show(records: list[dict[str, Any]], samples: int, by_skill: bool) -> None:
    from ..environments.failures import GradingFailures
    from ..evaluation.outcomes import by_skill as count_skills
    from ..evaluation.outcomes import failures_in

    console = Console()
    print_table(console, *level_table(records, samples), keys=2)
    GradingFailures(console.say).tell(*failures_in(records), "failed gradings")
    if by_skill:
        console.print()
        print_table(console, *skill_table(count_skills(records)))


def _load(model: str, machine: Machine, options: ModelOptions) -> tuple[bool, LoadedModel]:
    """Whether this is the main process, and the model of this one."""
    from ..experiments.group import processes
    from ..models.choose_kernels import apply, use_threads
    from ..models.loading import load

    use_threads(machine.threads)
    group = processes(machine.process_timeout)
    machine.vllm.check_processes(group.num_processes)
    loaded = load(model, machine.kernels(), str(group.device), options)
    apply(loaded.kernels)
    return group.is_main_process, loaded


def _answers(
    loaded: LoadedModel,
    eval_sets: list[EvalSet],
    how: EvalConfig,
    engine: str,
    vllm: VLLMHost,
    folder: PartFolder | None,
) -> list[dict[str, Any]]:
    """What a model answers; sampled by `engine`, or by the next that can, with a note."""
    from ..console import progress
    from ..experiments.eval_parts import evaluate_in_parts
    from ..experiments.group import processes
    from ..generation.select import ENGINES, select_engine

    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    asked = [(each.env, task) for each in eval_sets for task in each.tasks]
    loaded.check(asked, how.max_new_tokens)
    quiet = not processes().is_main_process
    note = None if quiet else partial(print, file=sys.stderr)
    sampler = select_engine(loaded, engine, note, vllm)
    sampler.sync(0)
    console = Console(stderr=True, quiet=quiet)
    with progress("evaluating", len(asked), 0, console) as advance:
        return evaluate_in_parts(
            loaded, eval_sets, how, sampler, folder, lambda done: advance(done, "")
        )


def _check(
    levels: tuple[int, ...], tasks: int, samples: int, temperature: float, max_new_tokens: int
) -> None:
    """Refuse numbers that mean nothing before a model is loaded."""
    if not levels:
        raise UserError("--levels needs at least one level")
    if len(set(levels)) < len(levels):
        raise UserError(f"--levels has a level twice: {' '.join(map(str, levels))}")
    if tasks < 1 or samples < 0 or max_new_tokens < 1:
        raise UserError("--tasks and --max-new-tokens must be positive, --samples not negative")
    if not (temperature > 0 and math.isfinite(temperature)):
        raise UserError(f"--temperature must be a positive number, not {temperature}")


def level_table(
    records: Sequence[Mapping[str, Any]], samples: int
) -> tuple[list[str], list[list[str]]]:
    """Header and rows: greedy accuracy and pass@k of each eval set."""
    from ..evaluation.outcomes import graded
    from ..stats import bootstrap_mean, pass_at_k, wilson

    ks = sorted({1, samples}) if samples else []
    rows = []
    for record in records:
        tasks, failed = graded(record), sum(t["grader_failures"] for t in record["tasks"])
        row = [str(record["level"]), record["split"], str(len(tasks)), str(failed)]
        row.append(str(wilson(sum(t["greedy"] for t in tasks), len(tasks))) if tasks else "-")
        for k in ks:
            counts = [(t["samples"], t["correct"]) for t in record["tasks"] if t["samples"] >= k]
            values = [pass_at_k(n, right, k) for n, right in counts]
            row.append(str(bootstrap_mean(values)) if values else "-")
        rows.append(row)
    header = ["level", "split", "problems", "failed gradings", "greedy"]
    header += [f"pass@{k}" for k in ks]
    if all(row[3] == "0" for row in rows):
        return _without(header, 3), [_without(row, 3) for row in rows]
    return header, rows


def skill_table(counts: Mapping[str, tuple[int, int]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: greedy accuracy by skill."""
    from ..stats import wilson

    rows = [
        [skill, str(total), str(wilson(right, total))] for skill, (right, total) in counts.items()
    ]
    return ["skill", "problems", "greedy"], rows


def _without(cells: list[str], column: int) -> list[str]:
    return cells[:column] + cells[column + 1 :]
