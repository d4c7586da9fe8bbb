"""Color regression: a baseline that translates each pixel on its own.

For image-to-image models. It sees no shapes, so whatever a model does better
it has learned from the surroundings of a pixel.
"""

import itertools

import numpy as np

DEGREE = 3
# Rows of pixels at a time: 20 float64 numbers each.
PIXELS = 1 << 20


class ColorRegression:
    """Each output color as a cubic polynomial of the input color.

    Args:
        coefficients: Float64 array `(20, channels)`.

    Call arguments:
        images: uint8 array `(count, height, width, channels)`.

    Returns:
        uint8 array of the same shape.

    Example:
    ```python
    recolor = ColorRegression.fit(train["input"], train["target"])
    images = recolor(test["input"])
    ```
    """

    def __init__(self, coefficients):
        self.coefficients = coefficients

    @classmethod
    def fit(cls, inputs, targets):
        """Fits the coefficients by least squares over all pixels of the pairs.

        Args:
            inputs: uint8 array `(pairs, height, width, channels)`.
            targets: uint8 array of the same height and width.

        Returns:
            A `ColorRegression`.

        Raises:
            ValueError: If the two differ in number, height or width.
        """
        if inputs.shape[:3] != targets.shape[:3]:
            raise ValueError(
                "Pairs must have the same height and width. Received: shapes "
                f"{inputs.shape} and {targets.shape}"
            )
        colors = inputs.reshape(-1, inputs.shape[-1])
        target_colors = targets.reshape(-1, targets.shape[-1])
        squares, products = 0.0, 0.0
        for start in range(0, len(colors), PIXELS):
            terms = _terms(colors[start : start + PIXELS])
            squares += terms.T @ terms
            products += terms.T @ target_colors[start : start + PIXELS]
        # Grey inputs make terms equal: then the solution of least norm.
        return cls(np.linalg.lstsq(squares, products, rcond=1e-12)[0])

    def __call__(self, images):
        colors = images.reshape(-1, images.shape[-1])
        parts = [
            _terms(colors[start : start + PIXELS]) @ self.coefficients
            for start in range(0, len(colors), PIXELS)
        ]
        result = np.clip(np.rint(np.concatenate(parts)), 0, 255)
        return result.astype("uint8").reshape(*images.shape[:3], -1)


def _terms(colors):
    """Returns all monomials of the channels up to degree three."""
    colors = colors / 127.5 - 1.0
    columns = [np.ones(len(colors))]
    for degree in range(1, DEGREE + 1):
        for chosen in itertools.combinations_with_replacement(
            range(colors.shape[1]), degree
        ):
            columns.append(np.prod(colors[:, chosen], axis=1))
    return np.stack(columns, axis=1)
