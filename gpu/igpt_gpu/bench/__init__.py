"""`python -m igpt_gpu.bench`: the engine beside its peers and the memory's limit. Nothing is fetched; weights are random."""
