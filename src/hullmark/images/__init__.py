"""From a reference to the bytes of a path in a layer: sources, inflating, the tar walk, limits."""
