"""What `codegen.py` is made of; it runs without the packages that it renders."""
