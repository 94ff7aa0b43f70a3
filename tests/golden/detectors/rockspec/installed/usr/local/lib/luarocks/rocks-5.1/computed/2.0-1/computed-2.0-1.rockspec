package = "computed"
version = os.getenv("VERSION")
