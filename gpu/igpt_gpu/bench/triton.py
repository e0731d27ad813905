"""A running Triton with many clients, beside the engine by itself on the same machine: completions a second, and how Triton batched.

    PYTHONPATH=gpu python -m igpt_gpu.bench.triton r2-assets/models/igpt-base/2 [--clients 64] [--json FILE]

Nothing but the server is asked. Wants tritonclient[grpc] beside PyTorch and numpy.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import torch
import tritonclient.grpc as grpc

from ..engine import Engine, OutOfMemory
from ..request import INPUTS, Request
from .work import Work, requests, timed

TYPES = {"float32": "FP32", "int64": "INT64"}
COUNTERS = ("nv_inference_count", "nv_inference_exec_count")


class Client:
    """One of many, with a connection of its own: asks again as soon as it has its answer."""

    def __init__(self, address: str, model: str, request: Request) -> None:
        # Without an argument of its own, channels of one process would share a connection.
        self._server = grpc.InferenceServerClient(address, channel_args=[("grpc.use_local_subchannel_pool", 1)])
        self._model, self._inputs = model, []
        for name in INPUTS:
            array = getattr(request, name)
            tensor = grpc.InferInput(name, array.shape, TYPES[array.dtype.name])
            tensor.set_data_from_numpy(array)
            self._inputs.append(tensor)

    def complete(self, times: int) -> None:
        for _ in range(times):
            self._server.infer(self._model, self._inputs, outputs=[grpc.InferRequestedOutput(name) for name in ("samples", "nll")])

    def parameters(self) -> dict[str, str]:
        """Those of the model's config.pbtxt."""
        config = self._server.get_model_config(self._model, as_json=True)["config"]
        return {name: value["string_value"] for name, value in config["parameters"].items()}


def counters(address: str, model: str) -> dict[str, float]:
    """Rows and batches that Triton has run of a model so far, from its metrics."""
    with urlopen(f"http://{address}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()

    def value(name: str) -> float:
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{") and f'model="{model}"' in line)

    return {name: value(name) for name in COUNTERS}


def settled(address: str, model: str) -> dict[str, float]:
    """The counters once they stand still: Triton counts a batch a moment after its last answer."""
    before: dict[str, float] = {}
    while before != (now := counters(address, model)):
        before = now
        time.sleep(0.3)
    return before


def main(arguments: Sequence[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(prog="python -m igpt_gpu.bench.triton", description="Half pictures, each of its own, one a request.")
    parser.add_argument("bundle", type=Path, help="models/ID/VERSION, which the server serves")
    parser.add_argument("--grpc", default="localhost:8001", help="the server's address")
    parser.add_argument("--metrics", default="localhost:8002", help="where it counts")
    parser.add_argument("--clients", type=int, default=64, help="at once; the engine by itself has as many in one batch")
    parser.add_argument("--rounds", type=int, default=4, help="completions of each client, after one that is not counted")
    parser.add_argument("--given", type=int, help="pixels; default: half")
    parser.add_argument("--generate", type=int, help="pixels; default: half")
    parser.add_argument("--repeats", type=int, default=3, help="of the engine by itself, before and after, of which the median is shown")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    options = parser.parse_args(arguments)

    manifest = json.loads((options.bundle / "manifest.json").read_text())
    model, half = manifest["id"], manifest["architecture"]["positions"] // 2
    given, generate = (half if length is None else length for length in (options.given, options.generate))
    asked = requests(Work(options.clients, given, generate), manifest["architecture"]["colors"])
    clients = [Client(options.grpc, model, request) for request in asked]
    parameters = clients[0].parameters()
    _, device, precision = parameters["engine"].split("-")
    if "threads" in parameters:
        torch.set_num_threads(int(parameters["threads"]))
    engine = Engine.open(options.bundle, device, precision)

    def alone() -> float:
        """Completions a second."""
        if any(isinstance(result, OutOfMemory) for result in engine.complete(asked)):
            raise SystemExit(f"{options.clients} completions at once do not fit the memory beside the server: fewer --clients")
        return options.clients / timed(engine.device, lambda: engine.complete(asked), options.repeats)

    print(f"{model}, {parameters['engine']}: {given} pixels given, {generate} drawn; {options.clients} at once", flush=True)
    before = alone()
    with ThreadPoolExecutor(options.clients) as threads:
        list(threads.map(lambda client: client.complete(1), clients))
        counted = settled(options.metrics, model)
        begin = time.perf_counter()
        list(threads.map(lambda client: client.complete(options.rounds), clients))
        seconds = time.perf_counter() - begin
    counts = {name: value - counted[name] for name, value in settled(options.metrics, model).items()}
    after = alone()

    own, rate = (before + after) / 2, options.clients * options.rounds / seconds
    rows, batches = (counts[name] for name in COUNTERS)
    print(f"the engine by itself      {own:10.2f} completions/s (before {before:.2f}, after {after:.2f})")
    print(f"through Triton            {rate:10.2f} completions/s: {rate / own:.0%} of the engine's")
    print(f"nv_inference_count {rows:.0f} in nv_inference_exec_count {batches:.0f}: {rows / batches:.1f} rows a batch")
    report = {
        **{"model": model, "engine": parameters["engine"], "clients": options.clients, "rounds": options.rounds},
        **{"given": given, "generate": generate, "seconds": seconds, **counts},
        **{"before": before, "after": after, "completionsPerSecond": rate, "ofEngine": rate / own},
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))
    return report


if __name__ == "__main__":
    main()
