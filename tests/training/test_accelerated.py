"""accelerate's configurations, what is refused under them, and how long a group waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import torch
from accelerate import PartialState
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.other import get_free_port
from rich.console import Console
from torch.distributed.fsdp import MixedPrecisionPolicy

from rlskills.errors import UserError
from rlskills.experiments.machine import prepare
from rlskills.models.machine import Machine
from rlskills.models.sharding import sharding
from rlskills.training.settings import SFTSettings
from rlskills.training.sharded import check_goes_on, check_sharding, reduce_in_float32

from .accelerated import RECIPES, variables
from .test_sharded import SHARDS

KINDS = {"ddp": "", "fsdp2": "fsdp2", "zero2": "zero2", "zero3": "zero3"}


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch):
    """As in a process on a GPU that accelerate has launched with a configuration."""

    def launch(name: str, **more: str) -> None:
        for variable, value in (variables(name) | more).items():
            monkeypatch.setenv(variable, value)
        kind = DistributedType.DEEPSPEED if "zero" in name else DistributedType.MULTI_GPU
        PartialState(cpu=True)
        monkeypatch.setitem(PartialState._shared_state, "distributed_type", kind)

    return launch


def test_every_configuration_is_tested():
    assert {file.stem for file in RECIPES.glob("*.yaml")} == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_a_configuration_is_what_it_is_called(launched, name: str):
    config: Any = load_config_from_file(str(RECIPES / f"{name}.yaml"))
    assert (config.num_processes, config.mixed_precision) == (8, "no")
    launched(name)
    assert sharding() == KINDS[name]
    check_sharding(SFTSettings())


def test_the_plugin_is_the_one_that_sharded_runs_are_tested_with(launched):
    launched("fsdp2")
    assert variables("fsdp2").items() <= SHARDS.items()
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert plugin.reshard_after_forward is True
    assert plugin.cpu_ram_efficient_loading is False
    assert "SHARDED" in str(plugin.state_dict_type)
    assert "transformer_auto_wrap_policy" in str(plugin.auto_wrap_policy)


def test_nothing_is_sharded_on_cpus(monkeypatch: pytest.MonkeyPatch):
    PartialState(cpu=True)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setitem(PartialState._shared_state, "distributed_type", DistributedType.MULTI_CPU)
    assert sharding() == ""


@pytest.mark.parametrize(
    ("name", "more", "settings", "said"),
    [
        ("fsdp2", {"FSDP_VERSION": "1"}, {}, "version 1"),
        ("fsdp2", {}, {"optimizer": "muon"}, "muon .* fsdp2 shards"),
        ("zero2", {}, {"optimizer": "muon"}, "muon .* zero2 shards"),
        ("fsdp2", {"FSDP_ACTIVATION_CHECKPOINTING": "true"}, {}, "gradient_checkpointing"),
    ],
)
def test_what_cannot_be_sharded_is_one_line(launched, name, more, settings, said: str):
    launched(name, **more)
    with pytest.raises(UserError, match=said) as error:
        check_sharding(replace(SFTSettings(), **settings))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "state", "goes_on"),
    [
        ("ddp", {}, True),
        ("ddp", {"processes": 2, "sharding": "fsdp2"}, True),
        ("fsdp2", {"processes": 2, "sharding": "fsdp2"}, True),
        ("fsdp2", {"processes": 2, "sharding": ""}, False),
        ("zero2", {"processes": 4, "sharding": "zero2"}, True),
        ("zero2", {"processes": 2, "sharding": "zero2"}, False),
        ("zero3", {"processes": 4, "sharding": "zero2"}, False),
        ("ddp", {"processes": 4, "sharding": "zero3"}, False),
    ],
)
def test_where_a_run_goes_on(launched, name: str, state: dict[str, object], goes_on: bool):
    launched(name)
    if goes_on:
        check_goes_on(state, 4)
    else:
        with pytest.raises(UserError, match="cannot be gone on from by 4"):
            check_goes_on(state, 4)


def test_gradients_are_averaged_in_float32(launched):
    launched("fsdp2")
    plugin = FullyShardedDataParallelPlugin()
    plugin.set_mixed_precision("bf16")

    class Made:
        class state:
            fsdp_plugin = plugin

    reduce_in_float32(Made)  # pyright: ignore[reportArgumentType]
    assert plugin.mixed_precision_policy == MixedPrecisionPolicy(torch.bfloat16, torch.float32)


def test_a_group_waits_as_long_as_the_flag_says(monkeypatch: pytest.MonkeyPatch):
    launcher = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "LOCAL_WORLD_SIZE": 1}
    launcher |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": get_free_port()}
    for name, value in launcher.items():
        monkeypatch.setenv(name, str(value))
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        prepare(Machine(threads=1, process_timeout=7), Console(quiet=True))
        group = torch.distributed.distributed_c10d._get_default_group()
        options = group._get_backend(torch.device("cpu")).options
        assert options._timeout == timedelta(minutes=7)
    finally:
        torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
    assert Machine().process_timeout == 60
    with pytest.raises(UserError, match="at least 1"):
        Machine(process_timeout=0)
