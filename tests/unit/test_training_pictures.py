"""The loss curve as a picture."""

import warnings

from gptmodel.training_pictures import loss_curve_png, loss_curve_svg

CURVE = [
    {"step": n, "train_loss": 8.0 / (n + 1), **({"validation_loss": 2.0} if n % 5 == 0 else {})} for n in range(11)
]


def test_the_curve_shows_both_losses_and_follows_the_pages_colours() -> None:
    drawing = loss_curve_svg(CURVE)
    assert drawing.startswith("<svg")
    assert "training" in drawing
    assert "validation" in drawing
    assert "var(--accent" in drawing


def test_pins_are_numbered_in_the_curve() -> None:
    assert loss_curve_svg(CURVE, [0, 7]).count("<text") == loss_curve_svg(CURVE).count("<text") + 2


def test_the_same_curve_gives_the_same_drawing() -> None:
    assert loss_curve_svg(CURVE) == loss_curve_svg(CURVE)


def test_no_points_give_no_drawing() -> None:
    assert loss_curve_svg([]) == ""


def test_a_curve_without_validation_is_drawn() -> None:
    assert "validation" not in loss_curve_svg([{"step": 1, "train_loss": 2.0, "validation_loss": None}])


SAMPLES = [{"step": 0, "prompt": "P", "text": " costs $5 and $6"}, {"step": 7, "prompt": "P", "text": "\n返回\n"}]


def test_a_png_holds_curve_and_samples_whatever_their_characters() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = loss_curve_png(CURVE, SAMPLES)
    assert drawn.startswith(b"\x89PNG")
    assert drawn == loss_curve_png(CURVE, SAMPLES)


def test_texts_can_be_left_out_of_the_png() -> None:
    assert loss_curve_png(CURVE, SAMPLES, with_texts=False) != loss_curve_png(CURVE, SAMPLES)


def test_no_points_give_no_png() -> None:
    assert loss_curve_png([], SAMPLES) == b""
