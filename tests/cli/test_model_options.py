"""How a model is loaded and spoken to, from the command line to its prompts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from rlskills.cli import entry as cli
from rlskills.errors import UserError
from rlskills.models import loading
from rlskills.models.codec import Codec
from rlskills.models.kernels import Kernels
from rlskills.models.options import ModelOptions

TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if thinking %}<think>{% endif %}{% endif %}"
)
ENV = "string_transform?preset=tiny&functions=train"
OPTIONS = ("system-prompt", "Be brief."), ("template-options", "thinking=true")


@pytest.fixture(scope="module")
def chat_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat") / "model"
    shutil.copytree(small_model, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every prompt that is encoded, as text."""
    seen: list[str] = []
    encode = Codec.encode_openings

    def noted(codec: Codec, openings: Any) -> list[list[int]]:
        rows = encode(codec, openings)
        seen.extend(str(codec.tokenizer.decode(row)) for row in rows)
        return rows

    monkeypatch.setattr(Codec, "encode_openings", noted)
    return seen


def flags(prefix: str) -> list[str]:
    return [word for name, value in OPTIONS for word in (f"--{prefix}.{name}", value)]


def spoken(prompt: str) -> bool:
    return prompt.startswith("[system]Be brief.\n[user]") and prompt.endswith("[assistant]<think>")


def test_an_evaluation_speaks_as_it_is_told(chat_model: Path, prompts: list[str]):
    words = ["eval", str(chat_model), "--env", ENV, "--levels", "1", "--tasks", "2",
             "--max-new-tokens", "4", "--machine.threads", "1"]  # fmt: skip
    cli.main(words)
    assert prompts
    assert not any(map(spoken, prompts))
    prompts.clear()
    cli.main([*words, *flags("options")])
    assert prompts
    assert all(map(spoken, prompts))


def test_a_recipe_does_in_training_and_evaluation(chat_model: Path, tmp_path: Path, prompts):
    """With adapters and an argument of TRL's beside, and the result is evaluated by its folder."""
    cli.main([
        "run", "grpo", "--model", str(chat_model), "--no-cold-start", "--env", ENV,
        "--output", str(tmp_path), "--eval-tasks", "2", "--samples", "0", "--machine.threads", "1",
        "--rl.max-steps", "1", "--rl.prompts-per-step", "2", "--rl.group-size", "2",
        "--rl.max-new-tokens", "4", "--rl.trl", "adam_beta1=0.8", 'lr_scheduler_kwargs={"a": [1]}',
        "--model-options.lora.rank", "2", "--model-options.lora.targets", "q_proj", "v_proj",
        *flags("model-options"),
    ])  # fmt: skip
    assert prompts
    assert all(map(spoken, prompts))
    run = json.loads((tmp_path / "seed0" / "grpo" / "run.json").read_text())
    assert run["status"] == "complete"
    assert run["config"]["settings"]["trl"] == ["adam_beta1=0.8", 'lr_scheduler_kwargs={"a": [1]}']
    assert run["config"]["model_options"] == {
        "system_prompt": "Be brief.",
        "template_options": ["thinking=true"],
        "lora": {"rank": 2, "alpha": 0.0, "targets": ["q_proj", "v_proj"], "dropout": 0.0},
    }
    adapters = tmp_path / "seed0" / "grpo" / "model"
    assert (adapters / "adapter_config.json").exists()
    cli.main(["eval", str(adapters), "--env", ENV, "--levels", "1", "--tasks", "2",
              "--max-new-tokens", "4", "--machine.threads", "1"])  # fmt: skip


def test_options_at_their_defaults_are_in_no_hash(chat_model: Path):
    from rlskills.experiments.identity import _set

    assert _set(ModelOptions()) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--options.template-options", "thinking"], "not of the form KEY=VALUE"),
        (["--options.base-dtype", "bfloat16"], "weights that are trained are float32"),
        (["--options.lora.rank", "-1"], "lora.rank must be at least 0"),
    ],
)
def test_options_that_cannot_be_are_one_line(chat_model: Path, capsys, words, said):
    with pytest.raises(SystemExit) as error:
        cli.main(["eval", str(chat_model), "--env", ENV, *words])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_a_revision_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, str]] = []

    class Hub:
        @staticmethod
        def from_pretrained(model: str, revision: str, **more: Any) -> Any:
            asked.append((model, revision))
            raise OSError("not here")

    monkeypatch.setattr(loading, "AutoTokenizer", Hub)
    with pytest.raises(UserError, match="not here"):
        loading.load("some/model", Kernels(), options=ModelOptions(revision="v2"))
    assert asked == [("some/model", "v2")]
