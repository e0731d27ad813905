"""What a bundle computes, by onnxruntime, and what quantising cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..data.choose import spread
from ..data.labelled import cached_pictures, cached_tokens
from ..data.palette import Palette
from ..model.nats import Nats, mean_nats, torch_nats
from ..model.network import ImageGPT
from .tensors import restored_model
from .weights import WEIGHTS, read_weights


def open_graph(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A graph of a bundle on the CPU, the weights being read from beside it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def plain_inputs(tokens: NDArray[np.int64], forced: NDArray[np.int64]) -> dict[str, NDArray]:
    """Inputs of `igpt.onnx` with plain sampling and uniforms of 0."""
    batch = len(tokens)
    return {
        "tokens": tokens.astype(np.int64),
        "forced": forced.astype(np.int64),
        "uniforms": np.zeros(forced.shape, np.float32),
        "temperature": np.ones((batch, 1), np.float32),
        "top_k": np.zeros((batch, 1), np.int64),
        "top_p": np.ones((batch, 1), np.float32),
    }


def graph_nats(path: Path) -> Nats:
    """The nats of `igpt.onnx`."""
    session = open_graph(path)

    def run(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        nothing = np.zeros((len(tokens), 0), np.int64)
        return session.run(["prefix_nll"], plain_inputs(tokens, nothing))[0]

    return run


def measure(folder: Path, model: ImageGPT, tokens: NDArray[np.integer]) -> dict:
    """Float against stored weights on the same pictures, the latter by PyTorch and by onnxruntime."""
    stored = restored_model(model.config, read_weights(folder / WEIGHTS))
    return {
        "testPictures": len(tokens),
        "testNllPerPixel": round(mean_nats(graph_nats(folder / "igpt.onnx"), tokens), 5),
        "testNllPerPixelTorch": round(mean_nats(torch_nats(stored), tokens), 5),
        "testNllPerPixelFloat": round(mean_nats(torch_nats(model), tokens), 5),
    }


def measure_pictures(folder: Path, model: ImageGPT, palette: Palette, data: Path, count: int) -> dict:
    """`measure` on `count` pictures of a folder or zip, and the PSNR that the palette leaves of all of them."""
    side = round(model.config.positions**0.5)
    tokens = spread(cached_tokens(data, palette, side), count)
    return {**measure(folder, model, tokens), "palettePsnr": round(palette.psnr(cached_pictures(data, side).pixels), 3)}
