"""Image GPT in Triton's Python backend. Triton hands over the requests that it has batched; the engine runs them as one batch."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

# `npm run models -- export-triton` puts the engine beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
import triton_python_backend_utils as pb_utils
from igpt_gpu import BadRequest, Cancelled, Engine, OutOfMemory
from igpt_gpu.request import INPUTS, OUTPUTS, read_request

LINGER_SHARE, LINGER_SECONDS = 0.05, 0.025
"""Once a batch of several is answered, the next one waits so long (a share of what the batch took, at most so many seconds): whoever
has an answer asks again, and joins those who waited meanwhile. Without it many clients split into two parts that take turns for
ever, and half a batch takes a GPU nearly as long as a whole one."""


class TritonPythonModel:
    """One instance: a process of its own, on one GPU or on the CPU."""

    def initialize(self, args: dict[str, str]) -> None:
        """config.pbtxt names the engine, which stands in the Worker's answers: another one does not start."""
        parameters = {key: value["string_value"] for key, value in json.loads(args["model_config"])["parameters"].items()}
        device = "cpu"
        if args["model_instance_kind"] == "GPU":
            device = f"cuda:{args['model_instance_device_id']}"
            torch.cuda.set_device(device)
        else:
            torch.set_num_threads(int(parameters["threads"]))
        folder = Path(args["model_repository"]) / args["model_version"]
        cache_bytes = int(parameters["cache_bytes"]) if "cache_bytes" in parameters else None
        self.engine = Engine.open(folder, device, parameters["precision"], cache_bytes)
        if self.engine.name != parameters["engine"]:
            raise ValueError(
                f"config.pbtxt names the engine {parameters['engine']}, this instance has {self.engine.name}: "
                "export again with --device cuda or --device cpu"
            )

    def execute(self, requests: list) -> None:
        """One response for each request: a wrong one, or one that does not fit the memory, ends alone. They are sent before this
        returns, which Triton allows since 24.06: the instance is free again only after a moment."""
        begun = time.monotonic()
        for request, response in zip(requests, self._responses(requests)):
            request.get_response_sender().send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        if len(requests) > 1:
            time.sleep(min(LINGER_SHARE * (time.monotonic() - begun), LINGER_SECONDS))

    def _responses(self, requests: list) -> list:
        responses: list = [None] * len(requests)
        batch = {}
        for i, request in enumerate(requests):
            try:
                batch[i] = read_request(_arrays(request), self.engine.weights.shape)
            except BadRequest as error:
                responses[i] = _failure(str(error), pb_utils.TritonError.INVALID_ARG)
        if not batch:
            return responses
        results = self.engine.complete(list(batch.values()), [requests[i].is_cancelled for i in batch])
        given_up = sum(isinstance(result, Cancelled) for result in results)
        if given_up:
            pb_utils.Logger.log_info(f"gave up {given_up} of {len(batch)} requests: nobody waits for them any more")
        for i, result in zip(batch, results):
            responses[i] = _response(requests[i], result)
        return responses


def _arrays(request) -> dict:
    tensors = {name: pb_utils.get_input_tensor_by_name(request, name) for name in INPUTS}
    return {name: tensor.as_numpy() for name, tensor in tensors.items() if tensor is not None}


def _response(request, result):
    if isinstance(result, OutOfMemory):
        # As busy: it may fit where, or when, less else is in the memory. That the origin is unwell it does not say.
        return _failure(str(result), pb_utils.TritonError.UNAVAILABLE)
    if isinstance(result, Cancelled):
        return _failure("nobody waits for it any more", pb_utils.TritonError.CANCELLED)
    wanted = request.requested_output_names()
    return pb_utils.InferenceResponse([pb_utils.Tensor(name, getattr(result, name)) for name in OUTPUTS if name in wanted])


def _failure(message: str, code):
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
