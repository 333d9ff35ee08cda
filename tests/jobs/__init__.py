"""The yardstick: jobs of a backup administrator as scripts of tool calls, checked against the tenant's own truth.

A job is a question, a script and a check. The script is what a model would do, and knows what a model knows: the
question, the schemas of the tools, and the answers so far (`evidence` refuses everything else). The check computes the
truth from the simulated tenant and compares; it never looks at a recorded text. `python -m tests.jobs` runs them all.
"""
