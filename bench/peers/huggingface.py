"""Hugging Face's ImageGPT with its cache on one torch thread: half a picture, the time of a step.

    python huggingface.py LAYERS WIDTH HEADS POSITIONS SAMPLES ROWS    (ROWS: comma-separated rows of the generated half)

Prints one JSON object as bench/measure.ts's Measurement. Weights are random: time does not depend on them.
"""

import json
import resource
import sys
import time

begin = time.perf_counter()
import torch  # noqa: E402
from transformers import DynamicCache, ImageGPTConfig, ImageGPTForCausalImageModeling  # noqa: E402

ROW = 32
layers, width, heads, positions, samples = map(int, sys.argv[1:6])
rows = [int(row) for row in sys.argv[6].split(",")]
half = positions // 2
torch.set_num_threads(1)
torch.set_grad_enabled(False)
config = ImageGPTConfig(vocab_size=513, n_positions=positions, n_embd=width, n_layer=layers, n_head=heads)
model = ImageGPTForCausalImageModeling(config).eval()


def cache_of(length: int) -> DynamicCache:
    """Keys and values of `length` positions."""
    cache = DynamicCache()
    part = torch.full((samples, heads, length, width // heads), 0.1)
    for layer in range(layers):
        cache.update(part.clone(), part.clone(), layer)
    return cache


def step(token: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    out = model(input_ids=token, past_key_values=cache, use_cache=True)
    return torch.multinomial(torch.softmax(out.logits[:, -1, :512], -1), 1)


def prefill() -> float:
    start = time.perf_counter()
    model(input_ids=torch.arange(half)[None].repeat(samples, 1) % 512, use_cache=True)
    return time.perf_counter() - start


def row(index: int) -> tuple[float, float]:
    cache = cache_of(half + index * ROW)
    token = torch.zeros(samples, 1, dtype=torch.long)
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROW):
        token = step(token, cache)
    return time.perf_counter() - start, time.process_time() - cpu


prefill()
row(rows[0])
cold = time.perf_counter() - begin
ms_prefill = prefill() * 1000
wall, cpu = (sum(parts) * 1000 / (ROW * len(rows)) for parts in zip(*map(row, rows)))
print(
    json.dumps(
        {
            "msPerStep": wall,
            "cpuMsPerStep": cpu,
            "msPrefill": ms_prefill,
            "msHalfPicture": ms_prefill + wall * half,
            "coldStartMs": cold * 1000,
            "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "steps": ROW * len(rows),
        }
    )
)
