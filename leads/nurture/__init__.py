"""Leads that are not ready: the tracks that keep them warm, who is due to be looked at again, and who came back."""
