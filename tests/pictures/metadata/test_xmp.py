"""XMP packets: orientation, and references to other contents of the file."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from restorekit.pictures.metadata import xmp

CAMERA = "http://ns.google.com/photos/1.0/camera/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
ITEM = "http://ns.google.com/photos/1.0/container/item/"
HDR = "http://ns.adobe.com/hdr-gain-map/1.0/"
NOTE = "http://ns.adobe.com/xmp/note/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description
 xmlns:GCamera="{CAMERA}" xmlns:hdrgm="{HDR}" xmlns:xmpNote="{NOTE}"
 xmlns:Container="{CONTAINER}" xmlns:Item="{ITEM}" xmlns:dc="http://purl.org/dc/elements/1.1/"
 GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="1234" GCamera:BurstID="b7" hdrgm:Version="1.0"
 xmpNote:HasExtendedXMP="0123" dc:format="image/jpeg">
<GCamera:MotionPhotoVersion>1</GCamera:MotionPhotoVersion>
<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item
 Item:Semantic="MotionPhoto" Item:Length="1234"/></rdf:li></rdf:Seq></Container:Directory>
<dc:title>a motion &amp; a photo</dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def properties(packet: bytes) -> dict[str, str | None]:
    """The properties of a packet, by "{namespace}name", from attributes and elements."""
    root = ElementTree.fromstring(packet)
    (description,) = root.iter(f"{{{RDF}}}Description")
    return {**description.attrib, **{child.tag: child.text for child in description}}


def test_only_references_are_removed() -> None:
    """From attributes and elements; the packet stays valid."""
    packet, changed = xmp.without_claims(PACKET)
    assert changed
    assert packet is not None
    assert properties(packet) == {
        f"{{{CAMERA}}}BurstID": "b7",
        "{http://purl.org/dc/elements/1.1/}format": "image/jpeg",
        "{http://purl.org/dc/elements/1.1/}title": "a motion & a photo",
    }
    assert packet.startswith(b"<?xpacket begin")
    assert b"hdr-gain-map" not in packet
    assert xmp.without_claims(packet) == (packet, False)


def test_true_references_are_kept() -> None:
    """For each of the two kinds."""
    packet, _ = xmp.without_claims(PACKET, attached=False)
    assert packet is not None
    assert f"{{{CAMERA}}}MotionPhoto" in properties(packet)
    assert f"{{{NOTE}}}HasExtendedXMP" not in properties(packet)
    packet, _ = xmp.without_claims(PACKET, extended=False)
    assert packet is not None
    assert f"{{{HDR}}}Version" not in properties(packet)
    assert f"{{{NOTE}}}HasExtendedXMP" in properties(packet)
    assert xmp.without_claims(PACKET, attached=False, extended=False) == (PACKET, False)


@pytest.mark.parametrize("packet", [b"<x:xmpmeta/>", b"no XML at all", b"", PACKET[:40]])
def test_packets_without_references_are_unchanged(packet: bytes) -> None:
    """Also if they cannot be parsed."""
    assert xmp.without_claims(packet) == (packet, False)


@pytest.mark.parametrize(
    "packet", [PACKET[:-60], b"MotionPhoto" + b"<a>" * 20_000, b"<a>MotionPhoto" + b"<a>" * 9_000]
)
def test_an_unparsable_packet_with_references_is_dropped(packet: bytes) -> None:
    """It may refer to data that is not in the new file."""
    assert xmp.without_claims(packet) == (None, True)


def test_orientation_is_replaced() -> None:
    """In both spellings, and nothing else changes."""
    packet = b'<a tiff:Orientation="6" tiff:Make="6"/><tiff:Orientation>8</tiff:Orientation>'
    expected = b'<a tiff:Orientation="1" tiff:Make="6"/><tiff:Orientation>1</tiff:Orientation>'
    assert xmp.turned(packet, 1, is_swapped=False) == expected


def test_width_and_height_change_places() -> None:
    """With the names of EXIF and TIFF; those of other pictures stay."""
    packet = b'<a exif:PixelXDimension="4" exif:PixelYDimension="3" tiff:ImageWidth="4" w="4"/>'
    expected = b'<a exif:PixelYDimension="4" exif:PixelXDimension="3" tiff:ImageLength="4" w="4"/>'
    assert xmp.turned(packet, 1, is_swapped=True) == expected
    assert xmp.turned(expected, 6, is_swapped=True) == packet


def test_a_stated_size_is_replaced() -> None:
    """As attributes and as elements; those of other pictures stay."""
    packet = b"""<a exif:PixelXDimension='4' tiff:ImageWidth = "4" w="4"
    tiff:ImageLength="3"><exif:PixelYDimension>3</exif:PixelYDimension></a>"""
    expected = b"""<a exif:PixelXDimension='800' tiff:ImageWidth = "800" w="4"
    tiff:ImageLength="60"><exif:PixelYDimension>60</exif:PixelYDimension></a>"""
    assert xmp.sized(packet, 800, 60) == expected


def test_elements_with_attributes() -> None:
    """Their values are replaced, and not those of the next element."""
    packet = b"""<tiff:ImageWidth rdf:datatype="a>b" xml:lang='x'>4000</tiff:ImageWidth>
    <tiff:Orientation x:y="1">6</tiff:Orientation><tiff:ImageLength a:b="c"/><a:b c="d">30</a:b>"""
    expected = packet.replace(b">4000<", b">800<")
    assert xmp.sized(packet, 800, 60) == expected
    assert xmp.turned(packet, 1, is_swapped=False) == packet.replace(b">6<", b">1<")
