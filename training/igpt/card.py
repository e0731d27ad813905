"""Writes a model's card: a text with placeholders, filled with what was measured.

    python -m igpt.card --text cards/igpt.md --bundle ../r2-assets/models/igpt-base/2 \\
        --measures ../r2-assets/models/igpt-base/measures.json --out ../r2-assets/models/igpt-base/README.md

`--measures` is the JSON of `npm run evaluate` on photographs, `--probe` another of it on CIFAR-10, `--sampling` that of `npm run
sampling`. A placeholder is `{name}`; `--list` shows all with their values.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .bundle.manifest import read_manifest
from .bundle.weights import BundleError
from .cli.options import add, command_parser
from .evaluation.card import CardError, facts, write_card


def main() -> None:
    parser = command_parser("card", __doc__)
    parser.add_argument("--text", type=Path, required=True)
    add(parser, "--bundle", required=True)
    parser.add_argument("--measures", type=Path, required=True)
    parser.add_argument("--probe", type=Path, help="measures on CIFAR-10, for the linear probe")
    parser.add_argument("--sampling", type=Path, help="JSON of `npm run sampling`")
    add(parser, "--out")
    parser.add_argument("--list", action="store_true", help="print every placeholder and its text")
    args = parser.parse_args()
    measures = json.loads(args.measures.read_text())
    probe, sampling = (json.loads(path.read_text()) if path else None for path in (args.probe, args.sampling))
    try:
        values = facts(read_manifest(args.bundle), measures, probe, sampling)
        if args.list:
            print("\n".join(f"{{{name}}}: {value}" for name, value in values.items()))
        if args.out:
            args.out.write_text(write_card(args.text.read_text(), values))
            print(f"wrote {args.out}")
    except (BundleError, CardError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
