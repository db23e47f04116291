"""Speech to text: two kinds of backends, two APIs in front of them, and one form between."""
