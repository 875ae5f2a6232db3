"""Whose a lead is, and why.

`choosing` is the pure choice among the members of a pool, `rules` reads the ordered rules, `route` decides and stores
for sets of leads, `pools` and `publishing` are the write verbs of the set-up, `explaining` says it in words, `dry_run`
tries a draft on last month's leads, `ledger` counts who got what, `reassigning` moves leads by hand.
"""
