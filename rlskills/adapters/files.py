"""Rows as files: JSON lines, parquet, a Hugging Face dataset folder, verl's parquet.

A file appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ..environments import Environment, Task
from ..errors import UnknownName, UserError
from .export import datasets_library, row_of, verl_row

CHUNK = 2_000
"""Rows that are in memory at a time, where the form allows it."""


def write(tasks: Iterable[Task], env: Environment, form: str, output: Path) -> None:
    """Write tasks to `output` in one of `FORMS`; what is there already is a `UserError`."""
    if form not in FORMS:
        raise UnknownName("export format", form, FORMS)
    if output.exists():
        raise UserError(f"{output} exists already; nothing was written")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    except OSError as error:
        raise UserError(f"cannot write into {output.parent}: {error.strerror}") from error
    try:
        FORMS[form](tasks, env, folder / output.name)
        os.replace(folder / output.name, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _jsonl(tasks: Iterable[Task], env: Environment, output: Path) -> None:
    with output.open("w", encoding="utf-8") as file:
        for task in tasks:
            row = row_of(task) | {"prompt": task.prompt, "data": dict(task.data)}
            del row["text_prompt"]
            file.write(json.dumps(row) + "\n")


def _parquet(tasks: Iterable[Task], env: Environment, output: Path) -> None:
    _tables((row_of(task) for task in tasks), output)


def _verl(tasks: Iterable[Task], env: Environment, output: Path) -> None:
    _tables((verl_row(task, env.spec) for task in tasks), output)


def _tables(rows: Iterator[dict[str, Any]], output: Path) -> None:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise UserError(f"this needs pyarrow ({error}): pip install 'rlskills[parquet]'") from None
    first = arrow.Table.from_pylist(list(islice(rows, CHUNK)))
    with parquet.ParquetWriter(output, first.schema) as writer:
        writer.write_table(first)
        while chunk := list(islice(rows, CHUNK)):
            writer.write_table(arrow.Table.from_pylist(chunk, schema=first.schema))


def _hf(tasks: Iterable[Task], env: Environment, output: Path) -> None:
    datasets_library().Dataset.from_list([row_of(task) for task in tasks]).save_to_disk(str(output))


FORMS: dict[str, Callable[[Iterable[Task], Environment, Path], None]] = {
    "jsonl": _jsonl,
    "parquet": _parquet,
    "hf": _hf,
    "verl": _verl,
}
"""What `rlskills env export` writes, by name."""
