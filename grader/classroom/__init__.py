"""A class: many submissions graded, kept as they come, and told of in the forms that others read."""
