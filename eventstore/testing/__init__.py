"""What any backend must pass. No pytest inside."""
