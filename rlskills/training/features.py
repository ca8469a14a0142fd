"""What some curricula want to know of a prompt besides rewards: where its hidden states point."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from ..curricula.methods.gain_rl import angle_concentration


@torch.inference_mode()
def prompt_features(model: PreTrainedModel, prompts: list[list[int]]) -> list[tuple[float, ...]]:
    """The angle concentration of each prompt (token ids), from the last layer's hidden states.

    Wang et al. 2025 (GAIN-RL, arXiv 2506.02281) cut a prompt behind its instructions; ours need not
    have any, so they are cut in the middle. A prompt of one token has no angles: 0.
    """
    training = model.training
    model.eval()
    found: list[tuple[float, ...]] = []
    for prompt in prompts:
        if len(prompt) < 2:
            found.append((0.0,))
            continue
        ids = torch.tensor([prompt], device=model.device)
        hidden = model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states[-1]
        found.append((angle_concentration(hidden[0].float().cpu().numpy(), len(prompt) // 2),))
    model.train(training)
    return found
