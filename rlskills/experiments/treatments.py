"""From names of treatments to the settings of a trainer: the one place that knows both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from ..errors import UnknownName, UserError
from ..spec import Spec, typed
from ..training.settings import GRPOSettings, RFTSettings, RolloutSettings


@dataclass(frozen=True)
class _RFT:
    max_per_prompt: int = 0
    skip_solved: bool = False


@dataclass(frozen=True)
class _DynamicSampling:
    max_resamples: int = 3


@dataclass(frozen=True)
class _GRPO:
    pass


_OPTIONS = {"grpo": _GRPO, "rft": _RFT, "dynamic_sampling": _DynamicSampling}


def with_treatments(settings: GRPOSettings, treatments: Sequence[str]) -> RolloutSettings:
    """The settings of the method that `treatments` make together."""
    found: RolloutSettings = settings
    for text in treatments:
        spec = Spec.parse(text)
        if spec.name not in _OPTIONS:
            raise UnknownName("treatment", spec.name, _OPTIONS)
        options = _OPTIONS[spec.name]
        chosen = options(**typed(spec.options, options, spec.name))
        if isinstance(chosen, _RFT):
            shared = {f.name: getattr(settings, f.name) for f in fields(RolloutSettings)}
            found = RFTSettings(**shared, **vars(chosen))
        elif isinstance(chosen, _DynamicSampling):
            if not isinstance(found, GRPOSettings):
                raise UserError("dynamic_sampling goes with grpo, and stands behind it")
            found = replace(found, dead_groups="refill", max_rounds=1 + chosen.max_resamples)
    return found


def name_of(treatments: Sequence[str]) -> str:
    """The name of an arm that has these treatments, as `grpo+dynamic_sampling`."""
    names = [Spec.parse(text).name.rpartition(":")[2] for text in treatments]
    if not names:
        raise UserError("--treatments names nothing; grpo is the plain method")
    return "+".join(names)
