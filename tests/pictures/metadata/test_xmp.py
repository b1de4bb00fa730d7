"""XMP packets: orientation, and claims about what a file holds besides."""

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
    """The properties of a packet's description, by "{namespace}name", whichever way written."""
    root = ElementTree.fromstring(packet)
    (description,) = root.iter(f"{{{RDF}}}Description")
    return {**description.attrib, **{child.tag: child.text for child in description}}


def test_claims_are_removed_and_all_else_stays() -> None:
    """As attributes and as elements; the packet is one as before."""
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


def test_claims_that_are_true_stay() -> None:
    """Of the two kinds, each by itself."""
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
def test_packets_without_claims_are_not_touched(packet: bytes) -> None:
    """Not even where they cannot be parsed."""
    assert xmp.without_claims(packet) == (packet, False)


@pytest.mark.parametrize(
    "packet", [PACKET[:-60], b"MotionPhoto" + b"<a>" * 20_000, b"<a>MotionPhoto" + b"<a>" * 9_000]
)
def test_claims_that_cannot_be_removed_cost_the_packet(packet: bytes) -> None:
    """A packet that cannot be parsed is not passed on with what it may claim."""
    assert xmp.without_claims(packet) == (None, True)


def test_orientation_is_replaced() -> None:
    """Both ways to write the orientation become another, and nothing else changes."""
    packet = b'<a tiff:Orientation="6" tiff:Make="6"/><tiff:Orientation>8</tiff:Orientation>'
    expected = b'<a tiff:Orientation="1" tiff:Make="6"/><tiff:Orientation>1</tiff:Orientation>'
    assert xmp.turned(packet, 1, is_swapped=False) == expected


def test_width_and_height_change_places() -> None:
    """In EXIF's and TIFF's names for them; those of other pictures stay."""
    packet = b'<a exif:PixelXDimension="4" exif:PixelYDimension="3" tiff:ImageWidth="4" w="4"/>'
    expected = b'<a exif:PixelYDimension="4" exif:PixelXDimension="3" tiff:ImageLength="4" w="4"/>'
    assert xmp.turned(packet, 1, is_swapped=True) == expected
    assert xmp.turned(expected, 6, is_swapped=True) == packet
