"""What our own decoder does not compute exactly, it refuses, and says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributed import destroy_process_group, init_process_group
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from rlskills.generation.engine import SamplingParams
from rlskills.generation.exactness import unsupported
from rlskills.generation.llama_cpu import LlamaCPU

from .engines import loaded_of
from .shapes import KINDS, PROMPTS, SHAPES, made, of_library, stepwise


class Bent(LlamaForCausalLM):
    """A class of someone else's."""


class OtherLinear(nn.Linear):
    """As quantised ones are."""


def other_linear(model: Any) -> None:
    """One linear map of another class."""
    model.model.layers[1].mlp.down_proj = OtherLinear(48, 32, bias=False)


def other_activation(model: Any) -> None:
    """Contradicts the config."""
    model.model.layers[1].mlp.act_fn = nn.GELU()


def parametrized(model: Any) -> None:
    """A weight that is computed."""
    nn.utils.parametrizations.weight_norm(model.model.layers[0].mlp.up_proj)


def hooked(model: Any) -> None:
    """An output that is changed."""
    model.model.layers[0].register_forward_hook(lambda module, args, output: 2 * output)


def hooked_before(model: Any) -> None:
    """An input that is changed."""
    model.model.norm.register_forward_pre_hook(lambda module, args: (2 * args[0],))


def replaced(model: Any) -> None:
    """As accelerate's hooks do."""
    old = model.model.layers[0].mlp.forward
    model.model.layers[0].mlp.forward = lambda x: 2 * old(x)


def replaced_on_top(model: Any) -> None:
    """The same on the model itself."""
    old = model.forward
    model.forward = lambda *args, **options: old(*args, **options)


def half_a_layer(model: Any) -> None:
    """A shard in place of a weight."""
    linear = model.model.layers[0].mlp.up_proj
    linear.weight = nn.Parameter(linear.weight[:10].detach())


def fewer_layers(model: Any) -> None:
    """More layers than the library runs."""
    model.config.num_hidden_layers = 1


def bounded(model: Any) -> None:
    """Embeddings scaled down when they are looked up."""
    model.model.embed_tokens.max_norm = 0.1


def on_no_device(model: Any) -> None:
    """Weights that are elsewhere."""
    model.to("meta")


def autocast_by_accelerate(model: Any) -> None:
    """As `Accelerator.prepare` leaves a model in mixed precision."""
    model._original_forward = model.forward


def in_training(model: Any) -> None:
    """With a dropout that is at work."""
    model.config.attention_dropout = 0.1
    model.train()


def both_ways(model: Any) -> None:
    """Each position sees all others."""
    model.config.is_causal = False


DONE: list[Callable[[Any], None]] = [
    other_linear, other_activation, parametrized, hooked, hooked_before, replaced,
    replaced_on_top, half_a_layer, fewer_layers, bounded, on_no_device, autocast_by_accelerate,
    in_training, both_ways,
]  # fmt: skip


@pytest.mark.parametrize("done", DONE, ids=lambda done: done.__name__)
def test_a_model_to_which_something_was_done_is_refused(done):
    model = made("llama")
    assert unsupported(model) is None
    done(model)
    reason = LlamaCPU(loaded_of(model)).refuses(SamplingParams(1))
    assert reason
    assert "\n" not in reason


REFUSED = {
    "gelu": ({"hidden_act": "gelu"}, "the activation 'gelu'"),
    "rope": ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
             "default rotary embedding"),
    "scaled logits": ({"logit_scale": 0.5}, "the setting 'logit_scale'"),
    "undeclared window": ({"sliding_window": 3}, "the setting 'sliding_window'"),
    "chunks": ({"attention_chunk_size": 4}, "the setting 'attention_chunk_size'"),
    "kernel": ({"attn_implementation": "paged|eager"}, "the attention 'paged|eager'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_it_does_not_know_are_named(name):
    more, reason = REFUSED[name]
    assert reason in str(unsupported(made("llama", **more)))


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_only_a_window_that_is_in_use_is_refused(kind):
    window = {"use_sliding_window": True, "sliding_window": 3}
    used = made(kind, **window, max_window_layers=1)
    assert "full attention" in str(unsupported(used))
    for unused in (made(kind, **window, max_window_layers=2), made(kind, sliding_window=3)):
        assert unsupported(unused) is None
        replies = [[5, 6, 7, 8]] * len(PROMPTS)
        ours, theirs = (how(unused, PROMPTS, replies) for how in (stepwise, of_library))
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_that_are_not_float32_are_refused(dtype):
    assert "float32" in str(unsupported(made("llama").to(dtype)))
    mixed = made("qwen3")
    mixed.model.norm.to(dtype)
    assert "model.norm.weight" in str(unsupported(mixed))


def test_other_classes_are_refused():
    gpt = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20))
    assert "GPT2LMHeadModel" in str(unsupported(gpt))
    small: dict[str, Any] = {
        "vocab_size": 20, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1,
    }  # fmt: skip
    assert "MistralForCausalLM" in str(unsupported(MistralForCausalLM(MistralConfig(**small))))
    assert "Bent" in str(unsupported(Bent(made("llama").config)))


def test_autocast_is_refused_where_it_is_on():
    model = made("llama")
    with torch.autocast("cpu", torch.bfloat16):
        assert "autocast" in str(unsupported(model))
    assert unsupported(model) is None


def test_adapters_are_refused_until_they_are_merged():
    peft = pytest.importorskip("peft")
    model = made("llama", num_key_value_heads=2)
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    )
    assert "Peft" in str(unsupported(adapted))
    assert "peft" in str(unsupported(adapted.get_base_model()))
    replies = [[5, 6, 7]] * len(PROMPTS)
    expected = of_library(adapted.eval(), PROMPTS, replies)
    merged = adapted.merge_and_unload()
    assert unsupported(merged) is None
    torch.testing.assert_close(stepwise(merged, PROMPTS, replies), expected, atol=1e-3, rtol=1e-4)


def test_a_sharded_model_is_refused(tmp_path):
    from torch.distributed.fsdp import fully_shard

    init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        inner, whole = made("llama"), made("llama")
        for layer in inner.model.layers:
            fully_shard(layer)
        fully_shard(whole)
        assert "DTensor" in str(unsupported(inner))
        assert "DTensor" in str(unsupported(whole))
    finally:
        destroy_process_group()


def test_what_trl_and_the_library_hang_onto_a_model_changes_nothing():
    from trl.trainer.utils import add_fused_lm_head

    model = made("llama", attn_implementation="eager")
    add_fused_lm_head(model)
    model.enable_input_require_grads()
    model(torch.tensor([[5, 6]]), output_hidden_states=True, output_attentions=True)
    assert unsupported(model) is None


def configs() -> st.SearchStrategy[tuple[str, dict[str, Any], torch.dtype, bool]]:
    """A kind, settings and dtype, and whether all of it is known."""
    heads = st.sampled_from([(1, 1), (2, 1), (4, 1), (4, 2), (4, 4), (6, 3)])
    odd = st.sampled_from(
        [
            {}, {}, {}, {"hidden_act": "gelu"}, {"hidden_act": "relu"}, {"logit_scale": 2.0},
            {"attention_multiplier": 0.1}, {"is_causal": False},
            {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100.0}},
            {"layer_types": ["sliding_attention"] * 2, "num_hidden_layers": 2,
             "sliding_window": 2, "use_sliding_window": True},
        ]
    )  # fmt: skip

    def together(kind, heads, width, size, layers, biases, tied, act, theta, odd, dtype):
        found: dict[str, Any] = {
            "num_attention_heads": heads[0], "num_key_value_heads": heads[1],
            "hidden_size": heads[0] * width, "num_hidden_layers": layers, "hidden_act": act,
            "tie_word_embeddings": tied, "attn_implementation": "sdpa" if biases else "eager",
            "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        }  # fmt: skip
        if kind != "qwen2":
            found |= {"head_dim": size, "attention_bias": biases}
        if kind == "llama":
            found |= {"mlp_bias": biases}
        return kind, found | odd, dtype, not odd and dtype == torch.float32

    return st.builds(
        together, st.sampled_from(sorted(KINDS)), heads, st.sampled_from([2, 6, 8, 26, 48]),
        st.sampled_from([2, 4, 10, 32]), st.integers(1, 3), st.booleans(), st.booleans(),
        st.sampled_from(["silu", "swish"]), st.sampled_from([100.0, 1e4, 1e6]), odd,
        st.sampled_from([torch.float32, torch.float32, torch.float32, torch.bfloat16]),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    configs(),
    st.lists(st.lists(st.integers(0, 39), min_size=1, max_size=6), min_size=1, max_size=4),
    st.lists(st.integers(0, 39), min_size=1, max_size=5),
)
def test_any_model_is_refused_or_computed_as_the_library_does(drawn, prompts, reply):
    kind, more, dtype, known = drawn
    model = made(kind, **more).to(dtype)
    reason = unsupported(model)
    assert (reason is None) == known
    if reason is None:
        replies = [reply] * len(prompts)
        ours, theirs = (how(model, prompts, replies) for how in (stepwise, of_library))
        torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-4)


def test_all_that_is_known_is_accepted():
    for kind, more in SHAPES.values():
        assert unsupported(made(kind, **more)) is None
