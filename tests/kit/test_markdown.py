import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.markdown import MAX_CHARS, plain, read_markdown

HOSTILE = [
    "# no heading",
    "- no list",
    "1. no list",
    "12) no list",
    "+ no",
    "=== ",
    "**not bold** and _not italic_",
    "[no link](https://evil.com)",
    "<script>alert(1)</script>",
    "| no | table |",
    "`no code`",
    "~~~",
    "&lt; &amp;",
    "back\\slash",
    "$client ${x}",
    "line one\n\n# line two",
    "https://acme.com/a_b_c",
    "![x](y)",
    "> no quote",
    "a  \nb",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_stays_what_it_is(text):
    blocks = read_markdown(plain(text))
    assert blocks == [{"kind": "paragraph", "runs": [{"text": " ".join(text.split())}]}]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200))
def test_any_text_survives_plain(text):
    blocks = read_markdown(plain(text))
    words = " ".join(text.split())
    if not words:
        assert blocks == []
        return
    assert [block["kind"] for block in blocks] == ["paragraph"]
    assert "".join(run["text"] for run in blocks[0]["runs"]) == words


@given(st.text(max_size=300))
def test_any_markdown_can_be_read(text):
    assert read_markdown(text) == read_markdown(text)


def test_blocks():
    text = (
        "# Title\n\nSome **bold**, *italic* and `code`\nwith a [link](https://acme.com) and "
        "[bad](javascript:x).\n\n"
        "- one\n- two\n\n  more\n\n3. three\n\n> quote\n\n| a | b |\n| --- | ---: |\n| 1 | **2** |\n\n---\n\n"
        "```\nx < y\n```\n\nA\\\nB <b>c</b> ![p](x.png)"
    )
    assert read_markdown(text) == [
        {"kind": "heading", "level": 1, "runs": [{"text": "Title"}]},
        {
            "kind": "paragraph",
            "runs": [
                {"text": "Some "},
                {"text": "bold", "bold": True},
                {"text": ", "},
                {"text": "italic", "italic": True},
                {"text": " and "},
                {"text": "code", "code": True},
                {"text": " "},
                {"text": "with a "},
                {"text": "link", "href": "https://acme.com"},
                {"text": " and [bad](javascript:x)."},
            ],
        },
        {
            "kind": "list",
            "ordered": False,
            "start": 1,
            "items": [
                [{"kind": "paragraph", "runs": [{"text": "one"}]}],
                [
                    {"kind": "paragraph", "runs": [{"text": "two"}]},
                    {"kind": "paragraph", "runs": [{"text": "more"}]},
                ],
            ],
        },
        {
            "kind": "list",
            "ordered": True,
            "start": 3,
            "items": [[{"kind": "paragraph", "runs": [{"text": "three"}]}]],
        },
        {"kind": "quote", "blocks": [{"kind": "paragraph", "runs": [{"text": "quote"}]}]},
        {
            "kind": "table",
            "align": ["left", "right"],
            "head": [[{"text": "a"}], [{"text": "b"}]],
            "rows": [[[{"text": "1"}], [{"text": "2", "bold": True}]]],
        },
        {"kind": "rule"},
        {"kind": "code", "text": "x < y\n"},
        {
            "kind": "paragraph",
            "runs": [{"text": "A"}, {"br": True}, {"text": "B <b>c</b> !"}, {"text": "p"}],
        },
    ]


def test_a_text_without_end_is_refused():
    with pytest.raises(ValueError, match="more than"):
        read_markdown("a" * (MAX_CHARS + 1))
