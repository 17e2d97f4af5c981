from dechrome.labels import CHROME_KINDS, CONTENT_KINDS, KIND_MEANINGS, KINDS, LABELS


def test_content_kinds_come_first():
    assert (*CONTENT_KINDS, *CHROME_KINDS) == KINDS
    assert CONTENT_KINDS == ("headline", "body")
    assert LABELS == ("content", "chrome")


def test_every_kind_is_explained():
    assert tuple(KIND_MEANINGS) == KINDS
