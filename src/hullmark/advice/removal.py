"""What to do about a malicious package. An upgrade would leave what it has already taken in others' hands."""

REMOVE = "remove it and rotate every credential that it could have read"
REMOVE_BRIEFLY = "remove, rotate credentials"
