"""Stage 2 of the recipe `paper`: its arms."""

from collections.abc import Iterator
from dataclasses import replace

from rlskills.environments import Environment
from rlskills.experiments import ArmConfig, Supervision
from rlskills.experiments.gate import RecallGate
from rlskills.training.settings import CollectSettings
from rlskills.training.stream import mixture, spread, uniform
from rlskills_recipes.paper_config import PaperConfig
from rlskills_recipes.paper_stage1 import calls


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
    yield from _supervised(config, env, gate)


def _supervised(config: PaperConfig, env: Environment, gate: RecallGate) -> Iterator[ArmConfig]:
    """Demonstrations of RL's problems of level 2."""
    about = {"functions": config.functions, "reward": config.reward}
    for name, target, shown in (
        ("sft_answers", "answer", Supervision.ANSWERS), ("sft_worked", "worked", Supervision.STEPS)
    ):  # fmt: skip
        if name in config.arms:
            yield ArmConfig(name, shown, replace(config.sft, target=target),
                            lambda seed: uniform(env, "train", (2,), seed), "base", about=about,
                            gate=gate)  # fmt: skip


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
