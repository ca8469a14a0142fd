"""What changes between updates: which half is trained, and at which temperature is sampled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import Rollout
from rlskills.training.treatments import make_treatment
from rlskills.training.treatments.b_star import balance
from rlskills.training.treatments.half_fine_tuning import half

from ..made import batch, rollout
from .test_contract import Extra

HIDDEN, INNER = 128, 344


def names(layers: int, prefix: str = "model.", ending: str = "weight") -> dict[str, int]:
    """Parameters of a small model of plain attention, with their sizes."""
    found = {f"{prefix}embed_tokens.weight": 999}
    for layer in range(layers):
        at = f"{prefix}layers.{layer}."
        found |= {f"{at}self_attn.{part}_proj.{ending}": HIDDEN**2 for part in "qkvo"}
        found |= {
            f"{at}mlp.{part}_proj.{ending}": HIDDEN * INNER for part in ("gate", "up", "down")
        }
        found |= {f"{at}{part}_layernorm.weight": HIDDEN for part in ("input", "post_attention")}
    return found | {"lm_head.weight": 999}


def test_half_of_the_layers_is_left():
    sizes = names(4)
    layers = {name: size for name, size in sizes.items() if "layers" in name}
    assert sum(layers.values()) == 791_552
    for seed in range(20):
        left = half(list(sizes), Random(seed))
        assert len(left) == len(set(left))
        assert set(left) <= set(layers)
        assert sum(sizes[name] for name in left) == 395_776
        for layer in range(4):
            mine = [name for name in left if f"layers.{layer}." in name]
            assert sum("self_attn" in name for name in mine) == 2
        inner = [sum(f"layers.{i}.mlp" in name for name in left) for i in range(4)]
        assert inner in ([1, 2, 1, 2], [2, 1, 2, 1])


def test_a_new_half_every_so_many_updates():
    known = list(names(4))
    treatment = make_treatment("half_fine_tuning?every=5", seed=3)
    drawn = [treatment.frozen(known, step) for step in range(15)]
    assert len({frozenset(each) for each in drawn[:5]}) == 1
    assert len({frozenset(drawn[step]) for step in (0, 5, 10)}) == 3
    other = make_treatment("half_fine_tuning?every=5", seed=4)
    assert other.frozen(known, 0) != drawn[0]
    other.load_state_dict(json.loads(json.dumps(treatment.state_dict())))
    assert [other.frozen(known, step) for step in range(15)] == drawn
    once = make_treatment("half_fine_tuning")
    assert once.frozen(known, 0) == once.frozen(known, 10**6)


def test_adapters_and_wrapped_models_are_known_by_their_matrix():
    sizes = names(3, "module.base_model.model.model.", "lora_A.default.weight")
    sizes |= names(3, "module.base_model.model.model.", "lora_B.default.weight")
    left = half(list(sizes), Random(0))
    pairs = {name.replace("lora_A", "lora_B") for name in left}
    assert pairs == {name.replace("lora_A", "lora_B") for name in left if "lora_B" in name} | {
        name for name in left if "norm" in name
    }


def test_norms_of_queries_and_at_the_end_are_norms():
    known = [*names(2), "model.norm.weight", "model.layers.0.self_attn.q_norm.weight"]
    assert sum("norm" in name for name in half(known, Random(1))) == 3  # of six


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["transformer.h.0.attn.c_attn.weight"], "this model has none of that name"),
        (
            [n for n in names(2) if "layers.1.mlp.up" not in n],
            "layers.1 of this model has no up_pr",
        ),
    ],
)
def test_models_with_other_names_are_refused(known: list[str], said: str):
    with pytest.raises(UserError, match=said):
        make_treatment("half_fine_tuning").frozen(known, 0)


def samples(right: int, chosen: int) -> list[tuple[float, bool]]:
    return [(1.0, True)] * right + [(1.0, False)] * (chosen - right)


def test_the_balance_of_numbers():
    found = [balance(samples(*each), 8) for each in ((8, 10), (4, 8), (0, 5), (16, 64))]
    assert found == pytest.approx([0.8, 0.25, 0, 0.25])
    assert sum(found) / 4 == pytest.approx(0.325)
    assert balance([], 8) == 0


@pytest.mark.parametrize(
    ("threshold", "one", "two", "mean"),
    [(0, 0.75, 0.1667, 0.4583), (0.35, 0.6667, 0.25, 0.4583), (0.5, 1, 0.25, 0.625),
     (0.75, 1, 0, 0.5)],
)  # fmt: skip
def test_the_balance_above_a_threshold(threshold: float, one: float, two: float, mean: float):
    first = [(0.9, True), (0.8, True), (0.4, False), (0.3, True)]
    second = [(0.7, False), (0.6, True), (0.2, False)]
    found = [balance(each, 2, threshold) for each in (first, second)]
    assert found == pytest.approx([one, two], abs=1e-4)
    assert sum(found) / 2 == pytest.approx(mean, abs=1e-4)


class Probed(Extra):
    """Finds so many different right answers at each temperature, in as many words."""

    def __init__(self, right: dict[float, int]) -> None:
        self.right = right
        self.calls: list[tuple[int, int, float]] = []

    def sample(
        self, like: Any, prompts: Sequence[Any], n: int, begun: Any = (), temperature: Any = None
    ) -> list[Rollout]:
        self.calls.append((len(like), n, temperature))
        assert [row.task.messages for row in like] == list(prompts)
        rows = []
        for row in like:
            for i in range(n):
                made = rollout(row.group, float(i < self.right[temperature]))
                made.text = f"way {i}"
                rows.append(made)
        return rows


SPEC = "b_star?temperatures=1.2,0.5,0.8&probe=2&samples=4&enough=4&every=10"


def test_the_temperature_that_finds_most_is_taken():
    treatment, params = make_treatment(SPEC), SamplingParams(8, temperature=1.0)
    assert treatment.sampling(params, 0) == params
    made, sampler = batch([1, 0], [0, 0], [1, 1]), Probed({0.5: 1, 0.8: 3, 1.2: 2})
    treatment.augment(made, sampler)
    assert sampler.calls == [(2, 4, 0.5), (2, 4, 0.8), (2, 4, 1.2)]
    assert len(made) == 6  # a probe is not learned from
    assert treatment.sampling(params, 1).temperature == 0.8
    assert treatment.metrics() == {"temperature": 0.8, "balance": 0.75}
    treatment.augment(made, sampler)  # a second round of the same update
    made.step = 9
    treatment.augment(made, sampler)
    assert len(sampler.calls) == 3
    made.step = 10
    sampler.right = {0.5: 2, 0.8: 1, 1.2: 2}
    treatment.augment(made, sampler)
    assert len(sampler.calls) == 6
    assert treatment.sampling(params, 11).temperature == 0.5  # ties: the lower one
    made.step = 20
    sampler.right = {0.5: 0, 0.8: 0, 1.2: 0}
    treatment.augment(made, sampler)
    assert treatment.sampling(params, 21).temperature == 0.5


def test_the_same_words_are_found_once():
    class Same(Probed):
        def sample(self, *given: Any, **more: Any) -> list[Rollout]:
            rows = super().sample(*given, **more)
            for number, row in enumerate(rows):
                row.text = f"a {' ' * number}b\n"
            return rows

    treatment = make_treatment(SPEC)
    treatment.augment(batch([1], [1]), Same({0.5: 4, 0.8: 4, 1.2: 4}))
    assert treatment.metrics() == {"temperature": 0.5, "balance": 0.25}


def test_a_probe_goes_on_where_a_run_was_killed():
    treatment, made = make_treatment(SPEC), batch([1, 0])
    sampler = Probed({0.5: 1, 0.8: 3, 1.2: 2})
    treatment.augment(made, sampler)
    other = make_treatment(SPEC, seed=1)
    other.load_state_dict(json.loads(json.dumps(treatment.state_dict())))
    other.augment(made, sampler)
    assert len(sampler.calls) == 3
    assert other.sampling(SamplingParams(8), 1).temperature == 0.8


@pytest.mark.parametrize(
    "spec",
    ["half_fine_tuning?every=-1", "b_star?temperatures=", "b_star?temperatures=0,1",
     "b_star?temperatures=nan", "b_star?every=0", "b_star?probe=0", "b_star?samples=0",
     "b_star?enough=0"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.split("?")[0]):
        make_treatment(spec)
