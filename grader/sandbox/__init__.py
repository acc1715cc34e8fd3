"""Running a submission in a process that holds nothing worth stealing.

`wire` is the format, `worker` the other process, `proxy` this side of it, `jail` how strongly it is held, and `local`
runs trusted code in this process behind the same face.
"""
