"""Nearest training images: does a model generate, or copy?

A copy is at distance zero from a training image, or far nearer to one than
a held-out real image is. So the distances of generated images to their
nearest training images are compared with those of held-out images, in pixels
and in features.
"""

import numpy as np

# Rows of the distance matrix at a time; 60,000 columns of float32 are 48 MB.
ROWS = 200


def nearest(queries, points, count=1):
    """Returns the nearest points of each query.

    Args:
        queries: Array `(n, ...)` of uint8 or floats.
        points: Array `(m, ...)`, of at least `count` points with as many
            numbers each.
        count: int. How many for each query. Defaults to `1`.

    Returns:
        Pair of an int64 array `(n, count)` of positions in `points`, nearest
        first, and a float64 array `(n, count)` of Euclidean distances.

    Raises:
        ValueError: If there are fewer points than `count`, or lengths differ.
    """
    queries = np.reshape(queries, (len(queries), -1)).astype("float32")
    points = np.reshape(points, (len(points), -1)).astype("float32")
    if queries.shape[1] != points.shape[1] or not 1 <= count <= len(points):
        raise ValueError(
            "Queries and points must be as long, and there must be at least "
            f"`count` points. Received: shapes {queries.shape} and "
            f"{points.shape}, count={count}"
        )
    # Distances stay the same, and keep more digits.
    center = points.mean(axis=0)
    queries, points = queries - center, points - center
    squares = np.square(points).sum(axis=1)
    found = []
    for start in range(0, len(queries), ROWS):
        rows = queries[start : start + ROWS]
        # Without the squared norm of the query, which changes no order.
        order = squares - 2.0 * rows @ points.T
        few = np.argpartition(order, count - 1, axis=1)[:, :count]
        # Again and exactly, for these few: a copy is at distance zero.
        apart = rows[:, None].astype("float64") - points[few]
        exact = np.sqrt(np.square(apart).sum(axis=2))
        by_distance = np.argsort(exact, axis=1, kind="stable")
        found.append(
            (
                np.take_along_axis(few, by_distance, axis=1),
                np.take_along_axis(exact, by_distance, axis=1),
            )
        )
    indices, distances = zip(*found, strict=True)
    return np.concatenate(indices), np.concatenate(distances)


def compare(distances, held_out_distances):
    """Compares the distances of samples and of held-out images.

    Args:
        distances: Float array `(n,)`, of each sample to its nearest training
            image.
        held_out_distances: Float array `(m,)`, the same of real images that
            were not trained on.

    Returns:
        dict of floats: `median` and `smallest` distance of samples,
        `held_out_median` and `held_out_smallest`, and two shares of the
        samples: `nearer_than_median` and `nearer_than_any` of the held-out
        images. A model of the data's distribution has about half of its
        samples nearer than the median; one that copies has many nearer than
        any.
    """
    distances = np.asarray(distances, "float64")
    held_out = np.asarray(held_out_distances, "float64")
    median, smallest = np.median(held_out), held_out.min()
    return {
        "median": float(np.median(distances)),
        "smallest": float(distances.min()),
        "held_out_median": float(median),
        "held_out_smallest": float(smallest),
        "nearer_than_median": float(np.mean(distances < median)),
        "nearer_than_any": float(np.mean(distances < smallest)),
    }
