"""gradsmith: exercises and an autograder for the calculus of machine-learning interviews.

The command line is `grader`; an author of exercises needs `grader.checks`; a program
that grades needs `grader.grading`. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
