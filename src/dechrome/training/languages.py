"""News lines in 119 languages -> the table that tells the language of a paragraph.

NTREX-128 (Federmann et al. 2022, https://github.com/MicrosoftTranslator/NTREX) holds the same 1997
lines in each language, which makes it fair: no language is likelier for having more text.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["language_code", "news_files"]

_PREFIX = "newstest2019-ref."
#: ISO 639-3 codes of the source -> the ISO 639-1 codes that pages and seeds use.
_TWO_LETTERS = dict(
    pair.split(":")
    for pair in (
        "afr:af amh:am arb:ar aze:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs ckb:ckb cym:cy dan:da deu:de "
        "ell:el est:et eus:eu ewe:ee fas:fa fij:fj fin:fi fra:fr fuc:ff gle:ga glg:gl guj:gu hau:ha heb:he "
        "hin:hi hrv:hr hun:hu hye:hy ibo:ig ind:id isl:is ita:it jpn:ja kan:kn kat:ka kaz:kk khm:km kin:rw "
        "kir:ky kmr:ku kor:ko lao:lo lav:lv lit:lt ltz:lb mal:ml mar:mr mey:mey mkd:mk mlg:mg mlt:mt mon:mn "
        "mri:mi msa:ms mya:my nde:nd nep:ne nld:nl nno:nn nob:nb nso:nso nya:ny orm:om pan:pa pol:pl por:pt "
        "prs:prs pus:ps ron:ro rus:ru sin:si slk:sk slv:sl smo:sm sna:sn snd:sd som:so spa:es sqi:sq srp:sr "
        "ssw:ss swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tha:th tir:ti ton:to tsn:tn tuk:tk tur:tr "
        "uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi wol:wo xho:xh yor:yo yue:yue zho:zh zul:zu fil:tl"
    ).split()
)


def language_code(code: str) -> str:
    """ISO 639-1 code of a source's code, or the code without its script and region.

    Examples
    --------
    >>> language_code("srp-Cyrl"), language_code("bak")
    ('sr', 'bak')
    """
    base = code.split("-")[0]
    return _TWO_LETTERS.get(base, base)


def news_files(folder: Path) -> list[tuple[str, Path]]:
    """Pairs of code and file of the news lines, in the order of the codes."""
    paths = folder.glob(f"{_PREFIX}*.txt.gz")
    return sorted((path.name.removeprefix(_PREFIX).removesuffix(".txt.gz"), path) for path in paths)
