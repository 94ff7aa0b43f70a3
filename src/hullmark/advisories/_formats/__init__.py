"""Formats that several feeds share."""
