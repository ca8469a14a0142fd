"""What TensorBoard shows of the end of a run: its row of the HParams tab, and how answers fail.

The HParams tab has one row per run, with all settings and final results as columns. torch's
`add_hparams` also writes a list of columns, of which TensorBoard takes one run's for all. Without
such a list it gathers the columns of every run. Its metrics are then all scalars beside a session,
so a session has a sub-run of its own that holds the final results only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, cast

from . import tags
from .tags import Address

FOLDER = "final"
"""The sub-run, in a run's folder of events."""
FAILURES = "failures"
"""Another one: what is beside a session would be columns of the HParams tab."""


def write_row(events: Path, settings: Mapping[str, Any], results: Mapping[str, float]) -> None:
    """The row of a finished run: `settings` of any kind and depth, `results` by tag."""
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
    from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG, SESSION_START_INFO_TAG
    from torch.utils.tensorboard.writer import SummaryWriter

    # Generated modules, whose names no type checker sees.
    data, api, now = cast(Any, plugin_data_pb2), cast(Any, api_pb2), time.time()
    start = data.SessionStartInfo(start_time_secs=now)
    for name, value in columns(settings).items():
        kind = {bool: "bool_value", str: "string_value"}.get(type(value), "number_value")
        setattr(start.hparams[name], kind, value)
    end = data.SessionEndInfo(status=api.STATUS_SUCCESS, end_time_secs=now)
    with SummaryWriter(str(events / FOLDER)) as writer:
        _add(writer, SESSION_START_INFO_TAG, data.HParamsPluginData(session_start_info=start))
        _add(writer, SESSION_END_INFO_TAG, data.HParamsPluginData(session_end_info=end))
        for tag, result in results.items():
            if math.isfinite(result):
                writer.add_scalar(tag, result, 0)


def write_levels(events: Path, shares: Mapping[tuple[str, Address], float]) -> None:
    """Shares by kind of mistake and eval set, with the level as the step of each, so that a chart
    shows levels side by side; nothing where there are none."""
    from torch.utils.tensorboard.writer import SummaryWriter

    if not shares:
        return
    with SummaryWriter(str(events / FAILURES)) as writer:
        for (kind, address), share in shares.items():
            writer.add_scalar(tags.failures(kind, address), share, address[1])


def columns(settings: Mapping[str, Any], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Settings by dotted name, as the tab can hold them; what is None has no cell."""
    plain: dict[str, bool | int | float | str] = {}
    for name, value in settings.items():
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, Mapping):
            plain |= columns(value, f"{prefix}{name}.")
        elif isinstance(value, bool | int | str) or (
            isinstance(value, float) and math.isfinite(value)
        ):
            plain[prefix + name] = value
        elif isinstance(value, list | tuple):
            plain[prefix + name] = ", ".join(map(str, value))
        elif value is not None:
            plain[prefix + name] = str(value)
    return plain


def _add(writer: Any, tag: str, content: Any) -> None:
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.hparams.metadata import PLUGIN_DATA_VERSION, PLUGIN_NAME

    content.version = PLUGIN_DATA_VERSION
    proto = cast(Any, summary_pb2)
    plugin = proto.SummaryMetadata.PluginData(
        plugin_name=PLUGIN_NAME, content=content.SerializeToString()
    )
    metadata = proto.SummaryMetadata(plugin_data=plugin)
    value = proto.Summary.Value(tag=tag, metadata=metadata)
    writer.file_writer.add_summary(proto.Summary(value=[value]))
