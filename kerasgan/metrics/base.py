"""What the streaming metrics share: features in, names, replicas, subsets."""

import keras
import tensorflow as tf

INCEPTION = "inception_2015"


def metric_name(prefix, inception_name, features):
    """Returns the name under which a score over features may be printed.

    Args:
        prefix: str. Of the name on other features, such as `"fd"`.
        inception_name: str. The name that belongs to the 2015 Inception
            network alone, such as `"fid"`.
        features: `FeatureNetwork`.
    """
    if features.name == INCEPTION:
        return inception_name
    return f"{prefix}_{features.name}"


class FeatureMetric(keras.metrics.Metric):
    """A score over the features of real and generated pictures.

    A subclass says how it counts features in `update_features`, so that
    several scores can share one pass through the network.

    Args:
        features: `FeatureNetwork`.
        name: str or None. Defaults to what `metric_name` gives.
    """

    prefix = None
    inception_name = None

    def __init__(self, features, name=None):
        name = name or metric_name(self.prefix, self.inception_name, features)
        super().__init__(name=name)
        self.features = features

    def update_state(self, real_images=None, fake_images=None):
        """Adds pictures to either side.

        Args:
            real_images: uint8 tensor `(batch, height, width, channels)` or
                None.
            fake_images: Like `real_images`; the counts may differ.
        """
        self.update_features(
            None if real_images is None else self.features(real_images),
            None if fake_images is None else self.features(fake_images),
        )


def gather(values):
    """Returns the values of all replicas, in the order of the replicas.

    What the first replica and the second one saw is the first and the second
    part of the global batch, so a metric that looks at the order of pictures
    gives the same value on one replica and on many.

    Args:
        values: Tensor `(batch, ...)` of this replica.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_gather(values, axis=0)
