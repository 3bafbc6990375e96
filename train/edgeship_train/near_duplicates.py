"""Near duplicates: pairs of pictures that are nearly the same, as a re-encoded, resized, brightened or cropped copy is.

Every picture is compared with every other by the correlation of 6×6 grey averages, one matrix product, which leaves few pairs.
Of these, one picture is brightened, shifted and stretched until it fits the other best, and what stays unexplained is held, tile
by tile and in colour, against what there was to explain: another print on the same shirt counts as much as the bed it lies on.

Agreement is weighed as evidence, -ln(unexplained share) × structure: the less there is in a picture, the better it has to fit,
because two straight strokes are alike by chance and two blank walls always are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32  # of a thumbnail: twice the grid, so that a shifted picture can be averaged anew
# Pictures compared at a time with as many others. So small a product OpenBLAS computes in one thread. Its threads wait for each
# other, and where the cores are busy with something else, blocks of 512 took from twice to eight times as long.
BLOCK = 64

# Measured on 3,781 photos of clothes, 300 of them altered, 4,500 pictures of CIFAR-10 and all of MNIST and digits. Where two
# different pictures come closest, they give 3.1 (red T-shirts on one hanger; two zeros of 8×8 pixels). A copy gives more: of
# those re-encoded at quality 60 or cropped by 2 % at each edge, 99 in 100 give 3.5; of those cropped by 3 %, 95 in 100 give 3.6.
_EVIDENCE = 3.2
# What a pair needs to be looked at closely. Of the copies cropped by 3 %, 99 in 100 have 2.6 in the coarse averages, and 1.6 in
# the fine ones before they are aligned. Lower, and MNIST has millions to look at.
_LIKELY = 2.6
_PROMISING = 1.0

_COARSE_GRID = 6
_GRID = 16  # fine enough for the print on a shirt, coarse enough for JPEG's noise to average out
_TILE = 4  # grid cells on each side of a tile: 16 tiles, of which each has its say
_NOISE = 25.0  # levels²; a tile that varies less says little: JPEG at quality 60 alters averages by 1 to 3 levels
_FARTHEST = 1 / 8  # of the side, how far alignment shifts, and how far it stretches each edge: half a tile
_LEAST_UNEXPLAINED = 1e-4  # what rounding to whole levels leaves
_RIDGE = 1e-4  # of unit vectors: keeps a picture without, say, anything across from dividing by zero

_MOST_PARTNERS = 4  # looked at for each picture, the most alike: N frames of one video would be N² pairs
_CROWD = 100_000  # likely pairs in a strip of 64 pictures, from where on the most alike are picked out first
_MOST_COMPARISONS = 5_100_000_000  # 100,000 pictures, each with each: some 20 s
_CHUNK = 512  # pictures or pairs at once: 6 MB of colour thumbnails in float32

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Pair:
    """Two pictures that are nearly the same.

    Attributes:
        first, second: their indices, first < second.
        similarity: share of what is in one picture that the other explains, 0 to 1; 0.96 at the least.
    """

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class NearDuplicates:
    """What was found, and among which pictures.

    Attributes:
        pairs: most similar first. A picture is paired with at most 4 later ones.
        compared: so many of the pictures, from the first, were compared with all the others; the rest only with these.
        plain: pictures with too little in them to be told from others (a blank wall, a dot), which were not compared.
    """

    pairs: tuple[Pair, ...]
    compared: int
    plain: int


def thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Small copies of pictures, all that `find` needs of them; call it on as many at a time as are in memory.

    Args:
        pixels: N×H×W×C, C being 1 or 3.

    Returns:
        N×32×32×C: 1 or 3 kB a picture.
    """
    channels = pixels.shape[-1]
    small = np.empty((len(pixels), SIDE, SIDE, channels), np.uint8)
    for into, picture in zip(small, pixels, strict=True):
        image = Image.fromarray(picture if channels == 3 else picture[..., 0])
        into[:] = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).reshape(into.shape)
    return small


def find(thumbnails: NDArray[np.uint8], groups: NDArray[np.int64]) -> NearDuplicates:
    """Pairs of nearly the same pictures whose groups differ.

    Time grows with N²: 70,000 pictures take some 10 s, 100,000 some 20 s. Above that the later pictures are no longer compared
    with each other, so put first what matters most: the test part, then validation. Pictures that have near duplicates take
    0.5 ms a pair in addition. Not found are mirrored and turned copies, and crops of more than some 5 %.

    Args:
        thumbnails: N×32×32×C, from `thumbnails`.
        groups: N; a number for part and label, say. Pairs within a group are no news and are left out.
    """
    structure = _structure(thumbnails)
    rich = np.flatnonzero(_evidence(np.zeros_like(structure), structure) >= _EVIDENCE)
    done = _affordable(len(rich))
    first, second = rich[_likely(_codes(thumbnails)[rich], _limits(structure[rich]), groups[rich], done)]
    pairs = list(_verified(thumbnails, structure, first, second))
    pairs.sort(key=lambda pair: (-pair.similarity, pair.first, pair.second))
    compared = int(rich[done]) if done < len(rich) else len(thumbnails)
    return NearDuplicates(tuple(pairs), compared, len(thumbnails) - len(rich))


def _evidence(unexplained: Floats, structure: Floats) -> Floats:
    """How much speaks against chance: were tiles to agree independently, its logarithm (up to a factor)."""
    evidence: Floats = -np.log(np.maximum(unexplained, _LEAST_UNEXPLAINED)) * structure
    return evidence


def _limits(structure: Floats) -> Floats:
    """The correlation at which a pair gets likely, solved for from `_evidence`."""
    limits: Floats = 1 - np.exp(-_LIKELY / structure)
    return limits


def _structure(thumbnails: NDArray[np.uint8]) -> Floats:
    """Share of the tiles in which there is something to see, N, 0 to 1: most photos have 0.8 to 1, a handwritten 1 has 0.45."""
    structure = np.empty(len(thumbnails), np.float32)
    for chunk in _chunks(len(thumbnails)):
        structure[chunk] = _weight(_tiles(_averages(thumbnails[chunk].astype(np.float32)))).mean(1)
    return structure


def _codes(thumbnails: NDArray[np.uint8]) -> Floats:
    """Unit vectors, N×36, whose products are the correlations of the coarse averages."""
    codes = np.empty((len(thumbnails), _COARSE_GRID**2), np.float32)
    for chunk in _chunks(len(thumbnails)):
        coarse = _averages(thumbnails[chunk].astype(np.float32), grid=_COARSE_GRID)
        codes[chunk] = coarse.mean(3).reshape(len(coarse), -1)
    codes -= codes.mean(1, keepdims=True)
    codes /= np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)
    return codes


def _affordable(count: int) -> int:
    """How many of so many pictures, from the first, can be compared with all the others: whole blocks, at least one."""
    spent = 0
    for start in range(0, count, BLOCK):
        if spent > _MOST_COMPARISONS:
            return start
        spent += BLOCK * (count - start)
    return count


def _likely(codes: Floats, limits: Floats, groups: NDArray[np.int64], done: int) -> Indices:
    """The pairs to look at, of the first `done` pictures with all: 2×P, first and second."""
    spare = -len(codes) % BLOCK
    codes = np.pad(codes, ((0, spare), (0, 0)))  # nothing correlates with zeros
    limits, groups = np.pad(limits, (0, spare)), np.pad(groups, (0, spare))
    strips = [_strip(codes, limits, groups, start) for start in range(0, done, BLOCK)]
    return np.concatenate([np.empty((2, 0), np.intp), *strips], axis=1)


def _strip(codes: Floats, limits: Floats, groups: NDArray[np.int64], start: int) -> Indices:
    """The pairs to look at, of one block of pictures with those that follow."""
    rows = slice(start, start + BLOCK)
    correlation = codes[rows] @ codes[start:].reshape(-1, BLOCK, codes.shape[1]).swapaxes(1, 2)
    likely = correlation > limits[rows, None]
    if np.count_nonzero(likely) > _CROWD:
        likely &= correlation > limits[start:].reshape(-1, 1, BLOCK)
        likely &= groups[rows, None] != groups[start:].reshape(-1, 1, BLOCK)
        likely[0] = np.triu(likely[0], 1)
        likely &= _best(np.where(likely, correlation, 0))
    block, row, column = np.unravel_index(np.flatnonzero(likely), likely.shape)
    first, second, correlation = start + row, start + block * BLOCK + column, correlation[block, row, column]
    kept = (first < second) & (correlation > limits[second]) & (groups[first] != groups[second])
    first, second, correlation = first[kept], second[kept], correlation[kept]
    order = np.lexsort((second, -correlation, first))
    rank = np.arange(len(order)) - np.searchsorted(first[order], first[order])
    return np.stack([first, second])[:, order[rank < _MOST_PARTNERS]]


def _best(correlation: Floats) -> NDArray[np.bool_]:
    """Of blocks side by side, the most correlated in each row."""
    lines = correlation.swapaxes(0, 1).reshape(BLOCK, -1)
    best = np.zeros(lines.shape, np.bool_)
    columns = np.argpartition(lines, -_MOST_PARTNERS, axis=1)[:, -_MOST_PARTNERS:]
    np.put_along_axis(best, columns, values=True, axis=1)
    return best.reshape(BLOCK, -1, BLOCK).swapaxes(0, 1)


def _verified(thumbnails: NDArray[np.uint8], structure: Floats, first: Indices, second: Indices) -> Iterator[Pair]:
    """The pairs that hold when looked at closely."""
    least = np.minimum(structure[first], structure[second])
    for aligned, needed in ((False, _PROMISING), (True, _EVIDENCE)):
        unexplained = _unexplained(thumbnails, first, second, aligned=aligned)
        holds = _evidence(unexplained, least) >= needed
        first, second, least, unexplained = first[holds], second[holds], least[holds], unexplained[holds]
    for one, other, share in zip(first, second, unexplained, strict=True):
        yield Pair(int(one), int(other), 1 - float(share))


def _unexplained(thumbnails: NDArray[np.uint8], first: Indices, second: Indices, *, aligned: bool) -> Floats:
    """Share of one picture that the other leaves unexplained, the smaller of the two: a crop is in its original, not the reverse."""
    unexplained = np.empty(len(first), np.float32)
    for chunk in _chunks(len(first)):
        a, b = (thumbnails[indices[chunk]].astype(np.float32) for indices in (first, second))
        unexplained[chunk] = np.minimum(_share(a, b, aligned=aligned), _share(b, a, aligned=aligned))
    return unexplained


def _share(source: Floats, target: Floats, *, aligned: bool) -> Floats:
    """Share of the targets' structure that the sources, fitted as they lie or aligned before, do not explain: N, 0 to 1."""
    wanted = _averages(target)
    motion, rest = _fit(_averages(source), wanted)
    if aligned:  # once: aligned again, the altered photos give no more
        _, rest = _fit(_averages(source, np.clip(motion, -_FARTHEST, _FARTHEST)), wanted)
    tiles = _tiles(wanted)
    error = np.square(_tiles(rest)).mean(2) / (tiles.var(2) + _NOISE)
    share: Floats = np.minimum(error, 1).sum(1) / np.maximum(_weight(tiles).sum(1), 1e-6)
    return np.minimum(share, 1)


def _fit(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Brightness, contrast and motion that bring sources closest to their targets, by linear least squares.

    One step of Lucas and Kanade, "An iterative image registration technique" (1981), with contrast as a further unknown.

    Args:
        source: N×16×16×C.
        target: the same.

    Returns:
        Motion, N×4 as in `_averages`, and what remains of the target, N×16×16×C.
    """
    count = len(source)
    down, across = np.gradient(source, 1 / _GRID, axis=(1, 2))
    ramp = _ramp(_GRID)[:, None]
    basis = np.stack([source, down, down * ramp[:, None], across, across * ramp], 1).reshape(count, 5, -1)
    basis -= basis.mean(2, keepdims=True)
    length = np.maximum(np.linalg.norm(basis, axis=2, keepdims=True), 1)
    basis /= length
    wanted = (target - target.mean((1, 2, 3), keepdims=True)).reshape(count, -1, 1)
    turned = basis.transpose(0, 2, 1)
    weights = np.linalg.solve(basis @ turned + _RIDGE * np.eye(5, dtype=np.float32), basis @ wanted)
    gain, motion = np.split((weights / length)[..., 0], [1], axis=1)
    # the gain is near 1 where pictures are alike; elsewhere nothing is to be divided by nothing
    return motion / np.maximum(gain, 0.2), (wanted - turned @ weights).reshape(target.shape)


def _averages(pictures: Floats, motion: Floats | None = None, grid: int = _GRID) -> Floats:
    """Pictures averaged into the cells of a grid, with weights that fall off towards the neighbours' centres.

    Args:
        pictures: N×32×32×C.
        motion: N×4, shares of the side: shift down, stretch down, shift across, stretch across.
        grid: cells on each side.
    """
    motion = np.zeros((1, 4), np.float32) if motion is None else motion
    count, _, _, channels = pictures.shape
    down, across = _cells(motion[:, :2], grid), _cells(motion[:, 2:], grid)
    lines = down @ pictures.reshape(count, SIDE, SIDE * channels)
    columns = lines.reshape(count, grid, SIDE, channels).swapaxes(1, 2).reshape(count, SIDE, grid * channels)
    return (across @ columns).reshape(count, grid, grid, channels).swapaxes(1, 2)


def _cells(motion: Floats, grid: int) -> Floats:
    """Weights of a thumbnail's pixels in the moved cells of one axis: N×grid×32."""
    pixels = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    centres = (np.arange(grid, dtype=np.float32) + 0.5) / grid + motion[:, :1] + motion[:, 1:] * _ramp(grid)
    distance = np.abs(np.clip(centres, pixels[0], pixels[-1])[:, :, None] - pixels)
    weights: Floats = np.maximum(1 - distance * grid, 0)
    weights /= weights.sum(2, keepdims=True)
    return weights


def _ramp(grid: int) -> Floats:
    """-1 to 1 along an axis: how far each cell moves when the edges move by one."""
    return np.linspace(-1, 1, grid, dtype=np.float32)


def _tiles(averages: Floats) -> Floats:
    """N×16×16×C cut into N×16×(4×4×C)."""
    count, side = len(averages), _GRID // _TILE
    cut = averages.reshape(count, side, _TILE, side, _TILE, -1).swapaxes(2, 3)
    return cut.reshape(count, side * side, -1)


def _weight(tiles: Floats) -> Floats:
    """How much there is to see in each tile, N×16: 0 for noise, towards 1 for what stands out of it."""
    variance = tiles.var(2)
    weight: Floats = variance / (variance + _NOISE)
    return weight


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, count, _CHUNK))
