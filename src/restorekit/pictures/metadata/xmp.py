"""XMP packets: the orientation that they state, and claims about what a file holds besides.

Specifications: https://developer.adobe.com/xmp/docs/XMPSpecifications/ (part 3 for JPEG's extended
packets), https://developer.android.com/media/platform/motion-photo-format and
https://developer.android.com/media/platform/hdr-image-format for what phones write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

# Properties by "{namespace}name": those that say that a video or a gain map follows the picture,
_ATTACHED = re.compile(
    r"\{https?://ns\.(google\.com/photos/1\.0/container|adobe\.com/hdr-gain-map|"
    r"apple\.com/HDRGainMap)/.*|\{.*\}(MotionPhoto|MicroVideo|OLivePhoto|VideoLength)\w*"
)
# and those whose values are in the extended packets of a JPEG.
_EXTENDED = re.compile(
    r"\{https?://ns\.google\.com/photos/1\.0/(image|depthmap|audio)/.*|\{.*\}HasExtendedXMP"
)
# What is in every packet with such a property. Others, which are most, are not parsed.
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


def turned(packet: bytes, orientation: int, is_swapped: bool) -> bytes:
    """A packet with another orientation, where it states one.

    Args:
        packet: an XMP packet.
        orientation: from 1 to 8.
        is_swapped: whether width and height change places.
    """
    stated = rb"(tiff:Orientation(?:\s*=\s*[\"']|>))[1-8]"
    packet = re.sub(stated, rb"\g<1>%d" % orientation, packet)
    if not is_swapped:
        return packet
    return re.sub(rb"(?<=:)(?:%s)\b" % b"|".join(_SIDES), lambda name: _SIDES[name[0]], packet)


def without_claims(
    packet: bytes, *, attached: bool = True, extended: bool = True
) -> tuple[bytes | None, bool]:
    """A packet that does not claim what its file does not hold.

    Args:
        packet: an XMP packet.
        attached: whether claims of a video or a gain map are removed.
        extended: whether claims of extended packets are removed.

    Returns:
        The packet, as it is where it makes no such claim, or None where it may and cannot be
        parsed; and whether anything was removed.
    """
    if not _MENTIONED.search(packet):
        return packet, False
    kinds = [kind for kind, asked in ((_ATTACHED, attached), (_EXTENDED, extended)) if asked]
    try:
        document = minidom.parseString(packet.strip(b"\x00"))
        claims = [node for node in _nodes(document) if any(k.fullmatch(_name(node)) for k in kinds)]
        if not claims:
            return packet, False
        for node in claims:
            _remove(node)
        return "".join(node.toxml() for node in document.childNodes).encode(), True
    except (ExpatError, ValueError, LookupError, RecursionError):
        return None, True


def _nodes(parent: Any) -> Iterator[Any]:
    """All elements and attributes."""
    for element in parent.childNodes:
        if element.nodeType == element.ELEMENT_NODE:
            yield element
            yield from element.attributes.values()
            yield from _nodes(element)


def _name(node: Any) -> str:
    """ "{namespace}name", or of a declaration the "{namespace}" that it declares."""
    if node.namespaceURI == _DECLARATION:
        return f"{{{node.value}}}"
    return f"{{{node.namespaceURI}}}{node.localName}"


def _remove(node: Any) -> None:
    if node.nodeType == node.ATTRIBUTE_NODE:
        node.ownerElement.removeAttributeNode(node)
    else:
        node.parentNode.removeChild(node)
