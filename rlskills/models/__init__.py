"""The tiny preset, loading of any causal model, and the choice of attention kernels."""
