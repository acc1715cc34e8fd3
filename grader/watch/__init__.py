"""`grader watch`: checks on save, in a terminal that is kept open beside the editor.

What happens is decided by pure code: `state.step` takes a state and an event and gives the next state and what is to
be done; `view.frame` gives the lines of the screen for a state. Around them stand the parts that touch the world:
`saves` (files), `keys` (the keyboard), `screen` (the terminal), `checker` (grading, in a thread), and `session`,
which holds them together.
"""
