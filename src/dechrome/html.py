"""HTML -> paragraphs: the visible text blocks of a page, in order.

Needs the ``html`` extra (resiliparse). Nothing of the markup reaches the model.
"""

from __future__ import annotations

__all__ = ["decode_html", "paragraphs_from_html"]

_INSTALL = "Reading HTML needs resiliparse: pip install 'dechrome[html]'."


def decode_html(raw: bytes) -> str:
    """Decode a page in the encoding that it declares or shows."""
    try:
        from resiliparse.parse.encoding import bytes_to_str, detect_encoding
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    return str(bytes_to_str(raw, detect_encoding(raw, html5_compatible=True, from_html_meta=True) or "utf-8"))


def paragraphs_from_html(html: str) -> list[str]:
    """List the visible text blocks of a page.

    Parameters
    ----------
    html : str
        The page's source.

    Returns
    -------
    list of str
        Blocks in document order, white space collapsed, captions kept, images' alternative texts
        and form fields left out.

    Raises
    ------
    ImportError
        If resiliparse is not installed.
    TypeError
        If ``html`` is not a str.

    Examples
    --------
    >>> paragraphs_from_html("<h1>Late goal</h1><figure><img alt='A'><figcaption>Fans</figcaption></figure>")
    ['Late goal', 'Fans']
    """
    if not isinstance(html, str):
        raise TypeError(f"html must be str, not {type(html).__name__}; decode bytes with decode_html().")
    try:
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.html import HTMLTree
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    tree = HTMLTree.parse(html)
    if tree.body is None:
        return []
    # Captions are kept only together with alternative texts, so those are emptied first.
    for image in tree.body.get_elements_by_tag_name("img"):
        image.delattr("alt")
    text = extract_plain_text(
        tree, preserve_formatting=True, main_content=False, list_bullets=False, alt_texts=True
    )
    return [line for line in (" ".join(raw.split()) for raw in text.split("\n")) if line]
