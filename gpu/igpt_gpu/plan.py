"""Decoding a batch of one size: static buffers, and on a GPU the step as CUDA graphs that are replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .network import step
from .sampling import choose
from .weights import Weights

WINDOW = 64
"""A graph looks back at the first n * WINDOW own places; on a CPU, where nothing is captured, at just those there are."""
CHECK_EVERY = 32
"""Steps between two looks at who still waits."""


class Cancelled(Exception):
    """Nobody waits for it any more."""


@dataclass(frozen=True)
class Size:
    """U groups of G rows, up to P places of a prefix and R steps."""

    groups: int
    group_size: int
    prefix: int
    steps: int
    restricted: bool

    @property
    def rows(self) -> int:
        return self.groups * self.group_size

    def cache_values(self, weights: Weights) -> int:
        """How many numbers its keys and values are."""
        shape = weights.shape
        return 2 * shape.layers * shape.width * (self.groups * self.prefix + self.rows * self.steps)


class Plan:
    """Buffers of one size. `cache` is the arena that its keys and values lie in, shared by all plans of an engine."""

    def __init__(self, weights: Weights, size: Size, cache: Tensor, pool: object | None) -> None:
        self.weights, self.size, self._pool = weights, size, pool
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        shape, rows = weights.shape, size.rows
        self._device = cache.device

        def places(at: int, first: int, length: int) -> Tensor:
            dims = (shape.layers, first, shape.heads, length, shape.head_width)
            count = shape.layers * first * shape.width * length
            return cache[at : at + count].view(dims)

        before, own = (shape.layers * shape.width * n for n in (size.groups * size.prefix, rows * size.steps))
        self.prefix = tuple(places(i * before, size.groups, size.prefix) for i in (0, 1))
        self.own = tuple(places(2 * before + i * own, rows, size.steps) for i in (0, 1))

        def whole(*dims: int) -> Tensor:
            return torch.zeros(dims, dtype=torch.int64, device=self._device)

        def real(*dims: int) -> Tensor:
            return torch.zeros(dims, dtype=torch.float32, device=self._device)

        self.inputs, self.positions, self.index = whole(rows), whole(rows), whole(1)
        self.forced, self.samples = whole(rows, size.steps), whole(rows, size.steps)
        self.uniforms, self.nll = real(rows, size.steps), real(rows, size.steps)
        self.options = (real(rows, 1), whole(rows, 1), real(rows, 1))
        self.prefix_mask = real(size.groups, 1, 1, size.prefix)
        self._places = torch.arange(size.steps, device=self._device)
        # Read by the host at each run: a mask that masks nothing is left out where no graph has it inside.
        self.masked = True

    def load(self, last: Tensor, lengths: Tensor, group_lengths: Tensor, forced: Tensor, uniforms: Tensor, options) -> None:
        """`last` [B]: each row's last given token, or the start; `lengths` [B], `group_lengths` [U]: of the prefixes."""
        self.inputs.copy_(last)
        self.positions.copy_(lengths)
        self.index.zero_()
        self.forced[:, : forced.shape[1]].copy_(forced)
        self.uniforms[:, : uniforms.shape[1]].copy_(uniforms)
        for mine, theirs in zip(self.options, options):
            mine.copy_(theirs)
        beyond = torch.arange(self.size.prefix, device=self._device) >= group_lengths.unsqueeze(1)
        self.prefix_mask.zero_().masked_fill_(beyond[:, None, None], float("-inf"))
        self.masked = self._device.type == "cuda" or bool(beyond.any())

    def run(self, steps: Callable[[], int]) -> None:
        """Fills `samples` and `nll` [B, :steps]. `steps` is asked again on the way, and may become less."""
        t, wanted = 0, steps()
        while t < wanted:
            if self._device.type == "cuda":
                window = min(-(-(t + 1) // WINDOW) * WINDOW, self.size.steps)
                self._graph(window).replay()
            else:
                self._step(t + 1, False)
            t += 1
            if t % CHECK_EVERY == 0:
                wanted = steps()

    def _step(self, window: int, own_masked: bool) -> None:
        own_mask = torch.where(self._places[:window] <= self.index, 0.0, float("-inf")) if own_masked else None
        own = tuple(part[:, :, :, :window] for part in self.own)
        logits = step(
            self.weights,
            self.inputs,
            self.positions,
            self.prefix if self.size.prefix else None,
            self.prefix_mask if self.masked else None,
            own,
            self.index,
            own_mask,
        )
        forced, uniforms = (part.index_select(1, self.index).squeeze(1) for part in (self.forced, self.uniforms))
        tokens, nll = choose(logits, forced, uniforms, self.options, self.size.restricted)
        self.samples.index_copy_(1, self.index, tokens.unsqueeze(1))
        self.nll.index_copy_(1, self.index, nll.unsqueeze(1))
        self.inputs.copy_(tokens)
        # A row that has come to its end goes on with those that have not; nobody reads what it makes.
        self.positions.add_(1).clamp_(max=self.weights.shape.positions - 1)
        self.index.add_(1)

    def _graph(self, window: int) -> torch.cuda.CUDAGraph:
        if window not in self._graphs:
            self._graphs[window] = self._capture(window)
        return self._graphs[window]

    def _capture(self, window: int) -> torch.cuda.CUDAGraph:
        """Warm-up steps on a side stream first, as PyTorch asks; what they write is put back."""
        kept = [tensor.clone() for tensor in (self.inputs, self.positions, self.index)]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                self._step(window, True)
                self._restore(kept)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._step(window, True)
        return graph

    def _restore(self, kept: list[Tensor]) -> None:
        for mine, old in zip((self.inputs, self.positions, self.index), kept):
            mine.copy_(old)
