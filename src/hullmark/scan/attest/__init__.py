"""What is signed of an image, and found and checked later: in-toto statements in DSSE envelopes."""
