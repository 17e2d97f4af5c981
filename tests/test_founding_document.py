"""The document the project began with: an English story that ends in Turkish consent text."""

from dechrome import clean_text, predict_paragraphs


def test_every_paragraph_is_labelled_right(shared):
    (path,) = (shared / "seed").glob("*.txt")
    predictions = predict_paragraphs(path.read_text(encoding="utf-8"))
    last = next(i for i, p in enumerate(predictions) if p.text.startswith("Kim also successfully"))
    assert predictions[0].kind == "headline"
    assert {p.label for p in predictions[: last + 1]} == {"content"}
    assert {p.label for p in predictions[last + 1 :]} == {"chrome"}
    assert predictions[last + 1].text == "X"
    assert [p.kind for p in predictions[last + 2 :]] == ["cookie"] * 4


def test_the_same_shape_in_our_own_words():
    article = [
        "Coast guard ends search for missing trawler",
        "The coast guard said on Sunday that it had called off the search for a trawler that went missing in heavy "
        "seas off the northern cape, after three days without a sign of the four men on board.",
        "Aircraft from two countries had combed an area of more than nine thousand square kilometres, a spokeswoman "
        "told reporters in the port, adding that the families had been informed before the decision was made public.",
        "The boat's last position was sent at ten past four in the morning, when the wind had reached storm force.",
    ]
    consent = [
        "X",
        "Web sitemizde size daha iyi hizmet verebilmek için çerez kullanıyoruz; ayrıntılar aydınlatma metnindedir.",
        "Zorunlu olmayan çerezler yalnızca onay vermeniz hâlinde, reklam ve ölçüm ortaklarımızca yerleştirilir.",
    ]
    predictions = predict_paragraphs("\n\n".join(article + consent))
    assert [p.label for p in predictions] == ["content"] * 4 + ["chrome"] * 3
    assert clean_text("\n\n".join(article + consent)) == "\n\n".join(article)
