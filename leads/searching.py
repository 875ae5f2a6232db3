"""The search box: leads by name, e-mail and company."""

from leads.models import LeadSearch

# A search reads so many matches and no more; a word that fits more of them is not yet a question.
CANDIDATES = 2000
MOST_WORDS = 8


def candidates(words: str) -> list[int]:
    """Keys of leads that have all of these words somewhere; one query."""
    matches = LeadSearch.objects.all()
    for word in words.split()[:MOST_WORDS]:
        matches = matches.filter(text__icontains=word)
    return list(matches.values_list("pk", flat=True)[:CANDIDATES])
