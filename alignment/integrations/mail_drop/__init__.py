"""Mail of sales by a BCC address: what a user wrote to leads becomes an activity of theirs."""
