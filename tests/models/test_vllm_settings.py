"""The settings of vLLM: from flags to the wrapper of TRL's, and what is refused."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest
from trl.generation.vllm_generation import VLLMGeneration
from trl.trainer.grpo_config import GRPOConfig

from rlskills import cli
from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.experiments import machine
from rlskills.generation.vllm_colocated import WeightSync, arguments_of
from rlskills.models.machine import Machine
from rlskills.models.vllm_settings import VLLMSettings
from rlskills.training.arguments import OWNED
from rlskills.training.settings import RLSettings

REACHED = {
    "vllm_mode": "mode",
    "vllm_model_impl": "model_impl",
    "vllm_enable_sleep_mode": "sleep",
    "vllm_server_base_url": "server_url",
    "vllm_server_host": "server_url",
    "vllm_server_port": "server_url",
    "vllm_server_timeout": "timeout",
    "vllm_group_port": "group_port",
    "vllm_gpu_memory_utilization": "memory_share",
    "vllm_max_model_length": "max_length",
    "vllm_tensor_parallel_size": "tensor_parallel",
    "vllm_importance_sampling_correction": "rollout_correction",
    "vllm_importance_sampling_mode": "rollout_correction",
    "vllm_importance_sampling_clip_max": "rollout_ratio_max",
    "vllm_importance_sampling_clip_min": "rollout_ratio_min",
    "vllm_importance_sampling_cap": "rollout_ratio_max",
}
"""Fields of TRL's, and the setting of ours that stands for each."""
WITHOUT = {"vllm_structured_outputs_regex": "what a policy may say is not narrowed"}
"""Fields that have none, and why."""
NOT_GIVEN = {
    "model", "accelerator", "processing_class", "structured_outputs_regex", "trust_remote_code",
    "server_host", "server_port",  # the address has both
    "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_completion_length",
    "logprobs", "generation_kwargs",  # every call of ours has its own
}  # fmt: skip
"""Parameters of TRL's wrapper that no setting of ours decides."""


def test_every_field_of_trls_has_a_setting_or_a_reason():
    theirs = {item.name for item in fields(GRPOConfig) if item.name.startswith("vllm_")}
    assert theirs == REACHED.keys() | WITHOUT.keys()
    assert theirs | {"use_vllm"} <= OWNED.keys()
    ours = {item.name for item in (*fields(VLLMSettings), *fields(RLSettings))}
    assert set(REACHED.values()) <= ours
    assert {OWNED[name] for name, own in REACHED.items() if own.startswith("rollout")} == {
        "the settings rollout_correction, rollout_ratio_max and rollout_ratio_min"
    }


def test_all_that_trls_wrapper_is_given_is_known_to_it():
    known = set(inspect.signature(VLLMGeneration).parameters)
    given = arguments_of(VLLMSettings())
    assert given.keys() | NOT_GIVEN == known
    assert len(given) == len(fields(VLLMSettings))


def test_what_is_overridden_and_called_of_trls_wrapper_is_there():
    """A release that moves it is noticed here and not on a GPU."""
    assert "_iter_named_params" in vars(VLLMGeneration)
    assert list(inspect.signature(VLLMGeneration._iter_named_params).parameters) == ["self"]
    assert list(inspect.signature(VLLMGeneration.sync_weights).parameters) == ["self"]
    source = inspect.getsource(VLLMGeneration)
    for used in ("self._weight_metadata", "self.vllm_client", "self.llm", "self.model"):
        assert f"{used} = " in source
    overridden = {name for name in vars(WeightSync) if name in dir(VLLMGeneration)}
    assert {name for name in overridden if not name.startswith("__")} == {"_iter_named_params"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"memory_share": 0.0}, "memory-share must be above 0 and at most 1, not 0.0"),
        ({"memory_share": 1.5}, "memory-share"),
        ({"memory_share": float("nan")}, "memory-share"),
        ({"tensor_parallel": 0}, "tensor-parallel must be at least 1"),
        ({"max_length": -1}, "max-length"),
        ({"max_sequences": -1}, "max-sequences"),
        ({"mode": "server", "group_port": 70000}, "group-port"),
        ({"mode": "server", "timeout": float("inf")}, "timeout"),
        ({"mode": "server", "server_url": "localhost:8000"}, "server-url must be such as http"),
        ({"mode": "server", "server_url": "http://host:x"}, "server-url"),
        ({"mode": "server", "sleep": True}, "sleep is for --machine.vllm.mode colocate; it is an"),
        ({"mode": "server", "memory_share": 0.5}, "memory-share is for --machine.vllm.mode coloc"),
        ({"server_url": "http://gpu:8000"}, "server-url is for --machine.vllm.mode server"),
        ({"timeout": 9.0}, "timeout is for --machine.vllm.mode server"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_one_line(given, words):
    with pytest.raises(UserError, match=f"--machine.vllm.{words}") as error:
        VLLMSettings(**given)
    assert "\n" not in str(error.value)


def test_what_does_not_go_with_the_machine(monkeypatch: pytest.MonkeyPatch):
    served = VLLMSettings("server")
    with pytest.raises(UserError, match="arms-at-once must be 1 with"):
        Machine(vllm=served, arms_at_once=2)
    monkeypatch.setattr(machine.torch, "get_num_threads", lambda: 4)
    assert machine.prepare(Machine(threads=1), Console(quiet=True)).at_once == 4
    prepared = machine.prepare(Machine(threads=1, vllm=served), Console(quiet=True))
    assert (prepared.at_once, prepared.vllm.settings) == (1, served)
    two = VLLMSettings(tensor_parallel=2)
    two.check_processes(4)
    with pytest.raises(UserError, match=r"tensor-parallel \(2\) must divide the number of proc"):
        machine.prepare(Machine(threads=1, vllm=two), Console(quiet=True))


def test_corrections_out_of_range():
    rl = RLSettings(rollout_ratio_max=float("inf"), rollout_ratio_min=0.5)
    for change, words in (
        ({"rollout_ratio_min": -1.0}, "rollout_ratio_min must be at least 0"),
        ({"rollout_ratio_max": 0.5}, "rollout_ratio_max must be above rollout_ratio_min"),
        ({"rollout_ratio_max": float("nan")}, "rollout_ratio_max"),
        ({"loss": "vespo", "rollout_correction": "sequence_mask"}, "vespo takes ratios of tokens"),
    ):
        with pytest.raises(UserError, match=words):
            replace(rl, **change)


ENV = "string_transform?preset=tiny&functions=train"


def test_flags_of_eval_end_in_one_line(small_model: Path, capsys: pytest.CaptureFixture[str]):
    words = ["eval", str(small_model), "--env", ENV, "--engine", "vllm"]
    for flags, said in (
        (["--machine.vllm.mode", "server", "--machine.vllm.sleep"], "`vllm serve`"),
        (["--machine.vllm.tensor-parallel", "2"], "must divide the number of processes (1)"),
        (["--machine.vllm.memory-share", "2"], "at most 1"),
    ):
        with pytest.raises(SystemExit) as end:
            cli.main([*words, *flags])
        assert end.value.code == 2
        printed = capsys.readouterr().err
        assert said in printed
        assert printed.startswith("rlskills: --machine.vllm.")
        assert printed.count("\n") == 1
