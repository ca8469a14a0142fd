"""What some curricula want to know of a prompt besides rewards: where its hidden states point."""

from __future__ import annotations

import torch

from ..curricula.methods.gain_rl import angle_concentration
from ..models.loaded import LoadedModel


def prompt_features(loaded: LoadedModel, prompts: list[list[int]]) -> list[tuple[float, ...]]:
    """The angle concentration of each prompt (token ids), from the last layer's hidden states.

    Wang et al. 2025 (GAIN-RL, arXiv 2506.02281) cut a prompt behind its instructions; ours need not
    have any, so they are cut in the middle. A prompt of one token has no angles: 0.
    """
    model = loaded.model
    found: list[tuple[float, ...]] = []
    for prompt in prompts:
        if len(prompt) < 2:
            found.append((0.0,))
            continue
        ids = torch.tensor([prompt], device=model.device)
        with loaded.inference():
            out = model(input_ids=ids, output_hidden_states=True, use_cache=False)
        hidden = out.hidden_states[-1][0].float().cpu().numpy()
        found.append((angle_concentration(hidden, len(prompt) // 2),))
    return found
