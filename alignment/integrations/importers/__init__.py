"""Bringing leads in from files: what a mapping says, reading, translating rows, and the job that runs it."""
