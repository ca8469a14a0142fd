"""The tiny preset, loading of any causal model, kernels, and decoding."""
