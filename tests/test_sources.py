"""Digests of code: what counts is what the files do, not where they lie or what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.spec import Spec, code_of
from rlskills.spec.sources import fresh_digest

SOURCE = """
import helper
from parts.words import WORDS


def verify(answer):
    return answer in WORDS or "#" in answer
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/__init__.py").write_text("from .words import WORDS\n")
    (tmp_path / "parts/words.py").write_text("WORDS = ('a',)\n")
    (tmp_path / "helper.py").write_text("LIMIT = 1\n")
    (tmp_path / "other.py").write_text("LIMIT = 1\n")
    (tmp_path / "env.py").write_text(SOURCE)
    return tmp_path / "env.py"


def test_comments_blank_lines_and_folders_do_not_count(file: Path, tmp_path: Path):
    before = fresh_digest(file)
    file.write_text("# What it is for.\n\n\n" + SOURCE.replace("WORDS\n", "WORDS  # all\n"))
    assert fresh_digest(file) == before
    (tmp_path / "other.py").write_text("LIMIT = 2\n")
    assert fresh_digest(file) == before
    moved = tmp_path.with_name(tmp_path.name + "_moved")
    tmp_path.rename(moved)
    assert fresh_digest(moved / "env.py") == before


@pytest.mark.parametrize("changed", ["env.py", "helper.py", "parts/words.py", "parts/__init__.py"])
def test_a_changed_file_or_local_module_counts(file: Path, changed: str):
    before = fresh_digest(file)
    with (file.parent / changed).open("a") as end:
        end.write("LIMIT = 3\n")
    assert fresh_digest(file) != before


def test_a_number_sign_in_a_text_is_no_comment(file: Path):
    before = fresh_digest(file)
    file.write_text(SOURCE.replace('"#"', '"# "'))
    assert fresh_digest(file) != before


def test_what_cannot_be_read_as_python_has_a_digest_too(tmp_path: Path):
    torn = tmp_path / "torn.py"
    torn.write_bytes(b'def \xff(:\n  """')
    assert fresh_digest(torn)
    assert fresh_digest(tmp_path / "nowhere.py") == ""


def test_files_are_found_in_nested_specs_and_names_are_not(file: Path):
    nested = Spec("around", {"inner": Spec("deeper", {"x": (Spec(f"{file}:Env"),)})})
    assert list(code_of(nested)) == ["env.py"]
    assert code_of(nested, f"{file}:Other?size=3") == code_of(nested)
    assert code_of("string_transform?preset=tiny", "rg:leg_counting", "nowhere.py:Env") == {}
    assert code_of("rlskills_envs.lego:Lego") == {}
    assert list(code_of(f"{__name__}:Env")) == ["test_sources.py"]


def test_two_files_of_one_name_are_both_told(file: Path, tmp_path: Path):
    other = tmp_path / "parts/env.py"
    other.write_text("LIMIT = 4\n")
    both = code_of(f"{file}:Env", f"{other}:Env")["env.py"]
    assert sorted(both.split("+")) == sorted([fresh_digest(file), fresh_digest(other)])
