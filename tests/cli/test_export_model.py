"""`rlskills export`: an ordinary folder of any model, adapters merged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from rlskills.cli import entry as cli
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.models.options import LoraOptions, ModelOptions

KERNELS = Kernels("eager", "highest", "float32", batch_tokens=2**14)
IDS = torch.arange(3, 43).view(2, 20)


@pytest.fixture
def adapters(small_model: Path, tmp_path: Path) -> Path:
    loaded = load(str(small_model), KERNELS, options=ModelOptions(lora=LoraOptions(rank=4)))
    for parameter in loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1
    loaded.save(tmp_path / "adapters")
    return tmp_path / "adapters"


def test_merged_adapters_answer_alike(adapters: Path, tmp_path: Path, capsys):
    cli.main(["export", str(adapters), "--output", str(tmp_path / "out" / "whole")])
    assert "adapters merged" in capsys.readouterr().out
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "whole")
    assert isinstance(whole, LlamaForCausalLM)
    assert whole.dtype == torch.float32
    with torch.no_grad():
        expected = load(str(adapters), KERNELS).model.eval()(input_ids=IDS).logits
        found = whole.eval()(input_ids=IDS).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert AutoTokenizer.from_pretrained(tmp_path / "out" / "whole")("a")["input_ids"]


def test_half_precision_and_a_model_without_adapters(small_model: Path, tmp_path: Path, capsys):
    cli.main(["export", str(small_model), "--output", str(tmp_path / "b"), "--dtype", "bfloat16"])
    assert "merged" not in capsys.readouterr().out
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "b").dtype == torch.bfloat16
    assert load(str(tmp_path / "b"), KERNELS).model.dtype == torch.float32


def test_nothing_is_written_over(small_model: Path, tmp_path: Path, capsys):
    (tmp_path / "kept").write_text("x")
    with pytest.raises(SystemExit) as error:
        cli.main(["export", str(small_model), "--output", str(tmp_path)])
    assert error.value.code == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_missing_folder_is_one_clear_line(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(["export", "./nowhere", "--output", str(tmp_path / "out")])
    assert error.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
