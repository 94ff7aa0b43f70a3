package = "bad"
version = string.format("%s-1", "1.0")
