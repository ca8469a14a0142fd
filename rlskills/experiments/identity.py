"""What makes an arm this one: its configuration, the same on every machine, and the hash of it.

An arm that starts from another arm is tied to that arm's configuration and not to its weights, so
the whole study is known by its hashes before anything is trained, and without any weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from ..environments import Environment, digest
from ..evaluation.eval_sets import eval_sets_digest
from ..models.identity import identity_of
from ..models.options import ModelOptions
from ..runs.folder import CODE, EVAL_CODE
from ..spec import Spec, code_of
from ..training.settings import hashed
from .study import ArmConfig, Study

_FILE = re.compile(r"[^\s?&=(),]*/([^/\s?&=(),]+\.py:)")


def config_hash(arm: str, config: Any) -> str:
    """The hash under which a run folder and a record know a configuration."""
    return digest(arm, config)


def configurations(
    study: Study, seed: int, earlier: Mapping[str, str] = MappingProxyType({})
) -> dict[str, dict[str, Any]]:
    """The configuration of every arm under `seed`, by name; JSON values without machine paths.

    `earlier` are digests of files, by their names, to be taken instead of those of the present.
    """
    eval_sets = eval_sets_digest(list(study.eval_sets))
    grading = _code(earlier, [each.env.spec for each in study.eval_sets])
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
            **({"moved_by": moved} if (moved := arm.moved_by(seed)) else {}),
            **({EVAL_CODE: grading} if grading else {}),
            **_training(study, arm, seed, earlier),
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


def _training(
    study: Study, arm: ArmConfig, seed: int, earlier: Mapping[str, str]
) -> dict[str, Any]:
    """What decides an arm's training and stands nowhere else: sources of its own, and versions.

    The version of an environment that is evaluated too is in the keys of its problems.
    """
    stream = arm.stream_of(seed)
    if stream is None:
        return {}
    specs: list[Spec | str] = [source.env.spec for source in stream.sources.values()]
    specs += [spec] if (spec := getattr(stream.curriculum, "spec", None)) else []
    code = _code(earlier, [*specs, *getattr(arm.settings, "treatments", ())])
    known = {each.env.name for each in study.eval_sets}
    versions = {
        source.env.name: source.env.version
        for source in stream.sources.values()
        if source.env.name not in known and source.env.version != Environment.version
    }
    found = {CODE: code, "versions": versions}
    return {name: value for name, value in found.items() if value}


def _code(earlier: Mapping[str, str], specs: Sequence[Spec | str]) -> dict[str, str]:
    return {name: earlier.get(name, digest) for name, digest in code_of(*specs).items()}


def _of_arm(name: str, found: dict[str, dict[str, Any]]) -> str:
    """How an arm names the weights of another one."""
    return f"arm {name}, {config_hash(name, found[name])}"


def _set(options: ModelOptions) -> dict[str, Any]:
    """Those that are not at their defaults: a new option leaves the hashes of others alone."""
    default = asdict(ModelOptions())
    return {name: value for name, value in asdict(options).items() if value != default[name]}
