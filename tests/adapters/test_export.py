"""Rows for other trainers hold all that grading needs, in every form they are written in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.adapters.export import row_of, rows, score_row, task_of, to_hf, to_trl
from rlskills.adapters.files import FORMS, write
from rlskills.adapters.verl import compute_score
from rlskills.cli.env.main import env_cli
from rlskills.environments import Environment, load
from rlskills.errors import UserError

SPEC = "string_transform?preset=tiny&functions=all"


@pytest.fixture(scope="module")
def env() -> Environment:
    return load(SPEC)


@pytest.fixture(scope="module")
def tasks(env: Environment):
    return [env.task(split, level, 0) for split in env.holdout.splits for level in (2, 3)]


def test_a_row_gives_its_task_back(tasks):
    for task in tasks:
        assert task_of(row_of(task)) == task
        assert task_of(json.loads(json.dumps(row_of(task)))) == task


OPTIONS = {
    "countdown": {"reward": "paper"},
    "hierarchy": {"reward": {"answer": 0.5, "path": 0.25, "malformed": -1.0}, "seed": 3},
    "string_transform": {"preset": "tiny", "functions": "all", "holdout_pairs": "F46>F40,F40>F46"},
    "procedure": {"preset": "tiny", "composition": "rotate>double", "seed": 5},
    "arithmetic": {"operation": "chain", "reversed": True, "train_depth": 3},
    "rg:basic_arithmetic": {"operators": ("+", "-"), "min_digits": 2, "max_digits": 2,
                            "reward": "answer:1,partial:0.5"},
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_no_option_is_lost_on_the_way_to_a_file(name: str, tmp_path: Path):
    from pyarrow import parquet

    made = load(name, **OPTIONS[name])
    task = made.task("train", 2 if "composition" in OPTIONS[name] else 1, 0)
    output = tmp_path / "tasks.parquet"
    write([task], made, "verl", output)
    row = parquet.read_table(output).to_pylist()[0]
    again = load(row["data_source"])
    assert again.spec == made.spec
    assert again.weights == made.weights
    assert again.configs == made.configs
    assert again.seed == made.seed
    assert again.task(task.split, task.level, 1) == made.task(task.split, task.level, 1)
    for text in (made.solution(task), "no idea", "<answer>0</answer>"):
        given = row["data_source"], text, row["reward_model"]["ground_truth"]
        assert compute_score(*given, row["extra_info"]) == made.score(task, text).reward


def test_rows_are_different_problems():
    listed = list(rows(SPEC, "train", (1, 2), 30))
    assert len(listed) == 60
    assert [row["level"] for row in listed] == [1] * 30 + [2] * 30
    assert len({row["key"] for row in listed}) == 60


@pytest.mark.parametrize("form", sorted(FORMS))
def test_files_give_every_task_back(form: str, env: Environment, tasks, tmp_path: Path):
    output = tmp_path / "out" / f"tasks.{form}"
    write(iter(tasks), env, form, output)
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    if form == "jsonl":
        read = [json.loads(line) for line in output.read_text().splitlines()]
        assert [(row["key"], row["split"], row["skills"]) for row in read] == [
            (task.key, task.split, list(task.skills)) for task in tasks
        ]
        assert [row["data"] for row in read] == [task.data for task in tasks]
        return
    if form == "hf":
        import datasets

        read = datasets.Dataset.load_from_disk(str(output)).to_list()
    else:
        from pyarrow import parquet

        read = parquet.read_table(output).to_pylist()
    if form == "verl":
        for row, task in zip(read, tasks, strict=True):
            right = env.answer_only(task)
            given = row["data_source"], right, row["reward_model"]["ground_truth"]
            assert compute_score(*given, row["extra_info"]) == 1.0
            assert compute_score(given[0], "no", given[2], row["extra_info"]) == 0.0
            assert row["extra_info"]["key"] == task.key
            assert row["extra_info"]["skills"] == list(task.skills)
            assert row["prompt"] == task.messages
    else:
        assert [task_of(row) for row in read] == tasks
        assert score_row(env, read[0], env.answer_only(tasks[0])).correct


def test_verl_grades_what_pandas_reads(env: Environment, tasks, tmp_path: Path):
    """Its lists are numpy arrays, and verl passes on whatever else its reward manager knows."""
    frames = pytest.importorskip("pandas")
    write(iter(tasks), env, "verl", tmp_path / "tasks.parquet")
    read = frames.read_parquet(tmp_path / "tasks.parquet")
    assert type(read["extra_info"][0]["skills"]).__module__ == "numpy"
    for (_, row), task in zip(read.iterrows(), tasks, strict=True):
        for text, reward in ((env.answer_only(task), 1.0), ("no", 0.0)):
            found = compute_score(
                data_source=row["data_source"], solution_str=text,
                ground_truth=row["reward_model"]["ground_truth"], extra_info=row["extra_info"],
                sandbox_fusion_url=None, reward_router_address="127.0.0.1:1",
            )  # fmt: skip
            assert (type(found), found) == (float, reward)


def test_a_file_that_cannot_be_finished_is_not_there(env: Environment, tasks, tmp_path: Path):
    def broken():
        yield tasks[0]
        raise RuntimeError("no more")

    for form in FORMS:
        with pytest.raises(RuntimeError):
            write(broken(), env, form, tmp_path / form)
    assert list(tmp_path.iterdir()) == []


def test_hf_datasets(env: Environment):
    found = to_hf(env, "test", (2, 3), 5)
    assert len(found) == 10
    assert set(found["split"]) == {"test"}
    assert [task_of(row).key for row in found] == found["key"][:]


def test_rewards_for_trl_never_draw(env: Environment, monkeypatch):
    dataset, reward = to_trl(env, "train", 2, 4)
    found = [json.loads(text) for text in dataset["task"]]
    monkeypatch.setattr(Environment, "task", None)
    right = [env.answer_only(_task(one)) for one in found]
    columns = {name: dataset[name][:] for name in dataset.column_names if name != "prompt"}
    chats = [[{"role": "assistant", "content": text}] for text in right]
    assert reward(prompts=dataset["prompt"][:], completions=chats, **columns) == [1.0] * 4
    assert reward(completions=["?"] * 4, **columns) == [0.0] * 4


def _task(found: dict):
    from rlskills.environments import Task

    return Task.from_json(json.dumps(found))


def test_a_failed_grading_is_no_reward(tmp_path: Path):
    file = tmp_path / "shaky.py"
    file.write_text(
        "from rlskills.environments import Draft, Environment\n\n\n"
        "class Shaky(Environment):\n"
        "    trusted_grader = False\n"
        "    def make(self, rng, cfg):\n"
        "        return Draft(str(rng.random()), '1')\n\n"
        "    def verify(self, task, answer):\n"
        "        return 1 / len(answer.strip('0')) == 1\n"
    )
    dataset, reward = to_trl(f"{file}:Shaky", n=2)
    texts = ["<answer>1</answer>", "<answer>0</answer>"]
    assert reward(completions=texts, task=dataset["task"][:]) == [1.0, None]


def test_the_command_writes_and_says_what_is_wrong(tmp_path: Path, capsys):
    output = tmp_path / "some.jsonl"
    words = ["export", SPEC, "--level", "2", "3", "-n", "4", "--output", str(output)]
    env_cli(words)
    assert "8 problems" in capsys.readouterr().out
    assert len(output.read_text().splitlines()) == 8
    before = output.read_bytes()
    for extra, says in (
        ([], "exists already"),
        (["--format", "parqet", "--output", f"{output}2"], "did you mean 'parquet'"),
        (["-n", "0"], "must be positive"),
        (["--split", "tets", "--output", f"{output}3"], "did you mean 'test'"),
    ):
        with pytest.raises(UserError, match=says):
            env_cli(words + extra)
    assert output.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_grpo_of_trl_trains_on_it(env: Environment, small_model: Path, tmp_path: Path):
    from transformers import AutoTokenizer
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    dataset, reward = to_trl(env, "train", 1, 8, chat=False)
    config = GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=4, num_generations=4,
        max_completion_length=8, report_to=[], logging_steps=1, use_cpu=True, save_strategy="no",
        learning_rate=1e-3,
    )  # fmt: skip
    trainer = GRPOTrainer(
        str(small_model),
        reward,
        config,
        dataset,
        processing_class=AutoTokenizer.from_pretrained(small_model, padding_side="left"),
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert trainer.state.global_step == 2
    assert len(logged) == 2
    assert all(0 <= entry["reward"] <= 1 for entry in logged)
