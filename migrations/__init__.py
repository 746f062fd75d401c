"""How the tables of a store came to be, one revision after the other. Run by Alembic."""
