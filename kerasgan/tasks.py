"""What each task takes and gives: the one table of tasks.

Cards, the command line, measuring, publishing, callbacks and serving read it.
Nothing here imports TensorFlow.
"""

import dataclasses
import pathlib
import types


@dataclasses.dataclass(frozen=True)
class Task:
    """One kind of generative model.

    Attributes:
        name: str. As on cards and in `GAN.task`.
        method: str. What users call: `"generate"` or `"translate"`.
        condition: str or `None`. Keyword of `generate` for what is requested
            besides the number of samples: `"labels"` or `"captions"`.
        feature: str or `None`. Name of the data set's feature that holds the
            condition.
        options: Tuple of str. The options of `kerasgan generate` that apply.
        output: str. What comes out: `"images"`, `"text"` or `"points"`.
        shape: str. The field of a card that gives the shape of one sample.
        usage: str. The lines of a card that show how to call the model, with
            the fields `caption`, `size` and `channels`.
        samples: str. File of a published folder that shows samples.
        pipeline: str or `None`. The task's name on the Hugging Face Hub, which
            has none for every task, nor one for classes.
        suffix: str. Of files of samples: `".png"` or `".txt"`.
    """

    name: str
    method: str
    condition: str | None
    feature: str | None
    options: tuple
    output: str
    shape: str
    usage: str
    samples: str
    pipeline: str | None = None

    @property
    def suffix(self):
        return pathlib.PurePath(self.samples).suffix


_IMAGES = {
    "output": "images",
    "shape": "image_shape",
    "samples": "samples.png",
}
# Nothing is "unconditional" about a class, but the Hub has no other name.
_WITHOUT_TEXT = "unconditional-image-generation"

TASKS = types.MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                name="image",
                method="generate",
                condition=None,
                feature=None,
                options=("n", "truncation"),
                usage="images = gan.generate(16, seed=0)",
                pipeline=_WITHOUT_TEXT,
                **_IMAGES,
            ),
            Task(
                name="class-to-image",
                method="generate",
                condition="labels",
                feature="label",
                options=("n", "labels", "truncation"),
                usage="images = gan.generate(16, seed=0)",
                pipeline=_WITHOUT_TEXT,
                **_IMAGES,
            ),
            Task(
                name="text-to-image",
                method="generate",
                condition="captions",
                feature="caption",
                options=("captions", "truncation"),
                usage=(
                    'captions = ["{caption}"]\n'
                    "images = gan.generate(captions=captions, seed=0)"
                ),
                pipeline="text-to-image",
                **_IMAGES,
            ),
            Task(
                name="image-to-image",
                method="translate",
                condition=None,
                feature=None,
                options=(),
                usage=(
                    'image = folder.decode("input.png", size={size}, '
                    "channels={channels})\n"
                    "images = gan.translate(image[None])"
                ),
                pipeline="image-to-image",
                **_IMAGES,
            ),
            Task(
                name="text",
                method="generate",
                condition=None,
                feature=None,
                options=("n",),
                output="text",
                shape="sequence_shape",
                usage="sentences = gan.generate(16, seed=0)",
                pipeline="text-generation",
                samples="samples.txt",
            ),
            Task(
                name="points",
                method="generate",
                condition=None,
                feature=None,
                options=("n",),
                output="points",
                shape="point_shape",
                usage="points = gan.generate(16, seed=0)",
                samples="samples.txt",
            ),
        )
    }
)
