"""Formats that several detectors share."""
