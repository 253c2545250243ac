from gptmodel.model_text import describe_model


def test_it_says_which_version_is_in_service_and_how_to_roll_back() -> None:
    text = describe_model("house-style")
    assert "`models:/house-style@champion`" in text
    assert "`gptmodel rollback house-style`" in text


def test_no_place_is_left_for_the_name() -> None:
    assert "NAME" not in describe_model("gpt")
