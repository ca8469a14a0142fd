"""Checks of what is drawn: the same for everyone, in one split only, varied enough.

Each yields a `Problem` for each thing wrong and returns one line that says what it looked at.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

from ..environment import Environment
from ..registry import load
from ..seeding import digest
from ..skills import THEN
from ..types import Task
from .isolated import ChildDied, run
from .subject import Problem, Problems, Subject, address, draw, raised

DUPLICATES = 0.05
"""Share of repeated problems in training draws above which a level gets a warning."""
COMPOSED = 6
"""Compositions that are tried as parts."""
SEEDS = (0, 1, 9)
"""Seeds between which splits must stay disjoint."""


def draws(subject: Subject) -> Problems:
    """Every split can be drawn from at some level, and what it holds is well formed."""
    splits = subject.env.holdout.splits
    levels = {split: [n for (s, n), some in subject.drawn.items() if s == split and some]
              for split in splits}  # fmt: skip
    for (split, level), error in subject.broken.items():
        yield Problem(f"drawing from {split} at level {level} {raised(error)}")
    for split in splits:
        if not levels[split] and not any(broken == split for broken, _ in subject.broken):
            level = "failure" if split in ("train", "test") else "warning"
            yield Problem(f"{split} is empty at every level with these options", level=level)
    for task in subject.sample:
        if wrong := _malformed(task):
            yield Problem(wrong, task)
    return "; ".join(f"{split} at level {_ranges(levels[split])}" for split in splits)


def _malformed(task: Task) -> str:
    """What an author may get wrong in a `Draft`; empty when it is well formed."""
    skills, chat = task.skills, task.prompt
    if not isinstance(task.answer, str | None):
        return f"the answer is neither text nor None but {type(task.answer).__name__}"
    if not (isinstance(skills, tuple) and all(isinstance(skill, str) for skill in skills)):
        return "the skills are not a tuple of names"
    if not isinstance(chat, str) and not (
        isinstance(chat, tuple) and all({"role", "content"} <= set(message) for message in chat)
    ):
        return "the prompt is neither text nor a tuple of messages with role and content"
    return "" if task.text.strip() else "the prompt is empty"


def redrawn(subject: Subject) -> Problems:
    """The same tasks in any order, from a fresh object, whatever the global generator does."""
    before = random.getstate()
    try:
        random.seed(12345)
        seeded, order = random.getstate(), subject.sample[::-1]
        for task in order:
            if subject.env.task(*address(task)) != task:
                yield Problem("drawn again in another order, this task is another one", task)
        if random.getstate() != seeded:
            yield Problem("drawing changes the global generator of `random`", order[0])
        other = load(subject.spec)
        for task in random.sample(order, len(order)):
            if other.task(*address(task)) != task:
                yield Problem("another object of the environment draws another task", task)
    finally:
        random.setstate(before)
    return f"{len(order)} tasks drawn again in two orders: the same"


def processes(subject: Subject) -> Problems:
    """The same tasks in fresh processes with other hash seeds."""
    addresses = [address(task) for task in subject.sample]
    seeds = [seed for seed in (1, 2, 3) if str(seed) != os.environ.get("PYTHONHASHSEED")][:2]
    for seed in seeds:
        job = run("fingerprints", subject.spec, hash_seed=seed, addresses=addresses)
        task = subject.sample[0]
        try:
            for task, (found,) in zip(subject.sample, job, strict=True):
                if found != digest(task.to_json()):
                    yield Problem(f"with PYTHONHASHSEED={seed} this task is another one", task)
        except (ChildDied, ValueError) as error:
            yield Problem(f"a fresh process cannot draw: {error}", task)
    return f"{len(addresses)} tasks in {len(seeds)} fresh processes: the same"


def disjoint(subject: Subject) -> Problems:
    """No problem, and no prompt with its answer, is in two splits, whatever the seed."""
    owner: dict[tuple[str, str], tuple[str, int]] = {}
    for seed in SEEDS:
        env = load(subject.spec, seed=seed)
        for split, level in (place for place, tasks in subject.drawn.items() if tasks):
            for task in draw(env, split, level, 50, seconds=0.5):
                for kind, what in (("key", task.key), ("prompt", digest(task.text, task.answer))):
                    if task.answer is None and kind == "prompt":
                        continue
                    other = owner.setdefault((kind, what), (split, seed))
                    if other[0] != split:
                        yield Problem(
                            f"its {kind} is in {other[0]} (seed {other[1]}) and in {split} "
                            f"(seed {seed}); see identity()", task,
                        )  # fmt: skip
    return f"{len(owner) // 2} problems under {len(SEEDS)} seeds: none in two splits"


def holdouts(subject: Subject) -> Problems:
    """Tasks of `ood_*` hold what is held out; those of train and test never compose it."""
    tasks = [*subject.sample, *(task for some in subject.training.values() for task in some)]
    for task in tasks:
        held = _held(subject.env, task)
        if task.split.startswith("ood_") and task.split not in held:
            yield Problem(f"nothing that {task.split} holds out is in it", task)
        elif task.split in ("train", "test") and held:
            yield Problem(f"{task.split} holds what belongs to {', '.join(held)}", task)
    return f"{len(tasks)} tasks: each holds what its split may hold"


def _held(env: Environment, task: Task) -> list[str]:
    """The `ood_*` splits whose held-out content the task composes, going by its skills."""
    holdout, composed = env.holdout, task.depth > 1 or len(task.skills) > 1
    deep = holdout.depth_above is not None and task.depth > holdout.depth_above
    found = {
        "ood_skill": composed and not holdout.skills.isdisjoint(task.skills),
        "ood_pair": not holdout.pairs.isdisjoint(env.pairs(task)),
        "ood_depth": deep,
    }
    return [split for split, present in found.items() if present]


def compositions(subject: Subject) -> Problems:
    """A part by composition asks exactly its skills, and only what the split owns."""
    env, rng = subject.env, random.Random(0)
    chains = list(dict.fromkeys(task.skills for task in subject.sample if task.split == "train"
                                and task.level == len(task.skills) <= 3))  # fmt: skip
    chosen = rng.sample(chains, min(len(chains), COMPOSED))
    parts = env.by_composition([THEN.join(chain) for chain in chosen])
    for name, part in parts.items():
        skills = tuple(name.split(THEN))
        for task in draw(part, "train", len(skills), 5):
            if task.skills != skills:
                yield Problem(f"the part {name} asks {THEN.join(task.skills)}", task)
            if env.split_of(task.skills, task.depth, task.key, env.pairs(task)) != "train":
                yield Problem(f"the part {name} asks what train does not own", task)
    return f"{len(parts)} parts by composition: each asks exactly its skills"


def duplicates(subject: Subject) -> Problems:
    """Training draws seldom repeat a problem, except where there are few problems to draw."""
    notes = []
    for level, tasks in subject.training.items():
        keys = [task.key for task in tasks]
        unique, half = len(set(keys)), len(keys) // 2
        share = 1 - unique / len(keys)
        # Few problems: the second half of the draws brought hardly any new one.
        exhausted = len(set(keys[half:]) - set(keys[:half])) < DUPLICATES * half
        notes.append(f"level {level} {capacity(len(keys), unique)}")
        if unique == 1 < half:
            yield Problem(f"level {level}: every draw is the same problem", tasks[0], "warning")
        elif share > DUPLICATES and not exhausted:
            yield Problem(
                f"level {level}: {share:.0%} of {len(keys)} draws repeat a problem; there are "
                f"about {capacity(len(keys), unique)}", level="warning",
            )  # fmt: skip
    return "distinct problems, about: " + ", ".join(notes)


def capacity(draws: int, unique: int) -> str:
    """How many problems there are, from the repeats in uniform draws with replacement.

    Without a repeat it is the number above which that has a chance of 5 %.
    """
    if unique == draws:
        return f"{max(1, draws * draws // 6)} or more"
    low, high = float(unique), float(draws) * draws
    for _ in range(60):
        middle = (low + high) / 2
        expected = middle * (1 - (1 - 1 / middle) ** draws)
        low, high = (middle, high) if expected < unique else (low, middle)
    return f"{round(low, 2 - len(str(round(low)))):.0f}" if low > 100 else f"{low:.0f}"


def _ranges(levels: Sequence[int]) -> str:
    if not levels:
        return "none"
    whole = list(levels) == list(range(levels[0], levels[-1] + 1)) and len(levels) > 1
    return f"{levels[0]}-{levels[-1]}" if whole else ", ".join(map(str, levels))
