import pytest

pytest.importorskip("resiliparse")

from dechrome.html import decode_html, paragraphs_from_html

PAGE = """<!doctype html>
<html><head>
<meta charset="utf-8"><title>Harbour News</title>
<style>p { color: teal }</style>
<script>var tracker = "pixel";</script>
</head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav>
<h1>Ferry &amp; post return</h1>
<p>The ferry   will run
 <b>twice</b> a day.</p>
<script>document.write("written")</script>
<figure><img alt="A crowd on the pier" src="pier.jpg"><figcaption>Islanders on the pier</figcaption></figure>
<style>.late { display: none }</style>
<form><input placeholder="Your name" value="Ann"><button>Send</button></form>
<!-- an editor's remark -->
<p>Tickets cost &pound;4.</p>
<footer>&copy; Harbour News</footer>
</body></html>"""


def page(body, charset="utf-8"):
    return f'<html><head><meta charset="{charset}"></head><body>{body}</body></html>'


def test_visible_blocks_come_in_document_order():
    assert paragraphs_from_html(PAGE) == [
        "Home",
        "News",
        "Ferry & post return",
        "The ferry will run twice a day.",
        "Islanders on the pier",
        "Tickets cost £4.",
        "© Harbour News",
    ]


@pytest.mark.parametrize(
    "hidden",
    ["tracker", "written", "teal", "display", "A crowd", "remark", "Your name", "Ann", "Send", "pier.jpg"],
)
def test_what_a_reader_does_not_see_as_text_is_left_out(hidden):
    assert hidden not in "\n".join(paragraphs_from_html(PAGE))


def test_alternative_text_of_a_linked_image_is_left_out():
    assert paragraphs_from_html(page('<p><a href="/"><img alt="Logo" src="x"></a> Harbour News</p>')) == [
        "Harbour News"
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<figure><img src=x><figcaption>Fans</figcaption></figure>", ["Fans"]),
        ("<figure><img src=x alt=''><figcaption>Fans</figcaption></figure>", ["Fans"]),
        ("<figure><figcaption>Fans</figcaption><img src=x alt='A crowd'></figure>", ["Fans"]),
        ("<table><caption>Fares</caption><tr><td>4</td></tr></table>", ["Fares", "4"]),
    ],
)
def test_captions_are_kept(body, expected):
    assert paragraphs_from_html(page(body)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("&lt;b&gt; &amp; &quot;", '<b> & "'),
        ("caf&eacute;", "café"),
        ("caf&#233;", "café"),
        ("caf&#xE9;", "café"),
        ("&#1087;&#1086;&#1088;&#1090;", "порт"),
        ("&#128578;", "🙂"),
        ("four&nbsp;pounds", "four pounds"),
        ("fish &amp;amp; chips", "fish &amp; chips"),
    ],
)
def test_entities_are_decoded_once(source, expected):
    assert paragraphs_from_html(page(f"<p>{source}</p>")) == [expected]


def test_white_space_within_a_block_is_collapsed():
    assert paragraphs_from_html(page("<p>\n one\t two\n\nthree </p>")) == ["one two three"]


def test_line_break_element_parts_blocks():
    assert paragraphs_from_html(page("<p>14 Quay Street<br>Port Ellery</p>")) == [
        "14 Quay Street",
        "Port Ellery",
    ]


def test_list_items_carry_no_bullets():
    assert paragraphs_from_html(page("<ul><li>one</li><li>two</li></ul>")) == ["one", "two"]


@pytest.mark.parametrize("body", ["<p>one<p>two", "<div><p>one</div><p>two", "<p>one</p></div>two"])
def test_unclosed_elements_are_forgiven(body):
    assert paragraphs_from_html(page(body)) == ["one", "two"]


def test_fragment_without_a_body_is_read():
    assert paragraphs_from_html("only words") == ["only words"]


@pytest.mark.parametrize(
    "html",
    [
        "",
        " \n",
        "<html></html>",
        page(""),
        page("<p> &nbsp; </p>"),
        "<!-- nothing -->",
        page("<img alt='A'>"),
    ],
)
def test_page_without_text_has_no_paragraphs(html):
    assert paragraphs_from_html(html) == []


@pytest.mark.parametrize("html", [b"<p>x</p>", None, 3, ["<p>x</p>"]])
def test_anything_but_str_is_refused(html):
    with pytest.raises(TypeError, match="html must be str"):
        paragraphs_from_html(html)


def test_refusal_of_bytes_names_the_function_for_them():
    with pytest.raises(TypeError, match="decode_html"):
        paragraphs_from_html(b"<p>x</p>")


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Café naïve à Évian"),
        ("latin1", "Straße und Bürgermeister"),
        ("windows-1251", "Новости порта"),
        ("utf-8", "Новости café 港"),
        ("shift_jis", "連絡船が戻る"),
        ("gbk", "市图书馆"),
        ("euc-kr", "항구"),
        ("windows-1250", "žluťoučký kůň"),
        ("windows-1255", "שלום"),
    ],
)
def test_declared_charset_decodes_the_page(charset, text):
    html = page(f"<p>{text}</p>", charset)
    assert decode_html(html.encode(charset)) == html
    assert paragraphs_from_html(decode_html(html.encode(charset))) == [text]


def test_undeclared_utf8_is_recognised():
    html = "<p>Паром к дальним островам вернулся</p>"
    assert decode_html(html.encode()) == html


def test_byte_order_mark_is_no_text():
    assert paragraphs_from_html(decode_html("\ufeff<p>café</p>".encode())) == ["café"]


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00<p>", b"<p>\x80\x81\xff</p>", b"\x00" * 50])
def test_broken_bytes_decode_to_some_text(raw):
    assert isinstance(decode_html(raw), str)


def test_empty_bytes_decode_to_nothing():
    assert decode_html(b"") == ""
