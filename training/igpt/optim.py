"""Optimisers: Muon for the blocks' matrices, AdamW for tables, norms and biases; and an average of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from .model import ImageGPT

# Quintic Newton-Schulz coefficients of Keller Jordan's Muon (2024): steep at 0, singular values end in 0.7..1.2.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5, precision: torch.dtype = torch.float32) -> Tensor:
    """Nearest semi-orthogonal matrix, roughly: singular values go to about 1. [..., rows, columns], same shape back.
    `precision` is that of the products' factors."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    shape = x.shape
    x = x.reshape(-1, *shape[-2:]).to(precision)
    for _ in range(steps):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    x = x.to(matrix.dtype).view(shape)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024): momentum, whose orthogonalised value is the step.

    Not `torch.optim.Muon`, for two reasons: that one always orthogonalises in bfloat16, which costs twice as much as
    float32 on some processors and a third on others (`precision`), and query, key and value, which lie in one [3d, d]
    table here, are three matrices and have to be orthogonalised each for itself (`splits` of a parameter group: how many
    matrices are stacked in a table).
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        threads: int = 1,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "splits": 1})
        self._precision = precision
        # A matrix a thread, each product on that thread alone: products shared by threads would wait, hundreds of
        # times a step, for whichever thread the system has just put aside in favour of other programs.
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    @torch.no_grad()
    def step(self, closure=None) -> None:  # noqa: ANN001
        jobs = [
            self._pool.submit(self._update, weight, group)
            for group in self.param_groups
            for weight in group["params"]
            if weight.grad is not None
        ]
        for job in jobs:
            job.result()

    @torch.no_grad()
    def _update(self, weight: Tensor, group: dict) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        average: Tensor = state["momentum"]
        average.lerp_(weight.grad, 1 - group["momentum"])
        ahead = weight.grad.lerp(average, group["momentum"])
        rows, columns = weight.shape[0] // group["splits"], weight.shape[1]
        stacked = ahead.view(group["splits"], rows, columns)
        update = orthogonalise(stacked, precision=self._precision).reshape(weight.shape)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def build_optimisers(
    model: ImageGPT,
    kind: str,
    lr: float,
    table_lr: float,
    weight_decay: float,
    threads: int = 1,
    precision: torch.dtype = torch.float32,
) -> list[torch.optim.Optimizer]:
    """`muon`: Muon at `lr` for the blocks' matrices, AdamW at `table_lr` for the rest. `adamw`: AdamW for all, at
    `lr` for the matrices. Every group remembers its rate as `base_lr`, which the schedule multiplies. `precision` is Muon's."""
    qkv = [block.attn.qkv.weight for block in model.blocks]
    matrices = [
        layer.weight for block in model.blocks for layer in (block.attn.proj, block.mlp.fc, block.mlp.proj)
    ]
    chosen = {id(weight) for weight in (*qkv, *matrices)}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    betas = (0.9, 0.95)
    tables = torch.optim.AdamW(rest, lr=table_lr, betas=betas, weight_decay=0.0, fused=True)
    if kind == "muon":
        blocks: torch.optim.Optimizer = Muon(
            [{"params": qkv, "splits": 3}, {"params": matrices}],
            lr=lr,
            weight_decay=weight_decay,
            threads=threads,
            precision=precision,
        )
    elif kind == "adamw":
        blocks = torch.optim.AdamW([*qkv, *matrices], lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    else:
        raise ValueError(f"unknown optimiser {kind!r}: muon or adamw")
    for optimiser in (blocks, tables):
        for group in optimiser.param_groups:
            group["base_lr"] = group["lr"]
    return [blocks, tables]


def set_rate(optimisers: Iterable[torch.optim.Optimizer], factor: float) -> None:
    """Every group's learning rate becomes `factor` times its own base rate."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor


class Average:
    """Exponential moving average of a model's weights; young averages forget faster, so that the start is not kept."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)

    def state_dict(self) -> dict:
        return {"decay": self.decay, "updates": self.updates, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        self.decay = state["decay"]
        self.updates = state["updates"]
        self.weights = {name: value.clone() for name, value in state["weights"].items()}
