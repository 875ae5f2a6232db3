"""Merging leads: nobody's history moves, nobody is lost, and for a day it is undone."""
