"""The functions of the recipe `paper`, and stage 1: every function by itself."""

from collections.abc import Mapping
from dataclasses import replace

from rlskills import environments
from rlskills.environments import Environment
from rlskills.experiments import ArmConfig, Supervision
from rlskills.training.stream import COLD_START, Source, mixture, spread, uniform
from rlskills_recipes.paper_config import PaperConfig
from rlskills_recipes.string_world import World

CHAINS = ("tiny", "letters")
"""Functions without definitions: stage 1 shows worked solutions of them."""


def calls(config: PaperConfig, functions: str) -> Environment:
    """Problems of one set of functions."""
    options = {"functions": functions, "reward": config.reward}
    if config.functions == "tiny":
        return World().calls(**options)
    if config.functions == "letters":  # nine programs of two functions: their inputs are split
        options["identity"] = "program_and_input"
    return environments.load("string_transform", preset=config.functions, **options)


def lessons(config: PaperConfig) -> Mapping[str, tuple[Source, float]]:
    """Stage 1 of chains: single calls of all functions, and compositions of the common ones."""
    if config.functions == "tiny":
        return World().lessons()
    parts = spread("common", calls(config, "common"), (1, 2, 3), 0.5)
    for of in ("train", "held_out"):
        parts |= spread(of, calls(config, of), (1,), 0.25)
    return parts


def base(config: PaperConfig) -> ArmConfig:
    """Stage 1: every function by itself."""
    if config.functions in CHAINS:
        parts = lessons(config)
        return ArmConfig("base", Supervision.STEPS, config.lessons, lambda s: mixture(parts, s),
                         supervision_note="single calls, common compositions")  # fmt: skip
    env, shown = calls(config, "all"), {"show_definitions": True}
    settings = replace(config.stage1, shown=shown)
    if config.keep_definitions:
        env, settings = env.with_options(**shown), config.stage1
    return ArmConfig(
        "base", Supervision.ANSWERS, settings,
        lambda seed: uniform(env, "train", (1,), seed, start=COLD_START),
        supervision_note="single calls, sampled with definitions shown",
        about={"functions": config.functions, "keep_definitions": config.keep_definitions},
    )  # fmt: skip
