"""The sampling rule, on the device: colours in palette order, the smallest i with cumsum(p)_i > u."""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST_UNIFORM = 1 - 2**-24
"""The largest float32 below 1."""


def choose(logits: Tensor, forced: Tensor, uniforms: Tensor, options: tuple[Tensor, Tensor, Tensor], restricted: bool) -> tuple[Tensor, Tensor]:
    """Logits float32 [B, C], forced int64 [B], uniforms [B], (temperature, top_k, top_p) [B, 1] each -> tokens int64 [B] and
    their nats [B] under the model's own distribution.

    exp(z - max) is summed in palette order whether or not colours are sorted, so that a sample without top-k does not
    change when another one of its batch has it. `restricted`: whether any row may have top-k or top-p on.
    """
    temperature, top_k, top_p = options
    warm = temperature > 0
    warmed = logits / torch.where(warm, temperature, 1.0)
    likely = torch.exp(warmed - warmed.amax(-1, keepdim=True))
    if restricted:
        likely = likely * _allowed(warmed, likely, top_k, top_p)
    sums = likely.cumsum(-1)
    reach = uniforms.clamp(max=LARGEST_UNIFORM).unsqueeze(-1) * sums[:, -1:]
    # argmax takes the first of equals: the smallest index whose sum exceeds u, the lowest likeliest colour.
    drawn = (sums > reach).to(torch.uint8).argmax(-1)
    free = torch.where(warm.squeeze(-1), drawn, logits.argmax(-1))
    tokens = torch.where(forced < 0, free, forced)
    return tokens, nats(logits, tokens)


def nats(logits: Tensor, tokens: Tensor) -> Tensor:
    """-log p of tokens [...] under float32 logits [..., C]."""
    return logits.logsumexp(-1) - logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def _allowed(warmed: Tensor, likely: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """1 for colours that top-k and then top-p leave, 0 for the others, [B, C]. Among equals the lower index comes first."""
    colors = warmed.shape[-1]
    order = warmed.sort(stable=True, dim=-1, descending=True).indices
    place = torch.arange(colors, device=warmed.device)
    best = place < torch.where(top_k > 0, top_k, colors)
    descending = likely.gather(-1, order) * best
    before = descending.cumsum(-1) - descending
    # top_p = 1 keeps even colours that rounding puts beyond the sum.
    within = (top_p >= 1) | (before < top_p * descending.sum(-1, keepdim=True))
    return torch.zeros_like(likely).scatter(-1, order, (best & within).to(likely.dtype))
