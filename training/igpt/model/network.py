"""Image GPT exactly as OpenAI built it (Chen et al. 2020, openai/image-gpt src/model.py).

A picture is `positions` palette indices in raster order. The network reads the start vector followed by all pixels but
the last, and its output at position t is the distribution of pixel t. Norms are RMS norms without bias, the MLP uses
QuickGELU, nothing has a bias and the output table is not tied to the input table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Config:
    """Shape of a model. `bias` is only for imported checkpoints, whose layers may carry real biases."""

    layers: int = 8
    width: int = 256
    heads: int = 8
    positions: int = 1024
    colors: int = 512
    bias: bool = False

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "positions", "colors"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.width % self.heads != 0:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")

    def to_dict(self) -> dict[str, int | bool]:
        return asdict(self)


class RMSNorm(nn.Module):
    """`x * rsqrt(mean(x^2) + 1e-5) * weight` over the last dimension."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), NORM_EPSILON)


def causal_attention(qkv: Tensor, heads: int) -> Tensor:
    """What every position takes from the values of those up to it, [B, T, 3D] -> [B, T, D], of query, key and value side by
    side; scores are scaled by 1/sqrt(D / heads)."""
    batch, length, width = qkv.shape
    parts = qkv.view(batch, length, 3, heads, width // 3 // heads)
    query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return mixed.transpose(1, 2).reshape(batch, length, width // 3)


class Attention(nn.Module):
    """Causal self-attention, [B, T, D] -> [B, T, D]. A training step may set `mix` to a faster way of the same."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.mix = causal_attention
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=config.bias)
        self.proj = nn.Linear(config.width, config.width, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(self.mix(self.qkv(x), self.heads))


class MLP(nn.Module):
    """Linear to 4x, QuickGELU `x * sigmoid(1.702 x)`, linear back."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.fc = nn.Linear(config.width, 4 * config.width, bias=config.bias)
        self.proj = nn.Linear(4 * config.width, config.width, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.fc(x)
        return self.proj(hidden * torch.sigmoid(1.702 * hidden))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.ln_1 = RMSNorm(config.width)
        self.attn = Attention(config)
        self.ln_2 = RMSNorm(config.width)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class ImageGPT(nn.Module):
    """Autoregressive model of palette indices.

    Initialisation as in OpenAI's code (normal 0.02, positions 0.01, norms 1), except that the projections which write
    into the residual stream start at zero, so that every block starts as the identity.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Parameter(torch.empty(config.colors, config.width))
        self.sos = nn.Parameter(torch.empty(config.width))
        self.wpe = nn.Parameter(torch.empty(config.positions, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = RMSNorm(config.width)
        self.head = nn.Linear(config.width, config.colors, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws fresh weights from torch's global generator."""
        nn.init.normal_(self.wte, std=0.02)
        nn.init.normal_(self.sos, std=0.02)
        nn.init.normal_(self.wpe, std=0.01)
        nn.init.normal_(self.head.weight, std=0.02)
        for block in self.blocks:
            nn.init.normal_(block.attn.qkv.weight, std=0.02)
            nn.init.normal_(block.mlp.fc.weight, std=0.02)
            nn.init.zeros_(block.attn.proj.weight)
            nn.init.zeros_(block.mlp.proj.weight)
            for layer in (block.attn.qkv, block.attn.proj, block.mlp.fc, block.mlp.proj):
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def embed(self, tokens: Tensor) -> Tensor:
        """Input of the first block, [B, T] int64 -> [B, T, D]: `[sos, wte[x_0..x_(T-2)]] + wpe`."""
        batch, length = tokens.shape
        if length > self.config.positions:
            raise ValueError(f"{length} tokens, but the model has {self.config.positions} positions")
        start = self.sos.expand(batch, 1, -1)
        return torch.cat((start, F.embedding(tokens[:, :-1], self.wte)), dim=1) + self.wpe[:length]

    def hidden_states(self, tokens: Tensor) -> list[Tensor]:
        """Un-normed residual stream, [B, T] int64 -> layers + 1 tensors [B, T, D].

        Entry 0 is the embedding, entry n the output of block n. Position t has seen pixels 0..t-1.
        """
        states = [self.embed(tokens)]
        for block in self.blocks:
            states.append(block(states[-1]))
        return states

    def features(self, tokens: Tensor) -> Tensor:
        """Residual stream after the last block and the final norm, [B, T] -> [B, T, D]."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits, [B, T] int64 -> [B, T, colors]; entry t is the distribution of pixel t given pixels 0..t-1."""
        return self.head(self.features(tokens))
