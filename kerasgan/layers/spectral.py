"""Spectral normalization: kernels divided by their largest singular value.

With a kernel as a matrix W of one row for each output, one step of the power
iteration in each call estimates that singular value, sigma (Miyato et al.,
2018, algorithm 1):

    v = W^T u / |W^T u|,    u = W v / |W v|,    sigma = u^T W v

u is saved with the weights. In training a call keeps the new u; at inference
it does not, so that outputs depend on the inputs alone.

u and v are constants to the gradient, but sigma is not: it is differentiated
as a function of W (section 2.2). A layer then does not depend on the length of
its kernel, and the gradient is orthogonal to the kernel. The layer of this name
in Keras differs: it overwrites the kernel with W / sigma in each training call,
and its gradient is without sigma.
"""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks


class SpectralLayer(layers.Layer):
    """Base of the layers whose kernel is spectrally normalized.

    Args:
        use_bias: bool. Defaults to `True`.
        kernel_initializer: A Keras initializer, its name or its config.
            Defaults to `"glorot_uniform"`.
        epsilon: float. The smallest norm to divide by in the power iteration.
            Defaults to `1e-12`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.
    """

    # Of the normalized weight.
    kernel_name = "kernel"

    def __init__(
        self,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        epsilon=1e-12,
        **kwargs,
    ):
        checks.weight(epsilon=epsilon)
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.epsilon = epsilon

    def add_kernel(self, shape, outputs):
        """Creates `kernel` and `u`, and the bias if there is one.

        Args:
            shape: Tuple of ints.
            outputs: int. Number of outputs, the rows of the matrix.
        """
        self.kernel = self.add_weight(
            name=self.kernel_name,
            shape=shape,
            initializer=self.kernel_initializer,
            # The singular value is that of the float32 weights.
            autocast=False,
        )
        # The same on all replicas, each of which computes its own.
        self.u = keras.Variable(
            keras.initializers.RandomNormal(stddev=1.0),
            shape=(outputs,),
            dtype=self.variable_dtype,
            trainable=False,
            autocast=False,
            synchronization="on_read",
            aggregation="only_first_replica",
            name="u",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(outputs,), initializer="zeros"
            )

    def as_matrix(self, kernel):
        """Returns a kernel as a matrix with one column for each output."""
        return tf.reshape(kernel, (-1, kernel.shape[-1]))

    def normalized_kernel(self, training):
        """Returns the kernel divided by its largest singular value.

        Args:
            training: bool or `None`. Whether to keep the new u.

        Returns:
            Float tensor like the kernel, in the compute dtype.
        """
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = self.as_matrix(kernel)
        fixed = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        v = self.unit(tf.linalg.matvec(fixed, u))
        u = self.unit(tf.linalg.matvec(fixed, v, transpose_a=True))
        if training and self.trainable:
            self.u.assign(u)
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)
        return tf.cast(kernel / sigma, self.compute_dtype)

    def unit(self, vector):
        """Returns a vector divided by its norm."""
        return vector / tf.maximum(tf.norm(vector), self.epsilon)

    def add_bias(self, outputs):
        """Adds the bias to outputs `(..., outputs)`, if there is one."""
        return outputs + self.bias if self.use_bias else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralDense(SpectralLayer):
    """Dense layer with spectral normalization.

    Args:
        units: int. Length of the output.
        **kwargs: See `SpectralLayer`: `use_bias`, `kernel_initializer`,
            `epsilon`; and `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, features)`.
        training: bool. Whether to keep the step of the power iteration.

    Returns:
        Float tensor `(batch, units)`.

    Raises:
        ValueError: If `units` is not positive.

    Example:
    ```python
    scores = SpectralDense(1)(features)
    ```

    Reference:
        [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), section 2.1
        and algorithm 1
    """

    def __init__(self, units, **kwargs):
        checks.positive(units=units)
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.add_kernel((input_shape[-1], self.units), self.units)

    def call(self, inputs, training=None):
        kernel = self.normalized_kernel(training)
        return self.add_bias(tf.matmul(inputs, kernel))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralConv2D(SpectralLayer):
    """Convolution with spectral normalization and zero padding.

    The matrix of a kernel has a row for each output channel, not the singular
    values of the convolution as a linear map of images.

    Args:
        filters: int. Feature maps of the output.
        kernel_size: int. Side of the kernel. Defaults to `3`.
        strides: int. Defaults to `1`.
        **kwargs: See `SpectralDense`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
        training: See `SpectralDense`.

    Returns:
        Float tensor `(batch, height / strides, width / strides, filters)`.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        See `SpectralDense`.
    """

    def __init__(self, filters, kernel_size=3, strides=1, **kwargs):
        checks.positive(
            filters=filters, kernel_size=kernel_size, strides=strides
        )
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        side, channels = self.kernel_size, input_shape[-1]
        self.add_kernel((side, side, channels, self.filters), self.filters)

    def call(self, inputs, training=None):
        kernel = self.normalized_kernel(training)
        outputs = tf.nn.conv2d(inputs, kernel, self.strides, "SAME")
        return self.add_bias(outputs)

    def compute_output_shape(self, input_shape):
        sides = [-(-side // self.strides) for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralConv2DTranspose(SpectralConv2D):
    """Transposed convolution with spectral normalization.

    Its kernel has the output channels before the input channels.

    Args:
        filters: int. Feature maps of the output.
        kernel_size: int. Side of the kernel. Defaults to `4`.
        strides: int. Ratio of the sizes. Defaults to `2`.
        **kwargs: See `SpectralDense`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
        training: See `SpectralDense`.

    Returns:
        Float tensor `(batch, strides * height, strides * width, filters)`.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        See `SpectralDense`.
    """

    def __init__(self, filters, kernel_size=4, strides=2, **kwargs):
        super().__init__(filters, kernel_size, strides, **kwargs)

    def build(self, input_shape):
        side, channels = self.kernel_size, input_shape[-1]
        self.add_kernel((side, side, self.filters, channels), self.filters)

    def as_matrix(self, kernel):
        return super().as_matrix(tf.transpose(kernel, (0, 1, 3, 2)))

    def call(self, inputs, training=None):
        kernel = self.normalized_kernel(training)
        shape = self.compute_output_shape(inputs.shape)
        shape = (tf.shape(inputs)[0], *shape[1:])
        outputs = tf.nn.conv2d_transpose(
            inputs, kernel, shape, self.strides, "SAME"
        )
        return self.add_bias(outputs)

    def compute_output_shape(self, input_shape):
        sides = [side * self.strides for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectralEmbedding(SpectralLayer):
    """Embedding with spectral normalization of the whole table.

    The rows of the matrix are those of the table, so that u has one number for
    each class, as in the authors' code.

    Args:
        input_dim: int. Number of rows of the table.
        output_dim: int. Length of a row.
        **kwargs: See `SpectralDense`, but for `use_bias`.

    Call arguments:
        inputs: Integer tensor `(batch,)`, from 0 to `input_dim - 1`.
        training: See `SpectralDense`.

    Returns:
        Float tensor `(batch, output_dim)`.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        [Miyato and Koyama, 2018](https://arxiv.org/abs/1802.05637), section 3
    """

    kernel_name = "embeddings"

    def __init__(self, input_dim, output_dim, **kwargs):
        checks.positive(input_dim=input_dim, output_dim=output_dim)
        super().__init__(**{**kwargs, "use_bias": False})
        self.input_dim = input_dim
        self.output_dim = output_dim

    def build(self, input_shape):
        self.add_kernel((self.input_dim, self.output_dim), self.input_dim)

    def as_matrix(self, kernel):
        return tf.transpose(kernel)

    def call(self, inputs, training=None):
        return tf.gather(self.normalized_kernel(training), inputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs, training=None):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
        }
