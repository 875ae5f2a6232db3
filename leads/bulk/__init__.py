"""Changing many leads at once, by the same verbs as one, with what became of each of them."""
