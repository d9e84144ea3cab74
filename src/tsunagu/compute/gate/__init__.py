"""The gate to open notebooks: a process of its own, ``python -m tsunagu.compute.gate``. No Django."""
