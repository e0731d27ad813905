"""The network: a whole prefix at once, and one position of every row."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .sampling import nats
from .weights import Block, Weights

NORM_EPSILON = 1e-5


def norm(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, weight.shape, weight, NORM_EPSILON)


def mlp(x: Tensor, block: Block) -> Tensor:
    """x sigmoid(1.702 x) is silu(1.702 x) / 1.702, and the weights have those factors: one pass over the wide state in place of three."""
    hidden = F.silu(F.linear(norm(x, block.ln_2), block.fc, block.fc_bias), inplace=True)
    return x + F.linear(hidden, block.out, block.out_bias)


def read_prefix(weights: Weights, tokens: Tensor, lengths: Tensor, cache: Tensor | None) -> tuple[Tensor, Tensor]:
    """Reads U prefixes, tokens int64 [U, P] of which the first `lengths` [U] count, and fills `cache` [2, L, U, H, P, D / H],
    keys and values, if there is one. -> nats float32 [U, P], and features float32 [U, L + 1, D]: the mean of each layer's normed state."""
    shape = weights.shape
    rows, length = tokens.shape
    inputs = torch.cat((torch.full_like(tokens[:, :1], shape.colors), tokens[:, :-1]), dim=1)
    x = weights.wte[inputs] + weights.wpe[:length]
    counts = torch.arange(length, device=tokens.device) < lengths.unsqueeze(1)
    share = (counts / lengths.clamp(min=1).unsqueeze(1)).unsqueeze(1)
    features = []

    def mean(state: Tensor) -> Tensor:
        return (share @ state.float()).squeeze(1)

    for n, block in enumerate(weights.blocks):
        normed = norm(x, block.ln_1)
        features.append(mean(normed))
        qkv = F.linear(normed, block.qkv, block.qkv_bias).view(rows, length, 3, shape.heads, -1)
        query, key, value = (part.transpose(1, 2) for part in qkv.unbind(2))
        if cache is not None:
            cache[0, n], cache[1, n] = key, value
        # What lies beyond a row's length comes after it, and causal attention does not look there.
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + F.linear(mixed.transpose(1, 2).reshape(rows, length, -1), block.proj, block.proj_bias)
        x = mlp(x, block)
    normed = norm(x, weights.ln_f)
    features.append(mean(normed))
    return nats(F.linear(normed, weights.head).float(), tokens), torch.stack(features, dim=1)


def step(
    weights: Weights,
    inputs: Tensor,
    positions: Tensor,
    prefix: tuple[Tensor, Tensor] | None,
    prefix_mask: Tensor | None,
    own: tuple[Tensor, Tensor],
    index: Tensor,
    own_mask: Tensor | None,
) -> Tensor:
    """One position of B rows: inputs and positions int64 [B] -> logits float32 [B, C].

    The rows are U groups of G that share a prefix, [L, U, H, P, D / H], read once a group; a row's own keys and values are
    [L, B, H, S, D / H], of which this step writes place `index` (int64 [1]). Masks are added to scores: [U, 1, 1, P] and [S].
    """
    shape = weights.shape
    rows, heads, d = inputs.shape[0], shape.heads, shape.head_width
    scale = 1 / math.sqrt(d)
    x = weights.wte[inputs] + weights.wpe[positions]
    for n, block in enumerate(weights.blocks):
        qkv = F.linear(norm(x, block.ln_1), block.qkv, block.qkv_bias).view(rows, 3, heads, d)
        query, key, value = qkv.unbind(1)
        own_keys, own_values = own[0][n], own[1][n]
        own_keys.index_copy_(2, index, key.unsqueeze(2))
        own_values.index_copy_(2, index, value.unsqueeze(2))
        query = query * scale
        scores = (query.unsqueeze(2) @ own_keys.transpose(2, 3)).float()
        if own_mask is not None:
            scores = scores + own_mask
        if prefix is None:
            mixed = (scores.softmax(-1).to(x.dtype) @ own_values).reshape(rows, -1)
        else:
            mixed = _with_prefix(query, scores, own_values, prefix[0][n], prefix[1][n], prefix_mask)
        x = x + F.linear(mixed, block.proj, block.proj_bias)
        x = mlp(x, block)
    return F.linear(norm(x, weights.ln_f), weights.head).float()


def _with_prefix(query: Tensor, scores: Tensor, own_values: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attention over a group's prefix and a row's own places, one softmax over both. -> [B, D]"""
    rows, heads, d = query.shape
    groups, _, length, _ = keys.shape
    # [U, H, G, d]: the group's queries against the prefix in one product, so that its keys are read once.
    grouped = query.view(groups, rows // groups, heads, d).transpose(1, 2)
    before = (grouped @ keys.transpose(2, 3)).float()
    if mask is not None:
        before = before + mask
    before = before.transpose(1, 2).reshape(rows, heads, 1, length)
    shares = torch.cat((before, scores), dim=-1).softmax(-1).to(own_values.dtype)
    old, new = shares[..., :length], shares[..., length:]
    old = old.reshape(groups, rows // groups, heads, length).transpose(1, 2)
    mixed = (old @ values).transpose(1, 2).reshape(rows, heads * d)
    return mixed + (new @ own_values).reshape(rows, heads * d)
