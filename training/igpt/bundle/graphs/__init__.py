"""The two ONNX graphs of a bundle, built node by node because no exporter produces nested generation loops.

Both are one loop body, a *step*, that runs n positions of B samples at once: given pixels many a step (all forced), new
ones one a step. So the weights have one use, and a step costs the same nodes whatever it is for.

Weights are external data in `weights.safetensors`, dequantised at the graph's top level and multiplied in float: an
operator that quantises activations over the batch would make a sample depend on what it is batched with.

Shapes in comments: T steps, B samples, n positions a step, Q positions of the shared prefix, E of the samples' own
before this call, r of this call so far, L layers, D width, H heads, W = D / H, C colours. Keys are kept transposed,
[B, H, W, r]: the product of one query with them then reads memory in order.
"""
