"""What linear weights of 4 bits would cost in nats per pixel, before a kernel for them is worth writing.

    python -m igpt.four_bits --bundle ../r2-assets/models/igpt-base/2 --data TEST.zip --pictures 100

docs/decisions/2026-11-22-four-bit-weights.md has the outcome.
"""

from __future__ import annotations

import torch

from .bundle.manifest import read_bundle
from .cli.options import add, command_parser
from .data.choose import spread
from .data.labelled import cached_tokens
from .data.palette import Palette
from .evaluation.four_bits import VARIANTS, bits, picture_nats, rounded


def main() -> None:
    parser = command_parser("four_bits", __doc__)
    add(parser, "--bundle", "--data", required=True)
    parser.add_argument("--pictures", type=int, default=100, help="how many of them; default %(default)s")
    args = parser.parse_args()
    torch.set_num_threads(1)
    loaded = read_bundle(args.bundle)
    tokens = spread(cached_tokens(args.data, Palette(loaded.palette)), args.pictures)
    before = picture_nats(loaded.model, tokens)
    print(f"int8, as stored: {before.mean():.5f} nats per pixel on {len(tokens)} pictures", flush=True)
    for name, round_weight, group, kept in VARIANTS:
        model = rounded(loaded.model, lambda weight: round_weight(weight, group), kept)
        cost = picture_nats(model, tokens) - before
        error = cost.std(ddof=1) / len(cost) ** 0.5
        print(f"{name} ({bits(round_weight, group):g} bits): {cost.mean():+.5f} +- {error:.5f}", flush=True)


if __name__ == "__main__":
    main()
