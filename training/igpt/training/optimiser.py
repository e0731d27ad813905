"""The update: Muon for the blocks' matrices, AdamW for tables, norms and biases."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn

from ..model.network import ImageGPT

# Quintic Newton-Schulz coefficients of Keller Jordan's Muon (2024): steep at 0, singular values end in 0.7..1.2.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5, precision: torch.dtype = torch.float32) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly: singular values go to about 1. [N, rows, columns], same shape and type
    back. `precision` is that of the products' factors."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(precision)
    for _ in range(steps):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024): momentum, whose orthogonalised value is the step.

    Not `torch.optim.Muon`, for two reasons: that one goes through the matrices one by one, hundreds of small products that
    leave a GPU idle, where this one stacks all of a shape; and query, key and value, which lie in one [3d, d] table here,
    are three matrices and have to be orthogonalised each for itself (`splits` of a parameter group: how many matrices are
    stacked in a table).
    """

    def __init__(self, groups: list[dict], lr: float, momentum: float = 0.95, weight_decay: float = 0.01, bfloat16: bool = False) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "splits": 1})
        self._precision = torch.bfloat16 if bfloat16 else torch.float32
        self._orthogonalise = orthogonalise
        if self.param_groups[0]["params"][0].is_cuda:
            self._orthogonalise = torch.compile(orthogonalise, dynamic=False)

    @torch.no_grad()
    def step(self, closure=None) -> None:  # noqa: ANN001
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    of_shape[weight.shape].append(weight)
            for weights in of_shape.values():
                self._update(weights, group)

    def _update(self, weights: list[nn.Parameter], group: dict) -> None:
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        averages = [self.state[weight]["momentum"] for weight in weights]
        gradients = [weight.grad for weight in weights]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, averages, group["momentum"])
        rows, columns = weights[0].shape[0] // group["splits"], weights[0].shape[1]
        stacked = torch.stack(ahead).view(-1, rows, columns)
        steps = self._orthogonalise(stacked, precision=self._precision).view(len(weights), *weights[0].shape)
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, list(steps.unbind()), alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def build_optimisers(
    model: ImageGPT, lr: float, table_lr: float, weight_decay: float, bfloat16: bool = False
) -> list[torch.optim.Optimizer]:
    """Muon at `lr` for the blocks' matrices, AdamW at `table_lr` without decay for the rest. Every group remembers its rate
    as `base_lr`, which the schedule multiplies. `bfloat16` is for Muon's products."""
    qkv = [block.attn.qkv.weight for block in model.blocks]
    matrices = [layer.weight for block in model.blocks for layer in (block.attn.proj, block.mlp.fc, block.mlp.proj)]
    chosen = {id(weight) for weight in (*qkv, *matrices)}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    blocks = Muon([{"params": qkv, "splits": 3}, {"params": matrices}], lr, weight_decay=weight_decay, bfloat16=bfloat16)
    tables = torch.optim.AdamW(rest, lr=table_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    for optimiser in (blocks, tables):
        for group in optimiser.param_groups:
            group["base_lr"] = group["lr"]
    return [blocks, tables]


def set_rate(optimisers: list[torch.optim.Optimizer], factor: float) -> None:
    """Every group's learning rate becomes `factor` times its own base rate."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor
