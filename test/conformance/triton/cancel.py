"""Sends a request that would take long, says so, and gives it up when it is told to, by a line on standard input: prints how it
ended for its caller. Usage: cancel.py GRPC_PORT MODEL POSITIONS"""

import sys
import threading

import numpy as np
import tritonclient.grpc as grpc

port, model, positions = sys.argv[1:]
# As many rows as one batch may have: beside other work, too, it takes longer than what the test does meanwhile.
ROWS, GENERATE = 64, int(positions)
arrays = {
    "tokens": np.zeros((ROWS, 0), np.int64),
    "forced": np.full((ROWS, GENERATE), -1),
    "uniforms": np.random.default_rng(0).random((ROWS, GENERATE), np.float32),
    "temperature": np.ones((ROWS, 1), np.float32),
    "top_k": np.zeros((ROWS, 1), np.int64),
    "top_p": np.ones((ROWS, 1), np.float32),
}
inputs = []
for name, array in arrays.items():
    tensor = grpc.InferInput(name, array.shape, "FP32" if array.dtype == np.float32 else "INT64")
    tensor.set_data_from_numpy(array)
    inputs.append(tensor)
ended = threading.Event()
outcome = []


def done(result, error) -> None:
    outcome.append(f"{error.status()}" if error else "done")
    ended.set()


call = grpc.InferenceServerClient(f"127.0.0.1:{port}").async_infer(model, inputs, done)
print("sent", flush=True)
sys.stdin.readline()
call.cancel()
ended.wait()
print(outcome[0])
