"""Others on the same work: Hugging Face's ImageGPT with its cache, a full forward a pixel, the ONNX graph under onnxruntime.
Each gives seconds for all completions of the batch; the first two measure some steps and reckon the rest from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..network import read_prefix
from ..request import INPUTS
from ..weights import Weights
from .work import Work, requests, timed

Peer = Callable[[Weights, torch.device, Work, int, int], "float | None"]
ROOT = Path(__file__).resolve().parents[3]
BUNDLES = {(8, 256): "igpt-small/2", (12, 384): "igpt-base/2"}


@torch.inference_mode()
def transformers(weights: Weights, device: torch.device, work: Work, steps: int, repeats: int) -> float | None:
    """`steps` steps half-way through the generated pixels, and the prefix. None without transformers."""
    try:
        from transformers import DynamicCache, ImageGPTConfig, ImageGPTForCausalImageModeling
    except ImportError:
        return None
    shape, dtype = weights.shape, weights.wte.dtype
    config = ImageGPTConfig(
        vocab_size=shape.colors + 1, n_positions=shape.positions, n_embd=shape.width, n_layer=shape.layers, n_head=shape.heads
    )
    model = ImageGPTForCausalImageModeling(config).eval().to(device, dtype)
    # Its input has the start before the given pixels.
    tokens = torch.randint(0, shape.colors, (work.batch, work.given + 1), device=device)
    length = work.given + work.generate // 2
    past = torch.full((work.batch, shape.heads, length, shape.head_width), 0.1, dtype=dtype, device=device)

    def cache() -> DynamicCache:
        made = DynamicCache()
        for layer in range(shape.layers):
            made.update(past.clone(), past.clone(), layer)
        return made

    def decode() -> Tensor:
        so_far, token = cache(), tokens[:, :1]
        for _ in range(steps):
            logits = model(input_ids=token, past_key_values=so_far, use_cache=True).logits[:, -1, : shape.colors]
            token = torch.multinomial(logits.float().softmax(-1), 1)
        return token

    prefix = timed(device, lambda: model(input_ids=tokens, use_cache=True), repeats)
    copies = timed(device, cache, repeats)
    return prefix + (timed(device, decode, repeats) - copies) / steps * work.generate


@torch.inference_mode()
def full_forward(weights: Weights, device: torch.device, work: Work, steps: int, repeats: int) -> float:
    """Without a cache: all pixels so far are read for each one; the mean length stands for all."""
    tokens = torch.randint(0, weights.shape.colors, (work.batch, work.given + work.generate // 2), device=device)
    parts = tokens.split(max(1, 65_536 // tokens.shape[1]))

    def read() -> None:
        for part in parts:
            lengths = torch.full((len(part),), part.shape[1], device=device)
            read_prefix(weights, part, lengths, None)

    return timed(device, read, repeats) * work.generate


def onnx(weights: Weights, device: torch.device, work: Work, steps: int, repeats: int) -> float | None:
    """The whole of it, on the CPU, as many threads as PyTorch has. None for a shape that the project has no bundle of."""
    bundle = BUNDLES.get((weights.shape.layers, weights.shape.width))
    if device.type != "cpu" or bundle is None:
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(ROOT / "r2-assets/models" / bundle / "igpt.onnx", options)
    # It takes all rows as one request, and knows no shared prefix.
    parts = requests(work, weights.shape.colors)
    feeds = {name: torch.cat([torch.from_numpy(getattr(part, name)) for part in parts]).numpy() for name in INPUTS}
    return timed(device, lambda: session.run(["samples", "nll"], feeds), repeats)


PEERS: dict[str, Peer] = {"transformers": transformers, "full forward": full_forward, "onnxruntime": onnx}
