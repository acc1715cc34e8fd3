"""Notebooks of a topic: the file's format, the Python in its cells, making one, changing one.

Nothing here needs Jupyter: a notebook is JSON.
"""
