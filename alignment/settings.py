"""Settings: one module; everything that differs between installs comes from the environment.

`DATABASE_URL`, `REDIS_URL` and `PG_BIN` keep the names that every host knows; all others start with `ACCORD_`.
"""

import os
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("ACCORD_STATE_DIR", BASE_DIR / ".run")).absolute()

DEMO = os.environ.get("ACCORD_DEMO") == "1"
# For tests: the folder in which they say where a process dies (alignment.lib.failpoints). Production knows none.
FAILPOINTS = os.environ.get("ACCORD_FAILPOINTS", "") if DEMO else ""
DEBUG = os.environ.get("ACCORD_DEBUG") == "1"

DEFAULT_SECRET_KEY = "accord-development-only-secret-key-that-no-production-start-accepts"
SECRET_KEY = os.environ.get("ACCORD_SECRET_KEY", DEFAULT_SECRET_KEY)

# Where people reach Accord: the links in mails, the allowed hosts and the cookie flags follow from it.
BASE_URL = os.environ.get("ACCORD_BASE_URL", "http://localhost:8000").rstrip("/")
_base = urlsplit(BASE_URL)
HTTPS = _base.scheme == "https"
ALLOWED_HOSTS = [
    host
    for host in os.environ.get("ACCORD_ALLOWED_HOSTS", f"{_base.hostname},localhost,127.0.0.1,[::1]").split(",")
    if host
]
CSRF_TRUSTED_ORIGINS = [BASE_URL]


def database_from_url(url: str) -> dict[str, object]:
    """`postgresql://user:password@host:port/name?host=/socket&sslmode=require` as a Django database entry.

    Raises ImproperlyConfigured for any other scheme: Accord runs on PostgreSQL only.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql:// (Accord runs on PostgreSQL only).")
    options: dict[str, str] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "accord",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(options.pop("port", "") or parts.port or ""),
        "OPTIONS": options,
        # Worker threads keep their connection; the health check survives a restart of PostgreSQL.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }


# The embedded stack listens on sockets below the state folder and hands their addresses over in these two.
DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL", "postgresql:///accord"))}
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

INSTALLED_APPS = [
    "alignment",
    "alignment.people",
    "alignment.ops",
    "alignment.api",
    "leads",
    "sla",
    "alignment.integrations",
    "dashboards",
    "alignment.desk",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "knox",
    "lucide",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "alignment.people.middleware.PolicyMiddleware",
    "alignment.people.middleware.TimeZoneMiddleware",
    "axes.middleware.AxesMiddleware",
    "alignment.desk.errors.NotAllowedMiddleware",
]

ROOT_URLCONF = "alignment.urls"
WSGI_APPLICATION = "alignment.wsgi.application"
ASGI_APPLICATION = "alignment.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "alignment.desk.context.shell",
            ],
            "builtins": ["alignment.desk.templatetags.accord", "alignment.people.templatetags.policy"],
            # In place of the package's own.
            "libraries": {"lucide": "alignment.desk.templatetags.icons"},
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# People and sign-in -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "people.User"
# E-mails are unique by an index on lower(email), which the check of the user name field does not see. One library of
# tags stands in place of a package's own, by its name.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "templates.W003"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "alignment.people.backends.EmailBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "alignment.people.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "alignment.people.sign_in_forms.SignInForm",
    "change_password": "alignment.people.sign_in_forms.NewPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
# Guessing is throttled in one place, the database table of axes.
ACCOUNT_RATE_LIMITS = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "alignment.people.lockout.locked_out"
# The page says when to try again; trying earlier does not move that moment.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
# Who signed in is in the audit log.
AXES_DISABLE_ACCESS_LOG = True

REST_KNOX = {"TOKEN_MODEL": "people.ApiToken", "TOKEN_TTL": timedelta(days=90), "TOKEN_PREFIX": "accord_"}
KNOX_TOKEN_MODEL = "people.ApiToken"
# Its migrations would make the table of the token model that ours replaces.
MIGRATION_MODULES = {"knox": None}

# Figures ------------------------------------------------------------------------------------------------------

# How many seconds a dashboard waits for figures that nobody asked for lately, before it shows itself without them; None
# waits for as long as it takes.
_patience = os.environ.get("ACCORD_FIGURES_PATIENCE", "0.2")
FIGURES_PATIENCE = float(_patience) if _patience else None

# API ----------------------------------------------------------------------------------------------------------

# Requests a minute that each token may make.
API_RATE = int(os.environ.get("ACCORD_API_RATE", "600"))
API_BODY_BYTES = 2 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["alignment.api.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["alignment.api.wire.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["alignment.api.wire.JsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "alignment.api.wire.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "alignment.api.schema.Operation",
    "EXCEPTION_HANDLER": "alignment.api.problems.answer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Accord",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Leads, their moves, deals and figures, for other programs. Examples: docs/api.md.",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["alignment.api.schema.refusals"],
    "AUTHENTICATION_WHITELIST": ["alignment.api.authentication.BearerToken"],
}

# Language and time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Static files -------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("ACCORD_STATIC_ROOT", STATE_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Not the applications' own folders: of the packages only the files that the finder names are published.
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "alignment.desk.finders.WheelFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "alignment.desk.storage.StaticStorage"},
}
MEDIA_ROOT = STATE_DIR / "files"

# Uploads: files to import, the only ones there are ------------------------------------------------------------

IMPORTS_DIR = STATE_DIR / "imports"
UPLOAD_MOST_BYTES = int(os.environ.get("ACCORD_UPLOAD_MOST_MB", "200")) * 1_000_000
UPLOADS_KEPT = timedelta(days=int(os.environ.get("ACCORD_UPLOADS_KEPT_DAYS", "30")))
FILE_UPLOAD_HANDLERS = ["alignment.integrations.uploads.ToDisk"]

# Security -----------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and os.environ.get("ACCORD_SSL_REDIRECT", "1") == "1"
# Asked from within, without TLS.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if os.environ.get("ACCORD_BEHIND_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Mail ---------------------------------------------------------------------------------------------------------

EMAIL_URL = os.environ.get("ACCORD_EMAIL_URL", "")
_mail = urlsplit(EMAIL_URL)
if _mail.scheme in {"smtp", "smtps"}:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname or "localhost"
    EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_USE_TLS = not EMAIL_USE_SSL and "notls" not in _mail.query
    EMAIL_TIMEOUT = 20
else:
    # Without a mail server every mail becomes a file below the state folder: nothing is lost, all can be read.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = STATE_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("ACCORD_EMAIL_FROM") or f"Accord <accord@{_base.hostname}>"

# Mail in copy: who may post it (a secret `whsec_…`), and whose word on DMARC counts.
MAIL_SECRET = os.environ.get("ACCORD_MAIL_SECRET", "")
MAIL_AUTHSERV = os.environ.get("ACCORD_MAIL_AUTHSERV", "")

# Webhooks -----------------------------------------------------------------------------------------------------

OUTBOUND_NETWORKS = tuple(filter(None, map(str.strip, os.environ.get("ACCORD_OUTBOUND_NETWORKS", "").split(","))))
try:
    for _network in OUTBOUND_NETWORKS:
        ip_network(_network)
except ValueError as error:
    raise ImproperlyConfigured(f"ACCORD_OUTBOUND_NETWORKS: {error}. Give networks as 10.1.0.0/16.") from None

# Celery -------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL

# Logs: one line an event, no personal data --------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"tokens": {"()": "alignment.lib.log_masks.WithoutTokens"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["tokens"],
        }
    },
    "root": {"handlers": ["console"], "level": os.environ.get("ACCORD_LOG_LEVEL", "INFO")},
    "loggers": {"axes": {"level": "WARNING"}, "fontTools": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
