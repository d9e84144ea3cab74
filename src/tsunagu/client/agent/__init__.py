"""The capture agent: watches folders of an instrument's PC and sends files that are at rest.

Standard library of Python 3.8 alone, and no import from outside this folder, because the folder travels as one file
(``tsunagu_agent.pyz``) to PCs that have nothing else. ``tsunagu watch`` runs the same engine. Order of the parts:
``scan`` reads a folder, ``watching`` decides what is at rest, ``ledger`` remembers, ``sending`` brings files to the node,
``engine`` turns the wheel, ``main`` is the command.
"""

VERSION = "1.0"
