"""Views of the list of leads that somebody saved: filters and columns under a name, for themselves or their team."""
