"""What training takes before anything is loaded: memory by part, seconds, cost; no torch.

Everything here is arithmetic on the shape of a model, the data sheet of a GPU and assumptions that
are printed. `rlskills plan` and `rlskills run paper --dry-run` both ask it.
"""
