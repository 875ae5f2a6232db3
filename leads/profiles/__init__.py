"""Ideal customer profiles and target accounts: what both teams look for, and where they look.

`rules` reads a set of profiles, `matching` finds the profile of each account and the target accounts that a rule names,
`targets` keeps the list of target accounts, `coverage` says who is known there, `winning` compares what the profiles
say with what is won.
"""
