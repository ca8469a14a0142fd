from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, cast

import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2 as generated
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.get_experiment import Handler as Experiment
from tensorboard.plugins.hparams.list_session_groups import Handler as Rows

from rlskills.errors import UserError
from rlskills.runs.metrics import Budget, MetricWriter, gap, metric_lines, records_to
from rlskills.runs.rollout_log import RolloutLog
from rlskills.runs.supervision import Supervision

api_pb2 = cast(Any, generated)


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    return found


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(e.step, round(e.value, 4)) for e in events(folder).Scalars(tag)]


def test_records_and_events_hold_the_same(tmp_path: Path):
    writer = MetricWriter(tmp_path, addresses=[("train", 2)])
    for step in (1, 2, 3):
        budget = Budget(step * 10, step * 10, step * 100, step * 50, step * 1.5)
        writer.log(step, budget, {"train/loss": 1 / step, "eval/train/L2/greedy": step / 4})
    writer.close()
    records = list(metric_lines(tmp_path / "metrics.jsonl"))
    assert [r["step"] for r in records] == [1, 2, 3]
    assert records[2]["generated_tokens"] == 300
    assert points(tmp_path, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.3333)]
    assert points(tmp_path, "eval/train/L2/greedy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    for axis, scale in (("samples", 10), ("generated_tokens", 100), ("trained_tokens", 50)):
        steps = [step for step, _ in points(tmp_path, f"by_{axis}/eval/train/L2/greedy")]
        assert steps == [scale, 2 * scale, 3 * scale]


def test_a_resume_cuts_back_record_and_events(tmp_path: Path):
    writer = MetricWriter(tmp_path, addresses=[("train", 1)])
    for step in (1, 2, 3, 4):
        writer.log(step, Budget(samples=step), {"eval/train/L1/greedy": 0.9})
    writer.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "samp')  # torn by a kill
    writer = MetricWriter(tmp_path, last_step=2, addresses=[("train", 1)])
    writer.log(3, Budget(samples=3), {"eval/train/L1/greedy": 0.5})
    writer.close()
    assert [r["step"] for r in metric_lines(tmp_path / "metrics.jsonl")] == [1, 2, 3]
    assert points(tmp_path, "eval/train/L1/greedy") == [(1, 0.9), (2, 0.9), (3, 0.5)]
    assert points(tmp_path, "by_samples/eval/train/L1/greedy")[-1] == (3, 0.5)


LINE = '{"step": %d, "time": 1.0, "metrics": {}}\n'


@pytest.mark.parametrize(
    "end", [b"\xff\n", b'{"step": 2, "x": "\xff"}\n', b"\0" * 9, b'{"ste', b"[\n"]
)
def test_a_torn_last_line_is_passed_over_whatever_is_in_it(tmp_path: Path, end: bytes):
    file = tmp_path / "metrics.jsonl"
    file.write_bytes((LINE % 0 + LINE % 1).encode() + end)
    assert [record["step"] for record in metric_lines(file)] == [0, 1]
    assert len(records_to(file, 1)) == 2


@pytest.mark.parametrize("line", ["\xff", "\0\0", "[]", "3", '{"step": "1"}', '{"metrics": {}}'])
def test_a_damaged_line_is_named_unless_it_is_behind_what_is_kept(tmp_path: Path, line: str):
    file = tmp_path / "metrics.jsonl"
    file.write_bytes((LINE % 0 + LINE % 1 + f"{line}\n" + LINE % 3).encode("latin-1"))
    with pytest.raises(UserError, match=f"cannot understand line 3 of {file}"):
        list(metric_lines(file))
    with pytest.raises(UserError, match="line 3"):
        MetricWriter(tmp_path, last_step=2)
    MetricWriter(tmp_path, last_step=0).close()
    assert [record["step"] for record in metric_lines(file)] == [0]
    file.write_text(f"{line}\n", "latin-1")
    MetricWriter(tmp_path).close()  # a new run needs nothing of it


def test_a_record_that_cannot_be_read_is_one_line(tmp_path: Path):
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(UserError, match=r"cannot read .*metrics\.jsonl: is a directory"):
        list(metric_lines(tmp_path / "metrics.jsonl"))


def test_gaps_are_seen():
    def steps(*numbers: int) -> list[dict[str, Any]]:
        return [{"step": number} for number in numbers]

    assert gap(steps(0, 1, 2), 2) is None
    assert gap([], -1) is None
    assert gap(steps(0, 2), 3) == "lacks 2 of the steps 0 to 3, the first of them 1"
    assert gap([], 2) == "lacks 3 of the steps 0 to 2, the first of them 0"
    assert gap(steps(0, 1, 1), 1) == "has steps twice"


def test_tensorboard_opens_on_the_comparison(tmp_path: Path):
    writer = MetricWriter(tmp_path, addresses=[("train", 1), ("held_out", 1)])
    writer.close()
    tags = events(tmp_path).Tags()
    assert "custom_scalars__config__" in tags["tensors"]
    raw = b"".join(f.read_bytes() for f in (tmp_path / "tensorboard").iterdir())
    assert b"held out: accuracy by samples" in raw


def test_a_base_model_is_not_laid_over_its_arms(tmp_path: Path):
    writer = MetricWriter(tmp_path)
    writer.log(1, Budget(samples=5), {"eval/train/L1/greedy": 0.5})
    writer.close()
    assert events(tmp_path).Tags()["scalars"] == ["eval/train/L1/greedy"]


def test_a_fresh_run_forgets_an_old_record(tmp_path: Path):
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 7, "metrics": {}}) + "\n")
    MetricWriter(tmp_path).close()
    assert list(metric_lines(tmp_path / "metrics.jsonl")) == []


@pytest.mark.parametrize("tag", ["train/loss", "train/grad_norm"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, tag: str, value: float):
    writer = MetricWriter(tmp_path)
    writer.log(1, Budget(), {"train/loss": 0.5})
    with pytest.raises(UserError, match=rf"{tag} is {value} at step 2") as error:
        writer.log(2, Budget(), {"train/reward": 1.0, tag: value})
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    writer.close()
    assert [record["step"] for record in metric_lines(tmp_path / "metrics.jsonl")] == [1]


def test_what_is_undefined_is_left_out_of_the_record(tmp_path: Path):
    writer = MetricWriter(tmp_path)
    writer.log(1, Budget(), {"train/loss": 0.5, "train/reward": float("nan")})
    writer.close()
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    record = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert record["metrics"] == {"train/loss": 0.5}
    assert events(tmp_path).Tags()["scalars"] == ["train/loss"]


def hparams_tab(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]], set[str]]:
    """Types of the settings, rows (settings and results), and metrics, as TensorBoard shows."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(folder))
    context, request = Context(TBContext(data_provider=provider)), RequestContext()
    found = Experiment(request, context, "", api_pb2.GetExperimentRequest()).run()
    wanted = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=100,
        allowed_statuses=[api_pb2.STATUS_SUCCESS],
        col_params=[api_pb2.ColParams(metric=metric.name) for metric in found.metric_infos],
        include_metrics=True,
    )  # fmt: skip
    rows = []
    for group in Rows(request, context, "", wanted).run().session_groups:
        row: dict[str, Any] = {
            name: getattr(value, str(value.WhichOneof("kind")))
            for name, value in group.hparams.items()
        }
        rows.append(row | {one.name.tag: one.value for one in group.metric_values})
    kinds = {info.name: api_pb2.DataType.Name(info.type) for info in found.hparam_infos}
    return kinds, rows, {metric.name.tag for metric in found.metric_infos}


def test_the_hparams_tab_has_a_row_per_run_and_the_settings_of_all(tmp_path: Path):
    for name in ("base", "grpo/0", "grpo/1"):
        (tmp_path / name).mkdir(parents=True)
    base = MetricWriter(tmp_path / "base")
    base.hparams({"arm": "base"}, {"final/train/L1": 0.25})
    base.close()
    for seed in (0, 1):
        writer = MetricWriter(tmp_path / "grpo" / str(seed), addresses=[("train", 1)])
        writer.log(1, Budget(samples=5), {"train/loss": 1.0, "eval/train/L1/greedy": 0.5})
        settings = {
            "arm": "grpo", "bf16": True, "learning_rate": 1e-4, "max_steps": 3, "none": None,
            "supervision": Supervision.ANSWERS, "nested": {"levels": (1, 2)}, "far": float("inf"),
        }  # fmt: skip
        writer.hparams(settings, {"final/train/L1": 0.5 + seed / 4, "final/x/L1": float("nan")})
        writer.failures({("atomic error", ("train", 2)): 0.25})
        writer.close()
    kinds, rows, metrics = hparams_tab(tmp_path)
    assert metrics == {"final/train/L1"}
    assert kinds == {
        "arm": "DATA_TYPE_STRING", "bf16": "DATA_TYPE_BOOL", "far": "DATA_TYPE_STRING",
        "learning_rate": "DATA_TYPE_FLOAT64", "max_steps": "DATA_TYPE_FLOAT64",
        "nested.levels": "DATA_TYPE_STRING", "supervision": "DATA_TYPE_STRING",
    }  # fmt: skip
    assert len(rows) == 3
    assert sorted((row["arm"], row["final/train/L1"]) for row in rows) == [
        ("base", 0.25), ("grpo", 0.5), ("grpo", 0.75)
    ]  # fmt: skip
    row = next(row for row in rows if row["arm"] == "grpo")
    assert (row["bf16"], row["nested.levels"], row["supervision"]) == (True, "1, 2", "answers")


def test_failures_stand_at_their_level(tmp_path: Path):
    writer = MetricWriter(tmp_path)
    writer.failures({})
    assert not (tmp_path / "tensorboard" / "failures").exists()
    writer.failures({("atomic error", ("a/b", 2)): 0.25, ("lucky guess", ("a/b", 12)): 0.5})
    writer.close()
    found = EventAccumulator(str(tmp_path / "tensorboard" / "failures")).Reload()
    assert {
        tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]
    } == {
        "failures/atomic_error/a/b/L2": [(2, 0.25)], "failures/lucky_guess/a/b/L12": [(12, 0.5)],
    }  # fmt: skip


def texts(folder: Path) -> dict[int, str]:
    found = events(folder)
    tag = "train/samples/text_summary"
    if tag not in found.Tags()["tensors"]:
        return {}
    return {e.step: e.tensor_proto.string_val[0].decode() for e in found.Tensors(tag)}


def test_samples_are_text_that_nothing_in_them_breaks_and_survive_a_resume(tmp_path: Path):
    log, writer = RolloutLog(tmp_path), MetricWriter(tmp_path, addresses=[("train", 1)])
    for step in (1, 2, 3):
        rollouts = [
            {"group": group, "prompt": f"say {step}", "completion": "a|b\n`\0\udc80",
             "reward": reward}
            for group in (0, 1) for reward in (1.0, None)
        ]  # fmt: skip
        log.log(step, rollouts)
        if step != 2:
            writer.samples(step, rollouts)
        writer.log(step, Budget(), {} if step == 2 else {"eval/train/L1/greedy": 0.5})
    writer.close()
    before = texts(tmp_path)
    assert before.keys() == {1, 3}
    lines = before[3].splitlines()
    assert len(lines) == 2 + 2, "the first rollout of each group"
    assert all(len(line.replace("\\|", "").split("|")) == 5 for line in lines)
    RolloutLog(tmp_path, last_step=2)
    MetricWriter(tmp_path, last_step=2, addresses=[("train", 1)]).close()
    assert texts(tmp_path) == {1: before[1]}
