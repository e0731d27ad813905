"""`Engine`: a bundle on one device, and batches of requests through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .batch import Batch, arrange
from .network import read_prefix
from .plan import WINDOW, Cancelled, Plan, Size
from .request import Request, Result
from .weights import Weights, read_bundle

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
CACHE_SHARE = 0.7
"""Of the GPU's free memory after loading, for keys and values; the rest is for prefixes, logits and graphs."""
CPU_CACHE_BYTES = 4 * 2**30
PREFIX_TOKENS = {"cuda": 65_536, "cpu": 8_192}
"""Read at once: bounds the size of a prefix's activations and logits."""
MAX_PLANS = 8
Gone = Callable[[], bool]


class OutOfMemory(RuntimeError):
    """A single row does not fit; nothing else of the engine is hurt."""


class Engine:
    """Not for several threads at once: one instance a thread or a process."""

    def __init__(self, weights: Weights, device: torch.device, precision: str, cache_bytes: int | None = None) -> None:
        self.weights, self.device = weights, device
        self.name = f"torch-{device.type}-{precision}"
        self._dtype = PRECISIONS[precision]
        self._cache_bytes = cache_bytes or _cache_bytes(device)
        self._cache: Tensor | None = None
        self._plans: dict[Size, Plan] = {}
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

    @staticmethod
    def open(folder: Path, device: str | None = None, precision: str | None = None, cache_bytes: int | None = None) -> Engine:
        """Loads `models/{id}/{version}`: bf16 on a GPU and float32 on a CPU, unless a precision is named."""
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        kind = precision or ("bf16" if place.type == "cuda" else "fp32")
        if kind not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {kind}")
        return Engine(read_bundle(folder, place, PRECISIONS[kind])[1], place, kind, cache_bytes)

    @torch.inference_mode()
    def complete(self, requests: Sequence[Request], gone: Sequence[Gone] | None = None) -> list[Result | OutOfMemory | Cancelled]:
        """One result for each, in order. What does not fit the memory at once is run in halves; a row that does not fit alone
        is an OutOfMemory in its request's place. `gone` says of each whether nobody waits for it any more: it is then not
        worked on further, and Cancelled stands in its place."""
        gone = gone or [lambda: False] * len(requests)
        try:
            return list(self._run(requests, gone))
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            message = str(error).splitlines()[0]
        # Outside the handler: its traceback would keep the tensors.
        self._free()
        if len(requests) > 1:
            half = len(requests) // 2
            return [*self.complete(requests[:half], gone[:half]), *self.complete(requests[half:], gone[half:])]
        if requests[0].rows > 1:
            half = requests[0].rows // 2
            parts = [requests[0].part(0, half), requests[0].part(half, requests[0].rows)]
            results = [self.complete([part], gone)[0] for part in parts]
            return [_joined(results)]
        return [OutOfMemory(f"out of memory: {message}")]

    def _run(self, requests: Sequence[Request], gone: Sequence[Gone]) -> list[Result | Cancelled]:
        left = [False] * len(requests)

        def steps() -> int:
            """Those of the longest request that somebody waits for."""
            left[:] = [known or ask() for known, ask in zip(left, gone)]
            if all(left):
                raise Cancelled
            return max(request.generate for request, off in zip(requests, left) if not off)

        try:
            results = self._decode(requests, steps)
        except Cancelled:
            return [Cancelled() for _ in requests]
        return [Cancelled() if off else result for result, off in zip(results, left)]

    def _decode(self, requests: Sequence[Request], steps: Callable[[], int]) -> list[Result]:
        batch = arrange(requests, self._round_groups)
        plan = self._plan(requests, batch) if batch.cells else None
        prefix_nll, features = self._read_prefixes(batch, plan, steps)
        if plan:
            self._load(plan, requests, batch)
            plan.run(steps)
            samples, nll = plan.samples.cpu().numpy(), plan.nll.cpu().numpy()
        results = []
        place = {cell: i for i, cell in reversed(list(enumerate(batch.cells)))}
        for r, request in enumerate(requests):
            prefixes = batch.prefix_of_row[r]
            made = np.zeros((request.rows, request.generate), np.int64)
            nats = np.zeros((request.rows, request.generate), np.float32)
            if request.generate:
                at = [place[r, row] for row in range(request.rows)]
                made[:], nats[:] = samples[at, : request.generate], nll[at, : request.generate]
            before = np.stack([prefix_nll[u] for u in prefixes])
            results.append(Result(made, nats, before, np.stack([features[u] for u in prefixes])))
        return results

    def _read_prefixes(
        self, batch: Batch, plan: Plan | None, waited_for: Callable[[], int]
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
        """Each distinct prefix once; its keys and values go to all of its groups. -> nats of each, features [U, L + 1, D]."""
        shape = self.weights.shape
        nats = [np.zeros(len(prefix), np.float32) for prefix in batch.prefixes]
        features = np.zeros((len(batch.prefixes), shape.layers + 1, shape.width), np.float32)
        order = sorted((u for u, prefix in enumerate(batch.prefixes) if len(prefix)), key=lambda u: len(batch.prefixes[u]))
        groups: dict[int, list[int]] = {}
        for group, u in enumerate(batch.prefix_of):
            groups.setdefault(u, []).append(group)
        while order:
            waited_for()
            longest = len(batch.prefixes[order[-1]])
            count = max(1, PREFIX_TOKENS[self.device.type] // longest)
            part, order = order[-count:], order[:-count]
            tokens = np.zeros((len(part), longest), np.int64)
            for row, u in enumerate(part):
                tokens[row, : len(batch.prefixes[u])] = batch.prefixes[u]
            lengths = torch.tensor([len(batch.prefixes[u]) for u in part], device=self.device)
            dims = (2, shape.layers, len(part), shape.heads, longest, shape.head_width)
            cache = torch.empty(dims, dtype=self._dtype, device=self.device) if plan else None
            part_nats, part_features = read_prefix(self.weights, torch.from_numpy(tokens).to(self.device), lengths, cache)
            if plan and cache is not None:
                rows = [row for row, u in enumerate(part) for _ in groups.get(u, [])]
                targets = [group for u in part for group in groups.get(u, [])]
                for mine, read in zip(plan.prefix, cache):
                    mine[:, targets, :, :longest] = read[:, rows]
            host_nats, host_features = part_nats.cpu().numpy(), part_features.cpu().numpy()
            for row, u in enumerate(part):
                nats[u][:] = host_nats[row, : len(batch.prefixes[u])]
                features[u] = host_features[row]
        return nats, features

    def _load(self, plan: Plan, requests: Sequence[Request], batch: Batch) -> None:
        rows, steps = len(batch.cells), max(request.generate for request in requests)
        forced, uniforms = np.zeros((rows, steps), np.int64), np.zeros((rows, steps), np.float32)
        options = (np.ones((rows, 1), np.float32), np.zeros((rows, 1), np.int64), np.ones((rows, 1), np.float32))
        last, lengths = np.full(rows, self.weights.shape.colors), np.zeros(rows, np.int64)
        for cell, (r, row) in enumerate(batch.cells):
            request = requests[r]
            forced[cell, : request.generate] = request.forced[row]
            uniforms[cell, : request.generate] = request.uniforms[row]
            for mine, theirs in zip(options, (request.temperature, request.top_k, request.top_p)):
                mine[cell] = theirs[row]
            lengths[cell] = request.given
            if request.given:
                last[cell] = request.tokens[row, -1]
        group_lengths = lengths[:: batch.group_size]
        tensors = [torch.from_numpy(array).to(self.device) for array in (last, lengths, group_lengths, forced, uniforms)]
        plan.load(*tensors, [torch.from_numpy(option).to(self.device) for option in options])

    def _plan(self, requests: Sequence[Request], batch: Batch) -> Plan:
        given, steps = max(len(batch.prefixes[u]) for u in batch.prefix_of), max(r.generate for r in requests)
        restricted = any(bool((r.top_k > 0).any() or (r.top_p < 1).any()) for r in requests)
        if self.device.type == "cuda":
            given, steps = (-(-length // WINDOW) * WINDOW for length in (given, steps))
        size = Size(len(batch.prefix_of), batch.group_size, given, steps, restricted)
        if size in self._plans:
            # The last used is the last to go.
            self._plans[size] = self._plans.pop(size)
            return self._plans[size]
        needed = size.cache_values(self.weights)
        if needed * self._dtype.itemsize > self._cache_bytes:
            raise torch.OutOfMemoryError(
                f"out of memory: {size.rows} rows of {given} + {steps} positions want {needed * self._dtype.itemsize} bytes "
                f"of keys and values, {self._cache_bytes} are allowed"
            )
        if self._cache is None or self._cache.numel() < needed:
            self._free()
            self._cache = torch.zeros(needed, dtype=self._dtype, device=self.device)
        while len(self._plans) >= MAX_PLANS:
            self._plans.pop(next(iter(self._plans)))
        self._plans[size] = Plan(self.weights, size, self._cache, self._pool)
        return self._plans[size]

    def _round_groups(self, groups: int) -> int:
        """So that batches of nearly one size share their graphs: to a power of two, or half-way to the next."""
        if self.device.type == "cpu":
            return groups
        power = 1 << max(0, groups - 1).bit_length()
        return power * 3 // 4 if groups <= power * 3 // 4 else power

    def _free(self) -> None:
        self._plans.clear()
        self._cache = None
        if self.device.type == "cuda":
            # Graphs that are gone leave their pool in a state that no new one may join.
            self._pool = torch.cuda.graph_pool_handle()
            torch.cuda.empty_cache()


def _cache_bytes(device: torch.device) -> int:
    return int(torch.cuda.mem_get_info(device)[0] * CACHE_SHARE) if device.type == "cuda" else CPU_CACHE_BYTES


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _joined(parts: Sequence[Result | OutOfMemory | Cancelled]) -> Result | OutOfMemory | Cancelled:
    whole = []
    for part in parts:
        if not isinstance(part, Result):
            return part
        whole.append(part)
    names = ("samples", "nll", "prefix_nll", "features")
    return Result(*(np.concatenate([getattr(part, name) for part in whole]) for name in names))
