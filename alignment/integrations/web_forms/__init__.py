"""Forms on the company's own websites: set up here, posted from there, received as leads."""
