"""`rlskills eval`: ask a model fixed eval sets of an environment."""

from __future__ import annotations

import json as json_text
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from ..errors import UserError


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
    output: Path | None = None,
) -> None:
    """Greedy accuracy and, with --samples, pass@k of a model, by level, with 95 % intervals.

    Args:
        model: A Hugging Face name or a folder, such as the model/ of a run.
        env: Environment: a name, file.py:Class, with options after a question mark
            ("string_transform?preset=tiny&functions=train").
        levels: Levels to ask.
        split: Split to ask; default: the one the environment evaluates a level on.
        tasks: Problems for each level.
        samples: Sampled completions a problem, for pass@1 and pass@samples.
        temperature: Of the samples.
        max_new_tokens: Length at which a completion is cut off.
        by_skill: Also a table by skill.
        output: File for all outcomes as JSON.
    """
    from .. import environments
    from ..evaluation.eval_sets import EvalSet, make_eval_sets
    from ..evaluation.evaluate import EvalConfig, evaluate
    from ..evaluation.evaluate import by_skill as count_skills
    from ..models.kernels import Kernels, apply, default_device, resolve
    from ..models.loading import check_prompts, load_model, load_tokenizer

    if tasks < 1 or samples < 0:
        raise UserError("--tasks must be positive and --samples not negative")
    environment = environments.load(env)
    if split:
        eval_sets = [
            EvalSet(split, n, split, tuple(environment.task(split, n, i) for i in range(tasks)),
                  environment)
            for n in levels
        ]  # fmt: skip
    else:
        eval_sets = make_eval_sets({environment.name: environment}, levels, tasks)
    device = default_device()
    kernels = resolve(Kernels(), device)
    apply(kernels)
    tokenizer = load_tokenizer(model)
    loaded = load_model(model, kernels).to(device)
    asked = [task for eval_set in eval_sets for task in eval_set.tasks]
    check_prompts(asked, tokenizer, loaded.config, max_new_tokens)
    how = EvalConfig(max_new_tokens, samples, temperature)
    records = evaluate(loaded, tokenizer, eval_sets, how)
    console = Console()
    console.print(_levels(records, samples))
    if by_skill:
        console.print(_skills(count_skills(records)))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json_text.dumps({"model": model, "env": env, "eval_sets": records}))


def _levels(records: list[dict], samples: int) -> Table:
    from ..evaluation.evaluate import graded
    from ..stats import bootstrap_mean, pass_at_k, wilson

    table = Table("level", "split", "problems", "greedy")
    if samples:
        table.add_column("pass@1")
        table.add_column(f"pass@{samples}")
    for record in records:
        tasks, failed = graded(record), sum(t["grader_failures"] for t in record["tasks"])
        problems = f"{len(tasks)} ({failed} gradings failed)" if failed else str(len(tasks))
        row = [str(record["level"]), record["split"], problems]
        row.append(str(wilson(sum(t["greedy"] for t in tasks), len(tasks))) if tasks else "-")
        for k in (1, samples) if samples else ():
            counts = [(t["samples"], t["correct"]) for t in record["tasks"] if t["samples"] >= k]
            values = [pass_at_k(n, right, k) for n, right in counts]
            row.append(str(bootstrap_mean(values, seed=0)) if values else "-")
        table.add_row(*row)
    return table


def _skills(counts: dict[str, tuple[int, int]]) -> Table:
    from ..stats import wilson

    table = Table("skill", "problems", "greedy")
    for skill, (right, total) in counts.items():
        table.add_row(skill, str(total), str(wilson(right, total)))
    return table
