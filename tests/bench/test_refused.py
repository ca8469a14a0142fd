"""What `rlskills bench` refuses, in one line, before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.cli import entry as cli


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as error:
        cli.main(["bench", *words])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("rlskills: ")
    assert printed.count("\n") == 1, printed
    return printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "--group-size", "1"], "group_size must be at least 2"),
        (["train", "--micro-batches", "3"], "--micro-batches must divide"),
        (["train", "--layers", "2"], "--layers is for random weights"),
        (["train", "--model", "0.6B", "--accuracy"], "weights that know something"),
        (["train", "--profile"], "add --output"),
        (["train", "--tolerance", "1"], "tolerance must be"),
        (["train", "--levels", "9"], "has levels 1 to"),
        (["train", "--env", "string_transfrom"], "did you mean 'string_transform'"),
        (["train", "--model", "tinybase"], "nothing is known here of the size of 'tinybase'"),
        (["train", "--model", "tiny"], "take tiny-base"),
        (["train", "--model", "wide33"], "a multiple of 32"),
        (["train", "--check", "nowhere.json"], "there is no file nowhere.json"),
        (["train", "--attention", "fast"], "unknown attention"),
        (["page", "nowhere"], "has no subfolder"),
    ],
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys):
    assert said in fails(capsys, *words)


@pytest.mark.parametrize("text", ["[]", "{", '{"turns": []}', '{"about": {}, "shape": {}}'])
def test_a_file_that_is_no_result_is_one_line(text: str, tmp_path: Path, capsys):
    file = tmp_path / "train.json"
    file.write_text(text)
    assert str(file) in fails(capsys, "train", "--check", str(file))
    (tmp_path / "a").mkdir()
    (tmp_path / "a/train.json").write_text(text)
    assert "train.json" in fails(capsys, "page", str(tmp_path))
