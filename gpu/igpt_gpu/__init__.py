"""Image GPT's decoding engine in PyTorch: CUDA graphs on a GPU, the same code without them on a CPU."""

from .engine import Engine, OutOfMemory
from .plan import Cancelled
from .request import BadRequest, Request, Result

__all__ = ["BadRequest", "Cancelled", "Engine", "OutOfMemory", "Request", "Result"]
