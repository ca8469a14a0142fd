"""What decides a result is in its hash: an edited environment file, on the real command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .copy_letters import environment, rlskills, run

pytestmark = pytest.mark.torture


@pytest.fixture(scope="module")
def finished(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(copied, tmp_path_factory.mktemp("edited") / "finished"))


def test_an_edited_grader_is_refused_in_one_line(finished: Path):
    environment(finished, "return 1.0", trusted=True)
    done = run(finished)
    assert done.returncode == 2
    *_, line = done.stderr.strip().splitlines()
    assert "copy_env.py has changed since out/seed0/base was trained and measured" in line
    assert "Traceback" not in done.stderr


def test_a_remark_in_the_file_is_no_change(finished: Path):
    environment(finished, "pass  # nothing", trusted=True)
    done = run(finished)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("complete, reused") == 2


def test_the_same_file_by_another_path_is_the_same(finished: Path):
    environment(finished, "pass", trusted=True)
    (finished / "sub").mkdir(exist_ok=True)
    (finished / "copy_env.py").rename(finished / "sub/copy_env.py")
    done = run(finished, env="sub/copy_env.py")
    (finished / "sub/copy_env.py").rename(finished / "copy_env.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("complete, reused") == 2


def test_same_code_goes_on_and_two_versions_are_not_compared(finished: Path):
    environment(finished, "return 1.0", trusted=True)
    done = run(finished, "--same-code")
    assert done.returncode == 0, done.stderr
    other = run(finished, "--first-seed", "1", output="two")
    assert other.returncode == 0, other.stderr
    compared = rlskills("compare", "out", "two", cwd=finished)
    assert compared.returncode == 2
    assert "were graded with two versions of copy_env.py" in compared.stderr
    compared = rlskills("compare", "out", "two", "--same-code", cwd=finished)
    assert compared.returncode == 0, compared.stderr
    manifest = json.loads((finished / "two/seed1/base/run.json").read_text())
    assert list(manifest["config"]["code"]) == ["copy_env.py"]
