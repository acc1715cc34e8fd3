"""A class in the forms that other systems read: a module for each, all pure, and none writes a file.

All that leaves here is the same for the same class, byte by byte. Text that people other than the instructor chose is
made harmless by `cells` where a spreadsheet opens it.
"""
