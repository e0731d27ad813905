"""The engine, its peers and the memory's limit on this machine: a table, and JSON.

    PYTHONPATH=gpu python -m igpt_gpu.bench [--quick] [--device cuda] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

from ..engine import PRECISIONS, Engine, OutOfMemory
from .limit import copy_bandwidth, step_bytes
from .peers import PEERS
from .work import SHAPES, Work, random_weights, requests, timed


def measure(weights, device: torch.device, precision: str, work: Work, repeats: int) -> dict | None:
    """Of the engine: seconds for the batch, and milliseconds a step, without the prefix. None where it does not fit the memory."""
    engine = Engine(weights, device, precision)
    asked, read = requests(work, weights.shape.colors), requests(work, weights.shape.colors, generate=0)
    if any(isinstance(result, OutOfMemory) for result in engine.complete(asked)):
        return None
    whole = timed(device, lambda: engine.complete(asked), repeats)
    prefix = timed(device, lambda: engine.complete(read), repeats)
    return {"seconds": whole, "msPerStep": (whole - prefix) / work.generate * 1000}


def main(arguments: Sequence[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(prog="python -m igpt_gpu.bench", description="Half pictures: so many pixels given, as many drawn.")
    parser.add_argument("--quick", action="store_true", help="the small shape, two small batches, few pixels: whether it runs")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cuda or cpu")
    parser.add_argument("--precision", choices=PRECISIONS, help="default: bf16 on a GPU, fp32 on a CPU")
    parser.add_argument("--shapes", default=",".join(SHAPES), help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--batches", default="1,8,64,256,512", help="completions at once")
    parser.add_argument("--peers", default=",".join(PEERS), help="those that are measured too")
    parser.add_argument("--peer-batch", type=int, default=64, help="the largest batch that peers are measured at")
    parser.add_argument("--repeats", type=int, default=3, help="of which the median is shown")
    parser.add_argument("--threads", type=int, help="of PyTorch and onnxruntime on a CPU")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    precision = options.precision or ("bf16" if device.type == "cuda" else "fp32")
    shapes, batches = options.shapes.split(","), [int(batch) for batch in options.batches.split(",")]
    repeats = options.repeats
    if options.quick:
        shapes, batches, repeats = ["small"], [1, 2], 1
    peers = {name: PEERS[name] for name in options.peers.split(",") if name}
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    bandwidth = copy_bandwidth(device, repeats)
    print(f"{machine}, {precision}, PyTorch {torch.__version__}; a copy reads and writes {bandwidth / 1e9:.0f} GB/s")
    print(f"{'shape':8}{'B':>5}  {'pictures':9}{'engine':14}{'completions/s':>14}{'ms/step':>10}{'of limit':>10}{'engine x':>10}")
    rows: list[dict] = []

    def show(row: dict) -> None:
        rows.append(row)
        step, share, times = (row.get(key) for key in ("msPerStep", "ofLimit", "engineTimes"))
        cells = [f"{step:10.3f}" if step else f"{'':10}", f"{share:10.0%}" if share else f"{'':10}", f"{times:10.1f}" if times else ""]
        print(f"{row['shape']:8}{row['batch']:5}  {row['pictures']:9}{row['engine']:14}{row['completionsPerSecond']:14.2f}{''.join(cells)}", flush=True)

    for name in shapes:
        weights = random_weights(SHAPES[name], device, PRECISIONS[precision])
        half = SHAPES[name].positions // 2
        given, generate = (32, 8) if options.quick else (half, half)
        for batch in batches:
            for shared in (False, True) if batch > 1 else (False,):
                work = Work(batch, given, generate, shared)
                facts = {"shape": name, "batch": batch, "given": given, "generate": generate, "pictures": "one" if shared or batch == 1 else "all"}
                found = measure(weights, device, precision, work, repeats)
                if found is None:
                    print(f"{name:8}{batch:5}  does not fit the memory", flush=True)
                    continue
                limit = step_bytes(weights, work) / bandwidth * 1000
                rate = batch / found["seconds"]
                show({**facts, "engine": "engine", **found, "completionsPerSecond": rate, "ofLimit": limit / found["msPerStep"]})
                if shared or batch > options.peer_batch:
                    continue
                for peer, run in peers.items():
                    seconds = run(weights, device, work, min(16, generate), repeats)
                    if seconds is not None:
                        theirs = batch / seconds
                        show({**facts, "engine": peer, "seconds": seconds, "completionsPerSecond": theirs, "engineTimes": rate / theirs})
    report = {
        "machine": machine,
        "precision": precision,
        "torch": torch.__version__,
        "copyBytesPerSecond": bandwidth,
        "rows": rows,
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))
    return report


if __name__ == "__main__":
    main()
