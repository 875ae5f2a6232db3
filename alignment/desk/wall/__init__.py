"""The wall: a link shows figures on a screen, without a login and without names."""
