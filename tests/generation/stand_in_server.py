"""A small HTTP server that speaks what TRL's client says to `vllm serve`."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

from .stand_in import Weights, Wire


class StandInServer:
    """One server at one address; it can go away and come back, as itself or as a new process."""

    def __init__(self, folder: str, wire: Wire) -> None:
        self.folder, self.wire = folder, wire
        self.port = 0
        self.mode = "processed_logprobs"
        self.transfer: dict[str, Any] | None = {"backend": "nccl"}
        self.longest = 90
        self.fail: str = ""
        """A path that answers with an error."""
        self.open: list[Any] = []
        self.busy = 0
        """Requests for completions that a proxy answers with 503."""
        self.begin()
        self.come()

    def begin(self) -> None:
        """Be a new process, which nobody has sent weights."""
        self.since = getattr(self, "since", 0) + 1
        self.weights, self.ready, self.updating = Weights(self.folder), False, False
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()

    def come(self) -> None:
        """Listen, at the same address as before."""
        server = self

        class Handler(_Handler):
            owner = server

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def go(self) -> None:
        """Do not answer any more, on connections that are open neither."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.open = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and content."""
        self.paths.append(path)
        if path == self.fail:
            return 500, {"error": "engine core died\nsee above"}
        if path == "/v1/completions" and self.busy:
            self.busy -= 1
            return 503, {}
        handle = getattr(self, "on_" + path.strip("/").replace("/", "_"), None)
        return handle(body) if handle else (404, {})

    def on_health(self, _: Any) -> tuple[int, Any]:
        return 200, {}

    def on_v1_models(self, _: Any) -> tuple[int, Any]:
        return 200, {"data": [{"id": "the model"}]}

    def on_server_info(self, _: Any) -> tuple[int, Any]:
        config = {"logprobs_mode": self.mode, "max_model_len": self.longest}
        found = {"weight_transfer_config": self.transfer, "model_config": config}
        return 200, {"vllm_config": found}

    def on_get_world_size(self, _: Any) -> tuple[int, Any]:
        return 200, {"world_size": 2}

    def on_metrics(self, _: Any) -> tuple[int, Any]:
        return 200, f"# TYPE x gauge\nprocess_start_time_seconds {self.since}.5e+09\nx 1.0\n"

    def on_init_weight_transfer_engine(self, body: Any) -> tuple[int, Any]:
        self.ready = body["init_info"]
        return 200, {}

    def on_start_weight_update(self, _: Any) -> tuple[int, Any]:
        assert self.ready
        self.updating = True
        self.weights.begin()
        return 200, {}

    def on_update_weights(self, body: Any) -> tuple[int, Any]:
        assert self.updating
        info = body["update_info"]
        for name, kind, shape in zip(
            info["names"], info["dtype_names"], info["shapes"], strict=True
        ):
            sent, weight = self.wire.tensors.get(timeout=20)
            assert (sent, str(weight.dtype), list(weight.shape)) == (name, f"torch.{kind}", shape)
            self.weights.load(name, weight)
        return 200, {}

    def on_finish_weight_update(self, _: Any) -> tuple[int, Any]:
        self.updating = False
        return 200, {}

    def on_reset_prefix_cache(self, _: Any) -> tuple[int, Any]:
        return 200, {"success": True}

    def on_v1_completions(self, body: Any) -> tuple[int, Any]:
        with self.lock:
            self.asked.append(body)
            choices = []
            for prompt in body["prompt"]:
                for ids, known in self.weights.sample(prompt, SimpleNamespace(**body)):
                    tokens = [f"token_id:{token}" for token in ids]
                    choices.append({
                        "prompt_token_ids": prompt, "token_ids": ids,
                        "logprobs": {"tokens": tokens, "token_logprobs": known,
                                     "top_logprobs": [None] * len(ids)},
                    })  # fmt: skip
        return 200, {"choices": choices}


class _Handler(BaseHTTPRequestHandler):
    owner: StandInServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.owner.open.append(self.connection)

    def do_GET(self) -> None:
        self._say(*self.owner.answer(self.path.partition("?")[0], {}))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._say(*self.owner.answer(self.path, json.loads(text or b"{}")))

    def _say(self, status: int, content: Any) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
