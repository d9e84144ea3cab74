"""The wire of the Hugging Face Hub: unmodified ``huggingface_hub`` and ``datasets`` read and write here."""
