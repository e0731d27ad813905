import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("gpu", "training"):
    sys.path.insert(0, str(ROOT / folder))

import torch  # noqa: E402

# Small models: threads would only wait for one another.
torch.set_num_threads(1)
