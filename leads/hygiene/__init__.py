"""Clean data: what finds a person again, who may be known twice, and what the facts of leads lack."""
