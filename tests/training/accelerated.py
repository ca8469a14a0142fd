"""What `accelerate launch` tells its processes, and sharding on CPUs, where accelerate has none.

Run under torchrun with a recipe's configuration: accelerated.py NAME.yaml rlskills' words.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType
from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

RECIPES = Path(__file__).parents[2] / "recipes" / "accelerate"


def variables(name: str) -> dict[str, str]:
    """The environment variables that `accelerate launch --config_file NAME.yaml` sets."""
    file = str(RECIPES / f"{name}.yaml")
    args = launch_command_parser().parse_args(["--config_file", file, "program.py"])
    args, *_ = _validate_launch_command(args)
    before = dict(os.environ)
    if args.use_deepspeed:
        config: Any = load_config_from_file(file)
        args.deepspeed_fields_from_accelerate_config = list(config.deepspeed_config)
        _, found = prepare_deepspeed_cmd_env(args)
    else:
        found = prepare_multi_gpu_env(args)
    return {
        name: value
        for name, value in found.items()
        if name.startswith(("ACCELERATE_", "FSDP_")) and before.get(name) != value
    }


def let_cpus_shard() -> None:
    """Have accelerate take a group on CPUs for one on accelerators: then it and `Trainer` shard.

    All that follows is their own code and torch's `fully_shard`, over gloo.
    """
    make: Any = PartialState.__init__

    def made(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if self._shared_state.get("distributed_type") is DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = made


if __name__ == "__main__":
    from rlskills.cli.entry import main

    os.environ |= variables(sys.argv[1])
    let_cpus_shard()
    main(sys.argv[2:])
