"""One file a method: a subclass of `Base` with its paper in the docstring."""
