import os
from getpass import getpass

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DATABASES = {"default": {"PASSWORD": os.getenv("DB_PASSWORD", ""), "USER": "shop"}}
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
password = getpass("Password: ")
token = request.headers["Authorization"].removeprefix("Bearer ")
api_key = config.get("api_key")
CSRF_COOKIE_NAME = "csrftoken"
if password == "S3cure!Word77":
    raise ValueError("password: too common")
self.password = self._password = None
digest = hashlib.sha256(secret.encode()).hexdigest()
EXPECTED_TOKEN_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
