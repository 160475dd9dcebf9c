"""What tuning cost in general ability: the model before and after, on text and tasks of every day."""
