"""A model with a chat template, of another architecture than the presets."""

from __future__ import annotations

import pytest

from .small import chat_model_and_tokenizer


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("chat")
    for part in chat_model_and_tokenizer():
        part.save_pretrained(folder)
    return str(folder)
