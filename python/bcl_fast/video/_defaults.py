"""Numbers that the command line shows in its help: nothing is imported for them."""

STRIDE = 2
MAX_WIDTH = 960
MIN_FACE = 10.0
MIN_SCORE = 0.6
MIN_FRAMES = 5
DETECTOR = "yunet"
RECOGNIZER = "dlib"
