"""What every executor starts beside the data: ``python -m tsunagu.compute.runner JOBFILE``. No Django."""
