"""The text layer: direction, fonts, lines, ink, and what can be read back from the paper."""

import io
from unicodedata import bidirectional

import bidi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from backend.core import text
from frontend import direction, typeface
from frontend.typeset import NotPrintable, Paragraph, Style, isolated, ltr, printable
from tests import printed

CERTIFIED = (
    "تشهد اللجنة بأن المستودع Sternhafen Hamburg No. 1 خضع للتقييم وحصل على الدرجة المبيّنة أدناه رقم "
    "OW-2026-000318 بتاريخ 23 نوفمبر 2026. لا إله إلا الله، والآن للأسف لأن الإرجاع"
)
SENTENCES = {
    "en": "This certifies that the office of Sternhafen Hamburg affiliates in fine, flawless efficiency.",
    "zh_CN": "兹证明《星港汉堡一号海外仓》（运营企业：Sternhafen Logistik GmbH）经评审委员会综合评价，达到下列等级，特发此证。",
    "ar": CERTIFIED,
}
NAMES = {
    "Cyrillic": "Владимир Ёлкин, ООО «Северный путь»",
    "Vietnamese": "Nguyễn Thị Ánh Tuyết, Đường Lê Lợi",
    "Thai": "ณัฐพงษ์ พรหมวิหาร",
    "Greek": "Ελληνική Εταιρεία",
    "Korean": "김철수",
    "rare Chinese": "王喆、李堃、赟、昇、瑄、䶮、𬭎",
    "Persian": "گچپژ",
    "Urdu": "ٹھیک ہے",
    "Polish": "Łódź Żółć",
    "Hebrew": "דוד לוי",
    "Armenian": "Հայկ Սարգսյան",
    "Georgian": "გიორგი ბერიძე",
    "Devanagari": "श्री राम शर्मा, काठमाडौं।",
    "Bengali": "মোহাম্মদ রহমান, ঢাকা",
    "Tamil": "முருகன் செல்வம்",
    "Sinhala": "ශ්‍රී ලංකා",
    "Lao": "ສົມພອນ ວົງສະຫວັນ",
    "Khmer": "សុខា ភ្នំពេញ",
    "Burmese": "မောင်မောင် ရန်ကုန်မြို့",
}


def paper(*paragraphs: Paragraph, width: float = 440) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(
        file, pagesize=(500, 800), invariant=1, initialFontName=typeface.font("NotoSans-Regular.ttf").fontName
    )
    y = 780.0
    for paragraph in paragraphs:
        y -= paragraph.draw(canvas, 30, y, width) + 10
    canvas.save()
    return file.getvalue()


def said(words: str, language: str = "en", bold: bool = False) -> bytes:
    return paper(Paragraph(words, Style(11, bold=bold), language))


# direction


def shown(words: str, rtl: bool) -> str:
    """`words` in visual order by our levels, for comparison with another implementation."""
    levels = direction.levels(words, rtl)
    at = len(words)
    while at and (bidirectional(words[at - 1]) in ("WS", "BN") or words[at - 1] in "\u2066\u2067\u2068\u2069"):
        at -= 1
        levels[at] = int(rtl)
    pairs = list(zip(levels, words, strict=True))
    for level in range(max(levels, default=0), 0, -1):
        at = 0
        while at < len(pairs):
            stop = at
            while stop < len(pairs) and pairs[stop][0] >= level:
                stop += 1
            pairs[at:stop] = pairs[at:stop][::-1]
            at = max(stop, at + 1)
    return without_isolates("".join(char for _, char in pairs))


def without_isolates(words: str) -> str:
    return "".join(char for char in words if char not in "\u2066\u2067\u2068\u2069")


@given(st.text("ab عبא 12 ٣٤ ()[]<>+-.,:/%$&!中、\u0301\u064b\u2066\u2067\u2068\u2069", max_size=24), st.booleans())
@settings(max_examples=600, deadline=None)
def test_characters_stand_in_the_order_of_the_unicode_algorithm(words: str, rtl: bool) -> None:
    reference = bidi.get_display(words, base_dir="R" if rtl else "L")
    assert shown(words, rtl) == without_isolates(reference)


@pytest.mark.parametrize(
    ("words", "visual"),
    [
        (f"رقم {ltr('OW-2026-000318')}", "OW-2026-000318 مقر"),
        (f"فرق {ltr('+2')} و {ltr('-5.5%')}", "-5.5% و +2 قرف"),
        (f"شركة {isolated('Luoyang (Holdings) Co., Ltd.')}", "Luoyang (Holdings) Co., Ltd. ةكرش"),
    ],
)
def test_codes_numbers_and_names_keep_their_own_direction_in_arabic(words: str, visual: str) -> None:
    assert shown(words, rtl=True) == visual


def test_what_somebody_typed_does_not_reach_beyond_itself() -> None:
    assert isolated("\u2067a\u2069\u2069b") == isolated("ab")
    assert ltr("\u2068x") == ltr("x")
    deep = Paragraph("\u2067" * 3000 + "abc ا", Style(9), "ar")
    assert len(deep.lines(500)) == 1


def test_a_code_in_the_middle_of_arabic_is_not_turned_round_at_its_signs() -> None:
    document = said("محمل كريات عميق الأخدود 6204-2RS من المخزن", "ar")
    assert "6204-2RS" in printed.words(document)


# fonts


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_script_are_printed_and_read_back(name: str, bold: bool) -> None:
    assert printed.says(said(NAMES[name], "en", bold), NAMES[name])


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_sentences_are_read_back_word_by_word(language: str, bold: bool) -> None:
    """Without ligatures in Latin, with the letters that were written in Arabic."""
    assert printed.says(said(SENTENCES[language], language, bold), SENTENCES[language])


@printed.needs_poppler
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_another_reader_finds_the_same_words(language: str) -> None:
    document = said(SENTENCES[language], language)
    missing = printed.unsaid(printed.text_of(document), SENTENCES[language])
    assert not [word for word in missing if "ّ" not in word]  # pdftotext puts a shadda on a line of its own


@printed.needs_poppler
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_font_is_embedded_and_bold_is_a_font_of_its_own(language: str) -> None:
    document = paper(
        Paragraph(SENTENCES[language], Style(11), language), Paragraph(SENTENCES[language], Style(11, True), language)
    )
    found = printed.fonts(document)
    assert found
    assert all(embedded and says for embedded, says in found.values())
    assert {name.split("-")[-1] for name in found} == {"Regular", "Bold"}


@pytest.mark.parametrize(("char", "code"), [("😀", "U+1F600"), ("𠮷", "U+20BB7"), ("ꆈ", "U+A188")])
def test_a_character_that_no_font_has_is_refused_by_name(char: str, code: str) -> None:
    with pytest.raises(NotPrintable, match=char) as refused:
        Paragraph(f"Client {char} Ltd.", Style(), "en")
    assert refused.value.facts == {"character": char, "code": code}


def test_a_remark_is_printed_with_the_number_of_what_no_font_has() -> None:
    assert printable("broken 😢 again\n又坏了") == "broken [U+1F622] again\n又坏了"
    assert printable("👍\ufe0f ok") == "[U+1F44D] ok"
    assert printable("nothing odd") == "nothing odd"


@given(st.text(max_size=40), st.booleans(), st.sampled_from(text.LANGUAGES))
@settings(max_examples=300, deadline=None)
def test_any_remark_can_be_printed(words: str, bold: bool, language: str) -> None:
    paragraph = Paragraph(printable(words), Style(9, bold), language)
    assert paragraph.lines(80)
    assert paragraph.height(80) > 0


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("words", [*SENTENCES.values(), *NAMES.values()])
def test_no_glyph_is_the_missing_one(words: str, bold: bool) -> None:
    paragraph = Paragraph(words, Style(11, bold), "ar")
    runs = [run for line in paragraph.lines(300) for run in line.runs]
    assert runs
    for run in runs:
        glyphs = [run.choice.font.face.charToGlyph[ord(code)] for code in run.shaped.codes]
        assert 0 not in glyphs


def test_arabic_letters_are_joined() -> None:
    """The glyph of a letter depends on its neighbours: ه alone, at the start, in the middle and at the end of a word."""
    font = typeface.font("Tajawal-Regular.ttf")
    alone = font.shape("ه", True).codes
    word = font.shape("ههه", True).codes
    glyphs = [font.face.charToGlyph[ord(code)] for code in (*alone, *word)]
    assert len(set(glyphs)) == 4


def test_lam_and_alef_are_one_glyph() -> None:
    assert len(typeface.shaped("Tajawal-Regular", "لا", True).codes) == 1


def test_a_word_of_arabic_stays_in_one_font() -> None:
    chosen = {choice.font.fontName for choice in typeface.choose("گچپژبا", False)}
    assert chosen == {"NotoSansArabic-Regular"}
    assert {choice.font.fontName for choice in typeface.choose("با", False)} == {"Tajawal-Regular"}


def test_a_rare_character_in_bold_falls_back_to_the_regular_weight_drawn_heavier() -> None:
    common, rare = typeface.choose("王赟", True)
    assert (common.font.fontName, common.heavier) == ("NotoSansSC-Bold", False)
    assert (rare.font.fontName, rare.heavier) == ("NotoSansSC-Regular", True)


def test_quotation_marks_are_wide_beside_chinese_and_narrow_beside_letters() -> None:
    assert typeface.choose("“智能”", False)[0].font.fontName == "NotoSansSC-Regular"
    assert typeface.choose("“smart”—", False)[0].font.fontName == "NotoSans-Regular"


# lines


@given(
    st.text("abc 洛仓，。（《ب ج-/\u200b\u00a0", min_size=1, max_size=120),
    st.floats(12, 300),
    st.sampled_from(text.LANGUAGES),
)
@settings(max_examples=300, deadline=None)
def test_no_line_is_wider_than_its_column_and_nothing_is_lost(words: str, width: float, language: str) -> None:
    paragraph = Paragraph(words, Style(9), language)
    lines = paragraph.lines(width)
    assert all(line.width <= width + 0.5 for line in lines)
    visible = sum(len(run.shaped.codes.replace(" ", "").replace("\u00a0", "")) for line in lines for run in line.runs)
    whole = sum(len(run.shaped.codes.replace(" ", "").replace("\u00a0", "")) for line in paragraph.lines(1e9) for run in line.runs)  # fmt: skip
    assert visible == whole
    assert paragraph.height(width) == pytest.approx(len(lines) * paragraph.leading)


def test_chinese_breaks_between_characters_but_not_before_its_punctuation() -> None:
    paragraph = Paragraph("海外仓，海外仓。", Style(10), "zh_CN")
    lines = ["".join(run.shaped.codes for run in line.runs) for line in paragraph.lines(31)]
    assert lines == ["海外", "仓，海", "外仓。"]


def test_a_hash_is_broken_anywhere_and_an_address_at_its_signs() -> None:
    lines = Paragraph("e3b0c44298fc1c149afbf4c8996fb924" * 2, Style(9), "en").lines(100)
    assert len(lines) > 2
    address = Paragraph("https://luocang.example/returns/R7K2M9P4XQ8Z", Style(9), "en").lines(120)
    first = "".join(run.shaped.codes for run in address[0].runs)
    assert first == "https://luocang.example/"


def test_lines_end_where_they_are_told_to() -> None:
    assert len(Paragraph("one\ntwo\n\nfour", Style(9), "en").lines(500)) == 4
    assert len(Paragraph("", Style(9), "en").lines(500)) == 1


def test_arabic_stands_at_the_right_and_numbers_where_they_are_put() -> None:
    """The ink of a short line, by the side it is nearer to."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(400, 120), invariant=1)
    Paragraph("المستودع", Style(12), "ar").draw(canvas, 20, 110, 360)
    canvas.save()
    if not printed.shutil.which("pdftoppm"):
        pytest.skip("pdftoppm of poppler-utils is not installed")
    box = printed.image(file.getvalue(), 72).point(lambda value: 255 - value).getbbox()
    assert box is not None
    assert box[0] > 200
    assert box[2] > 370


# bytes


def test_the_same_words_give_the_same_bytes_whatever_was_printed_before() -> None:
    first = paper(*(Paragraph(words, Style(11), language) for language, words in SENTENCES.items()))
    for name in NAMES.values():
        said(name, "ar", True)
    again = paper(*(Paragraph(words, Style(11), language) for language, words in SENTENCES.items()))
    assert first == again
