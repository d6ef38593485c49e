"""A simulation study: programmes with a known truth, as moments, and what the models made of them.

In: a cell of the grid, a number of programmes, a seed. Out: registry tables and moments to run the models on,
and counts of what held. The models themselves are run elsewhere; nothing here estimates anything.
"""
