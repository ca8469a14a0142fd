"""What makes an arm this one: its configuration, the same on every machine, and the hash of it.

An arm that starts from another arm is tied to that arm's configuration and not to its weights, so
the whole study is known by its hashes before anything is trained, and without any weights.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from ..environments import digest
from ..evaluation.eval_sets import eval_sets_digest
from ..models.identity import identity_of
from ..models.options import ModelOptions
from ..training.settings import hashed
from .study import Study

_FILE = re.compile(r"[^\s?&=(),]*/([^/\s?&=(),]+\.py:)")


def config_hash(arm: str, config: Any) -> str:
    """The hash under which a run folder and a record know a configuration."""
    return digest(arm, config)


def configurations(study: Study, seed: int) -> dict[str, dict[str, Any]]:
    """The configuration of every arm under `seed`, by name; JSON values without machine paths."""
    eval_sets = eval_sets_digest(list(study.eval_sets))
    found: dict[str, dict[str, Any]] = {}
    model = ""
    for arm in study.arms:
        if arm.start:
            base = _of_arm(arm.start, found)
        else:
            model = base = model or identity_of(study.model_of(seed))
        settings = arm.settings_of(seed)
        config = {
            "base": base,
            "seed": seed,
            "eval_sets": eval_sets,
            **({"model_options": options} if (options := _set(study.model_options)) else {}),
            "evaluation": {**asdict(study.evaluation), "curve_tasks": study.curve_tasks},
            **({"settings": hashed(settings)} if settings else {}),
            **({"sampler": _of_arm(arm.sampler, found)} if arm.sampler else {}),
            **({"continues": True} if arm.continues else {}),
            **arm.about,
            **study.about,
        }
        found[arm.name] = portable(json.loads(json.dumps(config)))
    return found


def portable(value: Any) -> Any:
    """The same value, with `folder/file.py:Class` as `file.py:Class` in every text."""
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [portable(item) for item in value]
    return _FILE.sub(r"\1", value) if isinstance(value, str) else value


def _of_arm(name: str, found: dict[str, dict[str, Any]]) -> str:
    """How an arm names the weights of another one."""
    return f"arm {name}, {config_hash(name, found[name])}"


def _set(options: ModelOptions) -> dict[str, Any]:
    """Those that are not at their defaults: a new option leaves the hashes of others alone."""
    default = asdict(ModelOptions())
    return {name: value for name, value in asdict(options).items() if value != default[name]}
