"""Models whose latents have codes: categories and values with a meaning."""

import numpy as np
import tensorflow as tf

from kerasgan import checks, random
from kerasgan.models.sampling import LatentGAN


class CodeGAN(LatentGAN):
    """Base class of the models that map latents and codes to images.

    Args:
        categorical: Sequence of ints of at least 2. Number of categories of
            each categorical code.
        continuous: int. Number of continuous codes.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Call arguments:
        inputs: Pair of float tensors: latents `(batch, latent_dim)`, and
            codes `(batch, code_dim)`; see `encode`.

    Raises:
        ValueError: If a code has fewer than two categories, or there is no
            code.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels.
    """

    def __init__(self, categorical, continuous, **kwargs):
        checks.count(continuous=continuous)
        check_codes(categorical, continuous)
        self.categorical = tuple(categorical)
        self.continuous = continuous
        super().__init__(**kwargs)

    @property
    def code_dim(self):
        """Length of the codes as the networks take them."""
        return sum(self.categorical) + self.continuous

    @property
    def condition_spec(self):
        return tf.TensorSpec((None, self.code_dim), "float32", "codes")

    def split_batch(self, batch):
        return batch, self.sample_codes(tf.shape(batch)[0])

    def sample_codes(self, batch_size):
        """Samples codes `(batch_size, code_dim)`, all equally probable."""
        count = len(self.categorical) + self.continuous
        return self._codes(
            random.uniform(self.seed_generator, (batch_size, count))
        )

    def sample_condition(self, seed, count):
        shape = (count, len(self.categorical) + self.continuous)
        # Stream 1 of the seed: the latents have stream 0.
        return self._codes(
            tf.random.stateless_uniform(shape, (seed, 1), alg="philox")
        )

    def _codes(self, uniform):
        """Returns codes from numbers uniform in [0, 1), one for each code."""
        number = len(self.categorical)
        categories = [
            tf.one_hot(tf.cast(size * uniform[:, i], "int32"), size)
            for i, size in enumerate(self.categorical)
        ]
        return tf.concat([*categories, 2.0 * uniform[:, number:] - 1.0], 1)

    def encode(self, categorical=None, continuous=None, seed=None):
        """Returns codes as the networks take them: one-hot, then continuous.

        Args:
            categorical: Integer array `(n, codes)`, from 0; `(n,)` if there
                is one categorical code. Defaults to random ones.
            continuous: Float array `(n, codes)`; `(n,)` if there is one
                continuous code. Between -1 and 1 in training; larger values
                exaggerate. Defaults to random ones.
            seed: int or `None`. Of the random ones. Defaults to a random
                seed.

        Returns:
            float32 array `(n, code_dim)`.

        Raises:
            ValueError: If no codes are given, or they do not fit the model.
        """
        given = {"categorical": categorical, "continuous": continuous}
        sizes = len(self.categorical), self.continuous
        found = {
            name: _columns(name, values, size)
            for (name, values), size in zip(given.items(), sizes, strict=True)
            if values is not None
        }
        counts = {name: len(values) for name, values in found.items()}
        if len(set(counts.values())) != 1:
            raise ValueError(
                "Categorical or continuous codes must be given, with as many "
                f"rows of each. Received: rows {counts or None}"
            )
        (count,) = set(counts.values())
        codes = self.sample_condition(checks.as_seed(seed), count).numpy()
        if "categorical" in found:
            self._check_categories(found["categorical"])
            pairs = zip(found["categorical"].T, self.categorical, strict=True)
            one_hot = [np.eye(size)[numbers] for numbers, size in pairs]
            codes[:, : sum(self.categorical)] = np.concatenate(one_hot, 1)
        if "continuous" in found:
            codes[:, sum(self.categorical) :] = found["continuous"]
        return codes

    def _check_categories(self, numbers):
        known = (numbers >= 0) & (numbers < np.array(self.categorical))
        if numbers.dtype.kind not in "iu" or not known.all():
            raise ValueError(
                "Categories must be integers from 0, less than "
                f"{self.categorical}. Received: categorical={numbers.tolist()}"
            )

    # Sampling and exporting

    def generate(
        self, n=None, codes=None, seed=None, batch_size=64, truncation=None
    ):
        """Generates images of given or of random codes.

        Args:
            n: int. Number of images of random codes. Give either this or
                `codes`.
            codes: dict with `"categorical"`, `"continuous"` or both, as
                `encode` takes them; or what it returns. A kind of code that
                is not given is random.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images; both to rounding, which may
                change single values by one grey level. Defaults to a random
                seed.
            batch_size: int. How many to generate at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi, of the noise alone.
                Defaults to `None`, no truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument is invalid, or codes do not fit the
                model.

        Example:
        ```python
        gan.generate(codes={"categorical": [3, 3, 7]}, seed=0)
        gan.generate(codes={"continuous": [[0.0, -1.0], [0.0, 1.0]]}, seed=0)
        ```
        """
        if (n is None) == (codes is None):
            raise ValueError(
                "`generate` takes either `n`, for images of random codes, or "
                "`codes`, with a row for each image. "
                f"Received: n={n!r}, codes={codes!r}"
            )
        if codes is not None:
            seed = checks.as_seed(seed)
            codes = tf.constant(self._given_codes(codes, seed), "float32")
        return self.generate_images(n, codes, seed, batch_size, truncation)

    def _given_codes(self, codes, seed):
        if not isinstance(codes, dict):
            codes = np.asarray(codes)
            if codes.ndim != 2 or codes.shape[1] != self.code_dim:
                raise ValueError(
                    "`codes` must be a dict, or an array from `encode`, "
                    f"(n, {self.code_dim}). Received: shape={codes.shape}"
                )
            return codes
        unknown = set(codes) - {"categorical", "continuous"}
        if unknown:
            raise ValueError(
                '`codes` has the keys "categorical" and "continuous". '
                f"Received: {sorted(map(str, codes))}"
            )
        return self.encode(**codes, seed=seed)

    def sweep(self, code, columns=10, rows=8, seed=None):
        """Generates images that differ in one code, for a figure of rows.

        Along a row only this code changes; each row has its own noise and
        other codes. `data.grid(images, columns)` is the figure.

        Args:
            code: int. Number of the code: first the categorical ones, then
                the continuous ones.
            columns: int. Images of a row for a continuous code, whose values
                go from -2 to 2, as in figure 2 of the paper. A categorical
                one has a column for each category. Defaults to `10`.
            rows: int. Defaults to `8`.
            seed: int or `None`. Defaults to a random seed.

        Returns:
            uint8 array `(rows * columns, height, width, channels)`, row by
            row.

        Raises:
            ValueError: If there is no such code.
        """
        number = len(self.categorical)
        checks.one_of(range(number + self.continuous), code=code)
        checks.positive(columns=columns, rows=rows)
        seed = checks.as_seed(seed)
        if code < number:
            start = sum(self.categorical[:code])
            values = np.eye(self.categorical[code], dtype="float32")
        else:
            start = sum(self.categorical) + code - number
            values = np.linspace(-2, 2, columns, dtype="float32")[:, None]
        count = len(values)
        codes = self.sample_condition(seed, rows).numpy().repeat(count, 0)
        codes[:, start : start + values.shape[1]] = np.tile(values, (rows, 1))
        latents = tf.repeat(self.seeded_latents(seed, rows), count, 0)
        return self.run_in_batches((latents, tf.constant(codes)), 64)

    def signatures(self):
        def sample_any(seed, count):
            codes = self.sample_condition(seed, count)
            outputs = self.served(self.seeded_latents(seed, count), codes)
            return {**outputs, "codes": codes}

        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        return {
            **super().signatures(),
            "sample_any": (sample_any, [seed, count]),
        }


def check_codes(categorical, continuous):
    """Refuses numbers of categories and codes that are none.

    Args:
        categorical: Sequence of ints.
        continuous: int.

    Raises:
        ValueError: If a code has fewer than two categories, or there is no
            code.
    """
    if not all(checks.is_whole(size) and size > 1 for size in categorical):
        raise ValueError(
            "Each of `categorical` must be a number of categories, at least "
            f"2. Received: categorical={categorical!r}"
        )
    if not categorical and not continuous:
        raise ValueError(
            "There must be at least one code. "
            f"Received: categorical={categorical!r}, continuous={continuous!r}"
        )


def _columns(name, values, size):
    """Returns the codes of one kind as `(n, size)`."""
    values = np.asarray(values)
    if values.ndim == 1 and size == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] != size or not values.size:
        raise ValueError(
            f"`{name}` must hold {size} code(s) for each image, (n, {size}). "
            f"Received: shape={values.shape}"
        )
    return values
