"""What is of PostgreSQL alone."""
