"""images/sources."""
