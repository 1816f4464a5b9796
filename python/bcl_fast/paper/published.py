"""Numbers that the paper's authors published, as far as they could be checked, to stand beside ours.

Only those are here that could be checked: the seconds of section 5.2, and the radius in the checkpoint of the authors'
repository (github.com/makarandtapaswi/BallClustering_ICCV2019). The scores of the paper's Tables 1 to 6 are not here;
they are in arXiv:1908.03381.
"""

from __future__ import annotations

from bcl_fast.cluster import radius_threshold

LOSS_SECONDS_PER_EPOCH = {  # section 5.2: 61,774 tracks, batches of 2,000, on the authors' machine
    "prototypical": 12.3,
    "contrastive": 15.5,
    "ldml": 15.5,
    "triplet": 50.8,
    "ball": 9.9,
}
SQUARED_RADIUS = 0.2051  # of the authors' checkpoint, epoch 127: softplus(criterion_state["ctrd.h_bias"])


def note_on_scores(*, simulated: bool, papers_test_set: bool) -> str:
    """Say what data a table of scores is of, and where the paper's own numbers are."""
    if simulated:
        return (
            "**Simulated.** These films and people are invented: the numbers say how the methods compare here, not "
            "what the paper measured."
        )
    if papers_test_set:
        return (
            f"The test videos are the paper's. Its scores are in arXiv:1908.03381 and not bundled here; the authors' "
            f"checkpoint has b = {SQUARED_RADIUS}, a threshold of {radius_threshold(SQUARED_RADIUS):.4f}."
        )
    return "Measured on the tracks given, which are not the paper's: its numbers do not compare."
