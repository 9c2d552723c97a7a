"""The command side: what may happen to an action, and the record that it did."""
