"""Stages: as moves read them, and as RevOps sets them up."""
