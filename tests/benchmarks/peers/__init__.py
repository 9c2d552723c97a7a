"""What Deedbook is measured beside: each peer a program of its own, at its best, with the same durability."""
