"""From findings to proposals. Pure."""
