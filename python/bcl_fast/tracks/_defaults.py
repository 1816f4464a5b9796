"""Names and numbers that others show or write: nothing is imported for them."""

DUPLICATE_IOU = 0.7  # intersection over union of two boxes, above which they are one face found twice
RECOGNIZER_KEY = b"bcl_fast.recognizer"  # in the metadata of Parquet: the fingerprint of what made the features
