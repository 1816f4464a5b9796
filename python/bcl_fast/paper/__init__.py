"""The paper's tables and figures, as experiments that use the public names of the other packages."""

LIBRARIES = ("torch", "safetensors", "matplotlib", "tabulate")  # that every one of them wants
