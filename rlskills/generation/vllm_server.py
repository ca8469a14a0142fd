"""A vLLM server (`vllm serve`), through TRL's client.

Every process asks for its own completions, so none waits for another; the main process sends the
weights. A server that does not answer is waited for; one that was started again meanwhile has other
weights than it was sent, and ends the run.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from trl.generation.vllm_client import VLLMClient
from urllib3.connection import HTTPConnection
from urllib3.util.retry import Retry

from ..errors import UserError
from ..models.loaded import LoadedModel
from ..models.vllm_settings import VLLMSettings
from .vllm_colocated import drawn_of, wrapped
from .vllm_host import Draw, Drawn

Answer = TypeVar("Answer")
PAUSE = 2.0
"""Seconds between two attempts to reach a server."""
AT_ONCE = 64
"""Prompts that are asked for at the same time by a process; vLLM decodes them together."""
START = (
    'VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --weight-transfer-config \'{"backend": "nccl"}\' '
    "--logprobs-mode processed_logprobs"
)
"""How a server is started, so that weights can be sent and log-probabilities compared."""


class Served:
    """A server, as seen by one process."""

    def __init__(self, loaded: LoadedModel, settings: VLLMSettings) -> None:
        self.url, self.timeout = settings.server_url.rstrip("/"), settings.timeout
        with self._in_one_line():
            self._wait(time.monotonic() + self.timeout)
            self.trl = wrapped(loaded, settings)
            main = self.trl.accelerator.is_main_process
            self.client = self.trl.vllm_client if main else VLLMClient(base_url=self.url)
            for scheme in ("http://", "https://"):
                self.client.session.mount(scheme, _Attentive())
            config = self.client.get_server_info()["model_config"]
            if config["logprobs_mode"] != "processed_logprobs":
                raise ValueError(f"start it with --logprobs-mode processed_logprobs ({START})")
            self.max_length: int = config["max_model_len"]
            self.since = self._since()

    def push(self, model: Any) -> None:
        """Send the weights from the main process; all of them wait for it."""
        self._ask(self._check_same)
        with self._in_one_line():
            self.trl.send(model)

    def draw(self, prompts: list[list[int]], seeds: list[int], how: Draw) -> list[Drawn]:
        """A request for each prompt, since a request has one seed."""
        more = {"stop_token_ids": list(how.stop_token_ids)}

        def one(prompt: list[int], seed: int) -> list[Drawn]:
            answer = self._ask(lambda: self.client.generate(
                [prompt], generation_kwargs={**more, "seed": seed}, **how.keywords
            ))  # fmt: skip
            return drawn_of(answer["completion_ids"], answer["logprobs"])

        threads = ThreadPoolExecutor(AT_ONCE)
        try:
            found = list(threads.map(one, prompts, seeds))
        finally:
            threads.shutdown(cancel_futures=True)
        self._ask(self._check_same)
        return [drawn for group in found for drawn in group]

    def rest(self) -> bool:
        """Nothing: its memory is not that of the trainer."""
        return False

    def close(self) -> None:
        """Leave the group over which weights are sent."""
        self.client.close_communicator()

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """What the server answers, waited for up to `timeout` seconds where it is away."""
        limit = time.monotonic() + self.timeout
        with self._in_one_line():
            while True:
                try:
                    return call()
                except requests.RequestException:
                    self._pause(limit)
                    self._wait(limit)

    def _wait(self, limit: float) -> None:
        """Until the server says that it is well; a `UserError` at `limit`, a time of this clock."""
        while True:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/health", timeout=10).ok:
                    return
            self._pause(limit)

    def _pause(self, limit: float) -> None:
        if time.monotonic() >= limit:
            raise UserError(
                f"no vLLM server answers at {self.url}, waited for {self.timeout:g} seconds "
                f"(--machine.vllm.timeout); it is started by: {START}. A run goes on from its last "
                "checkpoint when it is started again"
            )
        time.sleep(PAUSE)

    def _check_same(self) -> None:
        """A `UserError` where the server is not the one that was sent the weights."""
        if self._since() != self.since:
            raise UserError(
                f"the vLLM server at {self.url} was started again and has lost the weights it was "
                "sent; the run goes on from its last checkpoint when it is started again"
            )

    def _since(self) -> str:
        """When the server's process began, by its metrics; empty where they do not say."""
        answer = self.client.session.get(f"{self.url}/metrics", timeout=60)
        if answer.status_code == 404:
            return ""
        answer.raise_for_status()
        begun = r"^process_start_time_seconds(?:\{.*\})? (\S+)"
        found = re.search(begun, answer.text, re.MULTILINE)
        return found[1] if found else ""

    @contextmanager
    def _in_one_line(self) -> Iterator[None]:
        """Errors of the server and of the connection as a `UserError`."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # what TRL's client raises has no class of its own
            reason = " ".join(str(error).split())
            raise UserError(f"the vLLM server at {self.url}: {reason}") from error


class _Attentive(HTTPAdapter):
    """Repeats nothing by itself, and notices a machine that is gone while it is waited for.

    TRL's would ask a server again to receive weights that are under way already.
    """

    def __init__(self) -> None:
        # What a proxy says of a server that is away or busy is an error of the connection.
        never = Retry(0, status_forcelist=(502, 503, 504), allowed_methods=None)
        super().__init__(max_retries=never, pool_maxsize=AT_ONCE)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        ordinary: Any = HTTPConnection.default_socket_options
        options = [*ordinary, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):  # not on every system
                options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
        super().init_poolmanager(*args, socket_options=options, **more)
