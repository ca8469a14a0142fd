"""The arms of the recipe `paper`, and what they are evaluated on."""

from collections.abc import Iterator
from dataclasses import replace

from rlskills import environments
from rlskills.environments import Environment
from rlskills.experiments import ArmConfig, Supervision
from rlskills.experiments.gate import RecallGate
from rlskills.training.settings import CollectSettings
from rlskills.training.stream import COLD_START, mixture, spread, uniform
from rlskills_recipes.paper_config import PaperConfig
from rlskills_recipes.string_world import World


def calls(config: PaperConfig, functions: str) -> Environment:
    """Problems of one set of functions."""
    options = {"functions": functions, "reward": config.reward}
    if config.functions == "tiny":
        return World().calls(**options)
    return environments.load("string_transform", preset=config.functions, **options)


def base(config: PaperConfig) -> ArmConfig:
    """Stage 1: every function by itself."""
    if config.functions == "tiny":
        lessons = World().lessons()
        return ArmConfig("base", Supervision.STEPS, config.lessons, lambda s: mixture(lessons, s),
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


def stage2(config: PaperConfig) -> Iterator[ArmConfig]:
    """RL on three mixtures of levels, and chains of rejection fine-tuning, on train functions."""
    env, gate = calls(config, "train"), RecallGate(config.recall, not config.ignore_recall)
    for name, share in (("rl_l1", 0.0), ("rl_l2", 1.0), ("rl_l12", config.level2_share)):
        parts = spread("train", env, (1,), 1 - share) | spread("train", env, (2,), share)
        parts = {unit: part for unit, part in parts.items() if part[1] > 0}
        about = {"functions": config.functions, "level2_share": share, "reward": config.reward}
        arm = ArmConfig(name, Supervision.ANSWERS, config.rl, lambda s, p=parts: mixture(p, s),
                        "base", about=about, gate=gate)  # fmt: skip
        if name in config.arms:
            yield arm
    for name, settings in (("rft", config.rft), ("rft_strong", matched(config))):
        if name in config.arms:
            yield from _chain(config, name, settings, env, gate)


def matched(config: PaperConfig) -> CollectSettings:
    """An iteration of `rft_strong` whose rollouts, over all iterations, are those of an RL arm."""
    rounds = config.rl.max_steps * config.matched_rounds
    rollouts = rounds * config.rl.prompts_per_step * config.rl.group_size
    each = round(rollouts / (config.iterations * config.rft_strong.samples))
    return replace(config.rft_strong, problems=max(1, each))


def _chain(
    config: PaperConfig, name: str, settings: CollectSettings, env: Environment, gate: RecallGate
) -> Iterator[ArmConfig]:
    """One arm for each iteration, on the next problems of level 2; each samples the one before."""
    before = "base"
    for number in range(config.iterations):
        first, anew = number * settings.problems, config.restart and number > 0
        about = {"functions": config.functions, "reward": config.reward, "first": first}
        yield ArmConfig(
            f"{name}_{number + 1}", Supervision.ANSWERS, settings,
            lambda seed, first=first: uniform(env, "train", (2,), seed, start=first),
            "base" if anew else before, about=about,
            sampler=before if anew else "", continues=number > 0, gate=None if number else gate,
        )  # fmt: skip
        before = f"{name}_{number + 1}"
