#!/usr/bin/env python3
"""Django's command line. `python3 run.py manage …` runs it against the embedded stack."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignment.settings")
    execute_from_command_line(sys.argv)
