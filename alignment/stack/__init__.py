"""The embedded stack: PostgreSQL and Valkey from wheels, and the processes of Accord beside them."""
