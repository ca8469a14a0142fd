"""One file per method: a subclass of `Base` with its paper in the docstring."""
