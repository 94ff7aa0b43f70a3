"""A registry in this process that can be told to misbehave, images for it, and an environment with nothing in it."""
