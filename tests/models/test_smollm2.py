"""The preset smollm2: weights, tokenizer and template as they are, answering and trained."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from rlskills.console import Console
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, EvalConfig, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.generation.engine import SamplingParams
from rlskills.generation.select import select_engine
from rlskills.models import smollm2
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.machine import Machine
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import uniform

from .chat_models import Say

PACKAGE = importlib.util.find_spec(smollm2.PACKAGE)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(PACKAGE is None, reason=f"needs {smollm2.INSTALL}"),
]

VARIED = Path(__file__).with_name("varied.py")
WEIGHTS = "3c5fdee91060c09a103a3ace048e09657659253dda455eaa5b13bcd2d5525f3b"


def digest_of(state: dict[str, torch.Tensor]) -> str:
    """SHA-256 of all tensors' names and bytes, by name."""
    whole = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        whole.update(name.encode())
        whole.update(tensor.contiguous().numpy().tobytes())
    return whole.hexdigest()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of our own, so that every run of the tests converts, and only once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RLSKILLS_CACHE", str(folder))
        yield folder
    shutil.rmtree(folder)  # half a gigabyte


@pytest.fixture(scope="module")
def folder(cache: Path) -> Path:
    made = smollm2.smollm2_folder()
    assert made.parent == cache
    return made


@pytest.fixture(scope="module")
def loaded(folder: Path) -> LoadedModel:
    assert smollm2.smollm2_folder() == folder
    return load("smollm2", Kernels("eager", "highest"))


@pytest.fixture(scope="module")
def model(loaded: LoadedModel) -> Any:
    return loaded.model


@pytest.fixture(scope="module")
def tokenizer(loaded: LoadedModel) -> Any:
    return loaded.codec.tokenizer


def test_weights_are_those_that_transformers_reads_from_the_file(model: Any):
    # WEIGHTS was taken in the same way from the model that AutoModelForCausalLM.from_pretrained
    # makes with gguf_file=FILE, which is another conversion but too slow to do here.
    state = model.state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert digest_of(state) == WEIGHTS
    assert sum(weights.numel() for weights in model.parameters()) == 134_515_008
    assert model.config.rope_parameters == {"rope_type": "default", "rope_theta": 100_000.0}
    assert (model.config.head_dim, model.config.rms_norm_eps) == (64, 1e-5)


def test_a_trained_model_is_saved_like_any_other(loaded: LoadedModel, tmp_path: Path):
    model, tokenizer = loaded.model, loaded.codec.tokenizer
    loaded.save(tmp_path / "saved")
    reopened = load(str(tmp_path / "saved"), Kernels("eager", "highest"))
    again: Any = reopened.model
    assert all(
        torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True)
    )
    assert again.lm_head.weight is again.model.embed_tokens.weight
    reread: Any = reopened.codec.tokenizer
    text = "x\n\n  12 apples"
    assert reread(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert reread.chat_template == tokenizer.chat_template
    shutil.rmtree(tmp_path)


# Every character of the first plane, surrogates aside, that the vocabulary has bytes for.
READABLE = st.characters(
    max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x04\x06\x13\x14\x16\x1d"
)


@settings(max_examples=200, deadline=None)
@given(st.text(READABLE))
@example(" two  spaces \n\n\tand 1 tab\r\n")
@example("I 'm here . don 't , is n't")
@example("naïve λ 漢字 é ½ ٣ 🙂 \u200d")
@example("f(x) = 3*x+12; x=-7, y = 0.5 %\n  42")
def test_text_survives_the_tokenizer(tokenizer: Any, text: str):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.unk_token_id not in ids


def test_digits_are_split_before_anything_else(tokenizer: Any):
    def words(text: str) -> list[str]:
        return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])

    # llama.cpp does so too: in its list of expressions for `smollm`, \p{N} comes first.
    assert words("a 12") == ["a", "Ġ", "1", "2"]
    assert words("=\n\n  12") == ["=", "ĊĊ", "ĠĠ", "1", "2"] or words("=\n\n  12")[-2:] == [
        "1",
        "2",
    ]
    assert words(":\n\n3") == [":", "ĊĊ", "3"]
    assert words("  3") == ["ĠĠ", "3"]
    assert words(" world") == ["Ġworld"]


def test_characters_without_a_token_do_not_vanish(tokenizer: Any):
    assert tokenizer("a\x04b")["input_ids"].count(tokenizer.unk_token_id) == 1


def test_ends_and_padding(loaded: LoadedModel, model: Any, tokenizer: Any):
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    assert loaded.codec.ends == {2} == {model.config.eos_token_id}
    assert tokenizer.padding_side == "left"
    (row,) = loaded.codec.encode_replies(["<answer>4</answer>"])
    assert row[-1] == 2
    assert tokenizer.decode(row[:-1]) == "<answer>4</answer>"
    assert loaded.codec.decode([row]) == ["<answer>4</answer>"]
    # Beside these tokens it says nothing: no temperature or other sampling of its own.
    settings = model.generation_config.to_diff_dict()
    settings.pop("transformers_version", None)
    assert settings == {"bos_token_id": 1, "eos_token_id": [2], "pad_token_id": 2}
    # The trainer compares them with the tokenizer's, and prints where they differ.
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        assert getattr(tokenizer, name) == getattr(model.config, name)


def test_template(loaded: LoadedModel):
    tokenizer: Any = loaded.codec.tokenizer
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    ids, own = loaded.codec.encode_openings(
        [
            [{"role": "user", "content": "Say 12."}],
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        ]
    )
    assert tokenizer.decode(ids) == (
        f"<|im_start|>system\n{system}<|im_end|>\n"
        "<|im_start|>user\nSay 12.<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokenizer.decode(own) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert ids[0] == ids[ids.index(2) + 2] == 1 == tokenizer.bos_token_id
    assert ids.count(2) == 2


def test_it_answers_in_english(loaded: LoadedModel):
    questions = ["What is the capital of France?", "How many days are in a week?"]
    rows = loaded.codec.encode_openings([[{"role": "user", "content": q}] for q in questions])
    engine = select_engine(loaded)
    assert engine.chosen(SamplingParams(12)).name == "llama_cpu"  # pyright: ignore
    found = engine.generate(rows, SamplingParams(12, 0.0), 0)
    paris, week = loaded.codec.decode([one.ids for one in found])
    assert paris == "The capital of France is Paris."
    assert "7 days" in week


def test_a_second_call_takes_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch):
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    monkeypatch.setattr(smollm2, "_installed", lambda: pytest.fail("converts again"))
    assert smollm2.smollm2_folder() == folder
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_it_is_trained_evaluated_and_resumed(folder: Path, tmp_path: Path):
    """Demonstrations, then an update of RL on adapters, through the whole path of a study."""
    machine = Machine(threads=1, attention="sdpa", precision="highest")
    stream = uniform(Say(), "train", (1,), 0)
    little: dict[str, Any] = {"max_steps": 1, "eval_every": 0, "save_every": 1}
    sft = SFTSettings(batch_size=2, learning_rate=1e-3, **little)
    rl = RLSettings(
        prompts_per_step=1, group_size=2, max_new_tokens=4, learning_rate=1e-3,
        treatments=(f"{VARIED}:Varied",), **little,
    )  # fmt: skip
    study = Study(
        "smollm2", "", (
            ArmConfig("sft", Supervision.STEPS, sft, stream),
            ArmConfig("rl", Supervision.ANSWERS, rl, stream, "sft"),
        ),
        tuple(make_eval_sets({"say": Say()}, (1,), 2)), EvalConfig(6), curve_tasks=1,
        model="smollm2", model_options=ModelOptions(lora=LoraOptions(rank=4)),
    )  # fmt: skip
    run_study(study, RunConfig(output=tmp_path, machine=machine), Console(quiet=True))
    adapters = [
        load_file(tmp_path / f"seed0/{arm}/model/adapter_model.safetensors")
        for arm in ("sft", "rl")
    ]
    assert adapters[0].keys() == adapters[1].keys()
    moved = [name for name in adapters[0] if not torch.equal(adapters[0][name], adapters[1][name])]
    assert len(moved) > 100
    before = (tmp_path / "seed0/rl/evaluation.json").stat().st_mtime_ns
    run_study(study, RunConfig(output=tmp_path, machine=machine), Console(quiet=True))
    assert (tmp_path / "seed0/rl/evaluation.json").stat().st_mtime_ns == before
