"""Writes pickles of the form of StyleGAN2-ADA's, with random networks.

The functions and classes that such a pickle names need not exist here: they are
written by name. The source code that it carries of each module is a text.
"""

import io
import pickle
import struct

import numpy as np

SOURCE = "The source code of a module stands here."
LINE = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0
STORAGES = {"f2": "HalfStorage", "f4": "FloatStorage", "f8": "DoubleStorage"}


class Named:
    """A function or class that a pickle names.

    Args:
        module: str.
        name: str.
    """

    def __init__(self, module, name):
        self.module, self.name = module, name


class Called:
    """A call that a pickle makes.

    Args:
        function: `Named`.
        *args: What it is called with.
        items: dict, stored in the result.
        state: State that the result is given, or `None`.
    """

    def __init__(self, function, *args, items=(), state=None):
        self.function, self.args = function, args
        self.items, self.state = dict(items), state


class Outside:
    """An object outside of the pickle.

    Args:
        key: What the pickle says of it.
    """

    def __init__(self, key):
        self.key = key


class Writer(pickle._Pickler):
    """Pickles `Named`, `Called` and `Outside` as what they stand for."""

    def persistent_id(self, obj):
        return obj.key if isinstance(obj, Outside) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Named):
            if id(obj) in self.memo:
                self.write(self.get(self.memo[id(obj)][0]))
                return
            if self.proto >= 4:
                super().save(obj.module)
                super().save(obj.name)
                self.write(pickle.STACK_GLOBAL)
            else:
                self.write(f"c{obj.module}\n{obj.name}\n".encode())
            self.memoize(obj)
        elif isinstance(obj, Called):
            if id(obj) in self.memo:
                self.write(self.get(self.memo[id(obj)][0]))
                return
            self.save(obj.function)
            super().save(obj.args)
            self.write(pickle.REDUCE)
            self.memoize(obj)
            if obj.items:
                self._batch_setitems(obj.items.items())
            if obj.state is not None:
                super().save(obj.state)
                self.write(pickle.BUILD)
        else:
            super().save(obj, save_persistent_id)


def dumps(content, protocol=4):
    """Returns the pickle of a content with what this module has.

    Args:
        content: Anything.
        protocol: int. Defaults to `4`.
    """
    file = io.BytesIO()
    Writer(file, protocol).dump(content)
    return file.getvalue()


MODULE = Named("torch_utils.persistence", "_reconstruct_persistent_obj")
ORDERED = Named("collections", "OrderedDict")
EASY = Named("dnnlib.util", "EasyDict")
PARAMETER = Named("torch._utils", "_rebuild_parameter")
TENSOR = Named("torch._utils", "_rebuild_tensor_v2")
STORAGE = Named("torch.storage", "_load_from_bytes")


def ordered(items=()):
    return Called(ORDERED, items=items)


def storage(array):
    """Returns the bytes of a storage, in PyTorch's format before 1.6.

    Args:
        array: NumPy array.
    """
    kind = Named("torch", STORAGES[array.dtype.str[1:]])
    key = ("storage", kind, "1", "cpu", array.size, None)
    system = {"protocol_version": 1001, "little_endian": True}
    parts = (0x1950A86A20F9469CFC6C, 1001, system, Outside(key), ["1"])
    head = b"".join(dumps(part, protocol=2) for part in parts)
    return head + struct.pack("<q", array.size) + array.tobytes()


def tensor(array, strides=None):
    """Returns a call that makes a tensor.

    Args:
        array: NumPy array.
        strides: tuple of ints. In numbers. Defaults to the array's own.
    """
    if strides is None:
        strides = tuple(s // array.itemsize for s in array.strides)
    content = Called(STORAGE, storage(np.asarray(array)))
    return Called(
        TENSOR, content, 0, array.shape, tuple(strides), False, ordered()
    )


def module(kind, attributes=(), parameters=(), buffers=(), parts=()):
    """Returns a call that makes a module of a network.

    Args:
        kind: str. The name of its class.
        attributes: dict.
        parameters: dict of arrays.
        buffers: dict of arrays.
        parts: dict of modules.
    """
    state = {
        "training": False,
        "_parameters": ordered(
            {
                name: Called(PARAMETER, tensor(array), False, ordered())
                for name, array in dict(parameters).items()
            }
        ),
        "_buffers": ordered({n: tensor(a) for n, a in dict(buffers).items()}),
        "_modules": ordered(parts),
        **dict(attributes),
        "_init_args": (),
        "_init_kwargs": Called(EASY, items={"img_resolution": 8}),
    }
    meta = {
        "type": "class",
        "version": 6,
        "module_src": SOURCE,
        "class_name": kind,
        "state": state,
    }
    return Called(MODULE, meta)


class Networks:
    """Random networks of one size.

    Args:
        image_size: int.
        maps: dict of feature maps by resolution.
        channels: int.
        latent_dim: int.
        style_dim: int.
        depth: int. Layers of the mapping network.
        labels: int. Number of classes, 0 for none.
        clamp: Number or `None`.
        rate: float. The mapping's learning rate multiplier.
        noise: bool. Whether there is noise.
        residual: bool. Whether the discriminator has skip connections.
        seed: int.
    """

    def __init__(
        self,
        image_size=8,
        maps=None,
        channels=3,
        latent_dim=5,
        style_dim=4,
        depth=2,
        labels=0,
        clamp=None,
        rate=0.01,
        noise=True,
        residual=True,
        seed=0,
    ):
        self.maps = maps or {4: 6, 8: 4}
        self.image_size, self.channels = image_size, channels
        self.latent_dim, self.style_dim = latent_dim, style_dim
        self.depth, self.labels, self.rate = depth, labels, rate
        self.clamp, self.noise, self.residual = clamp, noise, residual
        self.random = np.random.RandomState(seed)

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype("float32")

    def dense(self, units_in, units, activation="linear", rate=1):
        return module(
            "FullyConnectedLayer",
            {"activation": activation, "bias_gain": rate},
            {
                "weight": self.normal(units, units_in) / np.float32(rate),
                "bias": self.normal(units) / np.float32(rate),
            },
        )

    def mapping(self, latent_dim, style_dim, depth, average=True):
        parts, units = {}, latent_dim
        if self.labels:
            parts["embed"] = self.dense(self.labels, style_dim)
            units += style_dim
        for layer in range(depth):
            parts[f"fc{layer}"] = self.dense(
                units, style_dim, "lrelu", self.rate
            )
            units = style_dim
        return module(
            "MappingNetwork",
            {"num_layers": depth, "c_dim": self.labels},
            buffers={"w_avg": self.normal(style_dim)} if average else {},
            parts=parts,
        )

    def filter(self):
        return {"resample_filter": np.outer(LINE, LINE).astype("float32")}

    def styled(self, maps_in, maps, size, up=1):
        parameters = {"weight": self.normal(maps, maps_in, 3, 3)}
        parameters["bias"] = self.normal(maps)
        buffers = self.filter()
        if self.noise:
            parameters["noise_strength"] = self.normal()
            buffers["noise_const"] = self.normal(size, size)
        return module(
            "SynthesisLayer",
            {
                "resolution": size,
                "up": up,
                "use_noise": self.noise,
                "activation": "lrelu",
                "conv_clamp": self.clamp,
            },
            parameters,
            buffers,
            {"affine": self.dense(self.style_dim, maps_in)},
        )

    def generator(self, architecture="skip"):
        blocks, below = {}, None
        for size, maps in self.maps.items():
            to_rgb = module(
                "ToRGBLayer",
                {"conv_clamp": self.clamp},
                {
                    "weight": self.normal(self.channels, maps, 1, 1),
                    "bias": self.normal(self.channels),
                },
                parts={"affine": self.dense(self.style_dim, maps)},
            )
            parts = {"conv1": self.styled(maps, maps, size), "torgb": to_rgb}
            if below:
                parts["conv0"] = self.styled(below, maps, size, up=2)
            constant = {} if below else {"const": self.normal(maps, 4, 4)}
            blocks[f"b{size}"] = module(
                "SynthesisBlock",
                {"architecture": architecture, "resolution": size},
                constant,
                self.filter(),
                parts,
            )
            below = maps
        return module(
            "Generator",
            {"z_dim": self.latent_dim, "c_dim": self.labels},
            parts={
                "synthesis": module("SynthesisNetwork", parts=blocks),
                "mapping": self.mapping(
                    self.latent_dim, self.style_dim, self.depth
                ),
            },
        )

    def convolution(self, maps_in, maps, side=3, down=1, skip=False):
        parameters = {"weight": self.normal(maps, maps_in, side, side)}
        if not skip:
            parameters["bias"] = self.normal(maps)
        return module(
            "Conv2dLayer",
            {
                "activation": "linear" if skip else "lrelu",
                "up": 1,
                "down": down,
                "conv_clamp": None if skip else self.clamp,
            },
            parameters,
            self.filter(),
        )

    def discriminator(self, group_size=4, architecture=None):
        architecture = architecture or ("resnet" if self.residual else "orig")
        named = {"architecture": architecture}
        blocks, counts = {}, self.maps
        for size in sorted(counts, reverse=True)[:-1]:
            parts = {
                "conv0": self.convolution(counts[size], counts[size]),
                "conv1": self.convolution(
                    counts[size], counts[size // 2], down=2
                ),
            }
            if size == self.image_size:
                parts["fromrgb"] = self.convolution(
                    self.channels, counts[size], 1
                )
            if architecture == "resnet":
                parts["skip"] = self.convolution(
                    counts[size], counts[size // 2], 1, 2, skip=True
                )
            blocks[f"b{size}"] = module(
                "DiscriminatorBlock", named, (), self.filter(), parts
            )
        maps = counts[4]
        group = {"group_size": group_size, "num_channels": 1}
        blocks["b4"] = module(
            "DiscriminatorEpilogue",
            named,
            parts={
                "mbstd": module("MinibatchStdLayer", group),
                "conv": self.convolution(maps + 1, maps),
                "fc": self.dense(16 * maps, maps, "lrelu"),
                "out": self.dense(maps, maps if self.labels else 1),
            },
        )
        if self.labels:
            blocks["mapping"] = self.mapping(0, maps, 8, average=False)
        return module("Discriminator", parts=blocks)

    def snapshot(self):
        """Returns what a training writes: three networks and settings."""
        return {
            "training_set_kwargs": {"path": "images.zip"},
            "G": self.generator(),
            "D": self.discriminator(),
            "G_ema": self.generator(),
            "augment_pipe": None,
        }


def flat(network, prefix=""):
    """Returns a module's arrays by dotted names.

    Args:
        network: What `module` returns.
        prefix: str. Before all names.
    """
    state = network.args[0]["state"]
    found = {}
    for held in ("_parameters", "_buffers"):
        for name, call in state[held].items.items():
            inner = call.args[0] if call.function is PARAMETER else call
            data, _, shape = inner.args[:3]
            count = int(np.prod(shape))
            array = np.frombuffer(data.args[0][-4 * count :], "<f4")
            found[prefix + name] = array.reshape(shape)
    for name, part in state["_modules"].items.items():
        found |= flat(part, f"{prefix}{name}.")
    return found
