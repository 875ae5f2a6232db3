"""The WSGI entry: every page of Accord."""

import os

from django.core.wsgi import get_wsgi_application

from alignment.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignment.settings")
application = get_wsgi_application()
refuse_unsafe_start()
