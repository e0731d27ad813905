"""Finishes a model: from a checkpoint of the stable run, the learning rate falls linearly to 0 in the given time.

    python -m igpt.anneal --run cifar10 --minutes 30 --data train.zip --test test.zip --palette palettes/cifar10.json

Writes `annealed.pt` beside the checkpoint, which stays as it is. Stop the stable run first, the two would share the
processor; resume it afterwards, it knows nothing of this. `--from annealed.pt` goes on with a finished model instead: the
rate rises at once to the run's own, and falls again.
"""

from __future__ import annotations

import argparse
import time

from .checkpoint import NAME, load_checkpoint, run_directory, save_checkpoint
from .optim import Average
from .runtime import configure
from .schedule import decay_factor
from .train import Journal, add_data_arguments, open_run

ANNEALED = "annealed.pt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data_arguments(parser)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--ema", type=float, default=0.95, help="decay of the average, short at the end of a run")
    parser.add_argument("--from", dest="start", default=NAME, help="file name in the run's directory; default: %(default)s")
    parser.add_argument("--out", default=ANNEALED, help="file name in the run's directory; default: %(default)s")
    args = parser.parse_args()

    configure(args.threads)
    directory = run_directory(args.run)
    trainer, tokens, test_tokens = open_run(args, load_checkpoint(directory / args.start))
    trainer.average = Average(trainer.model, args.ema)
    journal = Journal(directory)
    journal.write(trainer, f"annealing for {args.minutes:g} minutes", event="anneal")

    started = reported = tested = time.monotonic()
    since, losses = trainer.images, []
    while (progress := (time.monotonic() - started) / (args.minutes * 60)) < 1:
        losses.append(trainer.step(decay_factor(progress)))
        now = time.monotonic()
        if now - reported > 30:
            speed = (trainer.images - since) / (now - reported)
            mean = sum(losses) / len(losses)
            journal.write(
                trainer,
                f"{trainer.images} pictures ({trainer.images / len(tokens):.3f} epochs), loss {mean:.4f}, "
                f"{speed:.2f} pictures/s, rate {1 - progress:.3f}, {args.minutes * (1 - progress):.1f} min left",
                anneal=round(mean, 5),
                speed=round(speed, 3),
            )
            reported, since, losses = now, trainer.images, []
        if test_tokens is not None and now - tested > args.test_minutes * 60:
            nats, rest = trainer.test(test_tokens)
            journal.write(trainer, f"test {nats:.4f}", annealTest=round(nats, 5), annealTestRest=round(rest, 5))
            save_checkpoint(directory / args.out, trainer.state())
            tested = reported = time.monotonic()
            since = trainer.images
    save_checkpoint(directory / args.out, trainer.state())
    if test_tokens is not None:
        nats, rest = trainer.test(test_tokens)
        journal.write(
            trainer,
            f"annealed: test {nats:.4f} nats/pixel on {len(test_tokens)} pictures",
            annealTest=round(nats, 5),
            annealTestRest=round(rest, 5),
        )
    print(f"wrote {directory / args.out}")


if __name__ == "__main__":
    main()
