"""Fits a palette to pictures: k-means in RGB.

    python -m igpt.palette --train train.zip --test test.zip --out palettes/photos.json
"""

from __future__ import annotations

from pathlib import Path

from .cli.options import add, command_parser
from .data.labelled import cached_pictures
from .data.palette import COLORS, fit_palette


def main() -> None:
    parser = command_parser("palette", __doc__)
    parser.add_argument("--train", type=Path, required=True, help="folder or zip of pictures to fit")
    add(parser, "--test", help="folder or zip to measure the PSNR on")
    add(parser, "--out", required=True)
    parser.add_argument("--colors", type=int, default=COLORS)
    add(parser, "--seed", default=0)
    args = parser.parse_args()

    train = cached_pictures(args.train)
    palette = fit_palette(train.pixels, args.colors, args.seed)
    facts: dict[str, object] = {"seed": args.seed, "trainPsnr": round(palette.psnr(train.pixels[::10]), 3)}
    if args.test:
        facts["testPsnr"] = round(palette.psnr(cached_pictures(args.test).pixels), 3)
    palette.save(args.out, **facts)
    print(f"{args.colors} colours in {args.out}: {facts}")


if __name__ == "__main__":
    main()
