"""Numbers that the command line shows in its help: nothing is imported for them."""

DUPLICATE_IOU = 0.7  # intersection over union of two boxes, above which they are one face found twice
