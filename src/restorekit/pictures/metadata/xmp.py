"""XMP packets: their orientation, and references to other contents of the file.

Specifications: https://developer.adobe.com/xmp/docs/XMPSpecifications/ (part 3 for JPEG's extended
packets), https://developer.android.com/media/platform/motion-photo-format and
https://developer.android.com/media/platform/hdr-image-format for the packets of phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

# Properties, as "{namespace}name", that refer to a video or gain map after the picture.
_ATTACHED = re.compile(
    r"\{https?://ns\.(google\.com/photos/1\.0/container|adobe\.com/hdr-gain-map|"
    r"apple\.com/HDRGainMap)/.*|\{.*\}(MotionPhoto|MicroVideo|OLivePhoto|VideoLength)\w*"
)
# Properties whose values are in the extended packets of a JPEG.
_EXTENDED = re.compile(
    r"\{https?://ns\.google\.com/photos/1\.0/(image|depthmap|audio)/.*|\{.*\}HasExtendedXMP"
)
# Text in every packet with such a property. All others, which are most, need not be parsed.
_MENTIONED = re.compile(
    rb"MotionPhoto|MicroVideo|OLivePhoto|VideoLength|HasExtendedXMP|/1\.0/container/|"
    rb"hdr-gain-map|HDRGainMap|/photos/1\.0/(image|depthmap|audio)/"
)
_DECLARATION = "http://www.w3.org/2000/xmlns/"
_SIDES = {
    b"PixelXDimension": b"PixelYDimension",
    b"PixelYDimension": b"PixelXDimension",
    b"ImageWidth": b"ImageLength",
    b"ImageLength": b"ImageWidth",
}
_WIDTHS, _HEIGHTS = (b"PixelXDimension", b"ImageWidth"), (b"PixelYDimension", b"ImageLength")

# What is between the name of a property and its value, as an attribute or as an element.
_BEFORE_VALUE = rb"(?:\s*=\s*[\"']|(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*>)\s*"


def turned(packet: bytes, orientation: int, is_swapped: bool) -> bytes:
    """Replace the orientation in a packet, if it has one.

    Args:
        packet: an XMP packet.
        orientation: from 1 to 8.
        is_swapped: whether width and height are exchanged.
    """
    # A digit is replaced by a digit, so the length stays.
    stated = rb"(tiff:Orientation%s)[1-8]" % _BEFORE_VALUE
    packet = re.sub(stated, rb"\g<1>%d" % orientation, packet)
    if not is_swapped:
        return packet
    return re.sub(rb"(?<=:)(?:%s)\b" % b"|".join(_SIDES), lambda name: _SIDES[name[0]], packet)


def sized(packet: bytes, width: int, height: int) -> bytes:
    """Replace the size of the picture in a packet, where it is stated.

    Only the properties of Exif and TIFF are. Others that are stated in pixels stay, such as the
    size to which regions of faces refer (`stDim`) and the crop of a panorama (`GPano`).
    """
    for names, value in ((_WIDTHS, width), (_HEIGHTS, height)):
        stated = rb"(:(?:%s)%s)\d+" % (b"|".join(names), _BEFORE_VALUE)
        packet = re.sub(stated, rb"\g<1>%d" % value, packet)
    return packet


def without_claims(
    packet: bytes, *, attached: bool = True, extended: bool = True
) -> tuple[bytes | None, bool]:
    """Remove references to contents that the file will not have.

    Viewers would otherwise look for a video or a gain map that does not exist.

    Args:
        packet: an XMP packet.
        attached: whether to remove references to a video or a gain map.
        extended: whether to remove references to extended packets.

    Returns:
        The packet, unchanged if it has no such references, or None if it may have some but cannot
        be parsed; and whether anything was removed.
    """
    if not _MENTIONED.search(packet):
        return packet, False
    kinds = [kind for kind, asked in ((_ATTACHED, attached), (_EXTENDED, extended)) if asked]
    try:
        # Some programs pad packets with zero bytes, which XML does not allow.
        document = minidom.parseString(packet.strip(b"\x00"))
        claims = [node for node in _nodes(document) if any(k.fullmatch(_name(node)) for k in kinds)]
        if not claims:
            return packet, False
        for node in claims:
            _remove(node)
        return "".join(node.toxml() for node in document.childNodes).encode(), True
    # LookupError is an unknown encoding. Nothing is kept of a packet that may make false claims.
    except (ExpatError, ValueError, LookupError, RecursionError):
        return None, True


def _nodes(parent: Any) -> Iterator[Any]:
    """All elements and attributes below a node."""
    for element in parent.childNodes:
        if element.nodeType == element.ELEMENT_NODE:
            yield element
            yield from element.attributes.values()
            yield from _nodes(element)


def _name(node: Any) -> str:
    """The name as "{namespace}name"; for a declaration, "{namespace}" that it declares."""
    if node.namespaceURI == _DECLARATION:
        return f"{{{node.value}}}"
    return f"{{{node.namespaceURI}}}{node.localName}"


def _remove(node: Any) -> None:
    if node.nodeType == node.ATTRIBUTE_NODE:
        node.ownerElement.removeAttributeNode(node)
    else:
        node.parentNode.removeChild(node)
