"""What every SQL engine of the store has in common: the tables' columns, and the questions they are asked."""
