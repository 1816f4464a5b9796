"""The paper's tables and figures, as experiments that use the public names of the other packages."""
