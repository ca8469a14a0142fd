"""`rlskills export`: a model as one ordinary folder, adapters merged into its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from ..errors import UserError


def export_model(
    model: tyro.conf.Positional[str],
    /,
    output: Path,
    dtype: Literal["float32", "bfloat16"] = "float32",
    revision: str = "",
) -> None:
    """Write a model as an ordinary folder that any program loads; adapters become its weights.

    Args:
        model: A folder such as the model/ of a run, with or without adapters; the preset smollm2,
            or a Hugging Face name.
        output: The folder to write; it must not exist, or be empty.
        dtype: Of the weights. bfloat16 takes half the space, to be evaluated and not trained.
        revision: Branch, tag or commit of a model on the hub.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output} is there already; choose another --output, or remove it")
    import torch

    from ..models.kernels import Kernels
    from ..models.loading import load
    from ..models.lora import adapted, merged
    from ..models.options import ModelOptions

    kernels = Kernels("eager", "highest", "float32", batch_tokens=1)
    loaded = load(model, kernels, options=ModelOptions(revision=revision))
    had = adapted(loaded.model)
    loaded.model = merged(loaded.model).to(getattr(torch, dtype))
    output.parent.mkdir(parents=True, exist_ok=True)
    loaded.save(output)
    print(f"{output}: {dtype} weights" + (", adapters merged" if had else ""))
