"""What stands beside a lead's timeline, one concern a file; `order.py` lists them from top to bottom."""
