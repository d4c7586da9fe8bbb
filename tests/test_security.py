"""What SECURITY.md promises, promise by promise."""

import ast
import hashlib
import json
import os
import pathlib
import re
import resource
import time
import types

import h5py
import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies

import zoo
from kerasgan import cli, fetch, models
from kerasgan.tasks import TASKS
from tests.support import server as servers
from zoo import loading

ROOT = pathlib.Path(__file__).parent.parent
# Rounding up what Python and TensorFlow take for themselves.
MOST_MEMORY = 300 << 20
ESCAPE = "\x1b[2J"


def change_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps(config))


def change_arguments(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    change_config(folder, arguments={**config["arguments"], **changes})


def change_weights(folder, change):
    """Changes the weights file as its author could: the sha256 fits."""
    path = folder / "model.weights.h5"
    with h5py.File(path, "r+") as file:
        change(file, folder)
    change_config(folder, sha256=fetch.digest(path))


def refused(folder, match, kind=ValueError):
    """Asserts that loading fails in one printable sentence."""
    with pytest.raises(kind, match=match) as caught:
        zoo.load(folder)
    assert str(caught.value).replace("\n", "").isprintable()


def test_the_page_names_tests_that_exist():
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    tests = "".join(
        (ROOT / "tests" / name).read_text("utf-8")
        for name in ("test_security.py", "test_download.py")
    )
    named = re.findall(r"`(test_\w+)`", text)
    assert len(named) >= 12
    for name in named:
        assert f"def {name}(" in tests, name


# 1. Runs no code


@pytest.mark.parametrize(
    "name",
    [
        "GAN",
        "LatentGAN",
        "base",
        "os.system",
        "keras.layers.Lambda",
        "__init__",
    ],
)
def test_only_our_classes(published_folder, name):
    change_config(published_folder, architecture=name)
    refused(published_folder, "`architecture` must be one of ACGAN")


def test_no_other_name_of_the_package_is_an_architecture(published_folder):
    """Base classes, networks, functions, modules and what they import."""
    bases = {"GAN", "LatentGAN", "ClassGAN", "TextGAN", "VectorGAN"}
    bases |= {"SequenceGAN", "TranslationGAN"}
    allowed = models.architectures()
    assert all(issubclass(c, models.GAN) for c in allowed.values())
    config = json.loads((published_folder / "config.json").read_text())
    names = {"models", "architectures", "__class__", "__builtins__"}
    for module in (models, *vars(models).values()):
        if isinstance(module, types.ModuleType):
            names |= {*vars(module), module.__name__}
    names -= allowed.keys()
    assert bases | {"keras", "build_patchgan", "__name__"} <= names
    for name in names:
        with pytest.raises(ValueError, match="`architecture` must be one of"):
            loading.build(published_folder, {**config, "architecture": name})


@pytest.mark.parametrize(
    "value",
    [
        {"class_name": "Lambda", "config": {"function": "exit"}},
        {"module": "os", "class_name": "system", "config": "true"},
        [{"class_name": "Lambda"}],
        [[1, {"class_name": "Lambda"}]],
        [[[1]]],
    ],
)
@pytest.mark.parametrize("name", ["width", "seed", "custom_objects"])
def test_arguments_are_plain_values(published_folder, name, value):
    change_arguments(published_folder, **{name: value})
    refused(published_folder, "must be plain values")


def test_only_arguments_of_the_class(published_folder):
    for name in ("dtype", "name", "custom_objects", "__class__"):
        change_arguments(published_folder, **{name: "x"})
        refused(published_folder, "does not take|multiple values")


def test_no_source_can_run_what_it_reads():
    """Looks for every way of reading that runs what is read."""
    unpicklers = {"pickle", "cloudpickle", "dill", "joblib", "shelve"}
    forbidden_names = {"eval", "exec", "enable_unsafe_deserialization"}
    for folder in ("kerasgan", "zoo"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(tree):
                where = f"{path}:{getattr(node, 'lineno', 0)}"
                if isinstance(node, ast.ImportFrom):
                    assert node.module not in unpicklers, where
                if isinstance(node, ast.Attribute):
                    used = ast.unparse(node)
                    # Catching its error is not using it.
                    assert (
                        used.split(".")[0] not in unpicklers
                        or used == "pickle.UnpicklingError"
                    ), where
                if isinstance(node, ast.Name):
                    assert node.id not in forbidden_names, where
                if isinstance(node, ast.keyword):
                    value = getattr(node.value, "value", None)
                    said = (node.arg, value)
                    assert said != ("allow_pickle", True), where
                    assert said != ("safe_mode", False), where
                    assert said != ("weights_only", False), where
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    arguments = {k.arg for k in node.keywords}
                    assert called not in ("yaml.load", "yaml.unsafe_load"), (
                        where
                    )
                    if called == "torch.load":
                        assert "weights_only" in arguments, where
                    if called == "np.load":
                        assert "allow_pickle" in arguments, where


def test_a_saved_model_with_code_is_refused(tmp_path):
    from kerasgan.models import DCGAN

    path = tmp_path / "model.keras"
    inputs = keras.Input((2,))
    outputs = keras.layers.Lambda(lambda x: x)(inputs)
    keras.Model(inputs, outputs).save(path)
    with pytest.raises(ValueError, match="unsafe|safe_mode"):
        keras.models.load_model(path)
    code = {"class_name": "__lambda__", "config": {"value": ["", None, None]}}
    gan = DCGAN(image_size=16, channels=1, width=1, latent_dim=1)
    with pytest.raises(ValueError, match="safe_mode|unsafe"):
        gan.compile_from_config({"generator_optimizer": code})


# 2. Reaches no other file


@pytest.mark.parametrize(
    "name",
    ["../up", "/etc/passwd", "a/b", "a\\b", "C:x", "..", ".hidden", "", "a b"],
)
def test_names_are_names(published_folder, name):
    change_config(published_folder, name=name)
    refused(published_folder, "must be a folder's name")
    with pytest.raises(ValueError, match="must be a folder's name"):
        zoo.card(published_folder)


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
@pytest.mark.parametrize("target", ["../other", "/dev/zero", "/dev/stdin"])
def test_links_out_of_the_folder(published_folder, name, target):
    path = published_folder / name
    if path.exists():
        path.rename(published_folder.parent / "other")
    else:
        (published_folder.parent / "other").write_text("{}")
    path.symlink_to(target)
    refused(published_folder, "must hold its own files|no config.json")
    with pytest.raises(ValueError, match="must hold its own|no config.json"):
        zoo.card(published_folder)


@pytest.mark.parametrize("target", ["../other.h5", "/dev/zero"])
def test_weights_linked_out_of_the_folder(published_folder, target):
    path = published_folder / "model.weights.h5"
    path.rename(published_folder.parent / "other.h5")
    path.symlink_to(target)
    refused(published_folder, "must hold its own files")


def test_a_pipe_is_not_waited_for(published_folder):
    path = published_folder / "metrics.json"
    os.mkfifo(path)
    refused(published_folder, "must be a file")
    path.unlink()
    path = published_folder / "model.weights.h5"
    path.unlink()
    os.mkfifo(path)
    refused(published_folder, "must be a file")


def first_array(file):
    """Returns the name of an array that the model needs."""
    found = []
    file.visititems(
        lambda name, item: (
            found.append(name)
            if isinstance(item, h5py.Dataset) and item.ndim == 4
            else None
        )
    )
    return found[0]


def external_link(file, folder):
    name = first_array(file)
    with h5py.File(folder.parent / "secret.h5", "w") as other:
        other["x"] = file[name][...]
    del file[name]
    file[name] = h5py.ExternalLink(str(folder.parent / "secret.h5"), "x")


def soft_link(file, folder):
    name = first_array(file)
    del file[name]
    file[name] = h5py.SoftLink("/elsewhere")


def external_array(file, folder):
    name = first_array(file)
    shape = file[name].shape
    secret = folder.parent / "secret"
    secret.write_bytes(bytes(4 * int(np.prod(shape))))
    del file[name]
    file.create_dataset(
        name, shape, "float32", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
    )


def virtual_array(file, folder):
    name = first_array(file)
    shape = file[name].shape
    del file[name]
    layout = h5py.VirtualLayout(shape, "float32")
    layout[...] = h5py.VirtualSource(
        str(folder.parent / "secret.h5"), "x", shape
    )
    file.create_virtual_dataset(name, layout)


def text_array(file, folder):
    name = first_array(file)
    del file[name]
    file.create_dataset(name, data=["cos\nsystem\n"], dtype=h5py.string_dtype())


def opaque_array(file, folder):
    name = first_array(file)
    del file[name]
    file[name] = np.void(b"\x80\x04cos\nsystem\n.")


def compound_array(file, folder):
    name = first_array(file)
    del file[name]
    file[name] = np.zeros(2, [("a", "f4"), ("b", "f4")])


def references(file, folder):
    name = first_array(file)
    del file[name]
    file.create_dataset(name, data=[file.ref], dtype=h5py.ref_dtype)


def named_type(file, folder):
    file["type"] = np.dtype("f4")


def compressed_array(file, folder):
    # A thousand bytes in the file, a gigabyte in memory.
    file.create_dataset(
        "bomb", (1 << 28,), "float32", chunks=(1 << 20,), compression="gzip"
    )


def unwritten_array(file, folder):
    file.create_dataset("empty", (1 << 40,), "float32")


def circle(file, folder):
    file["again"] = file["/"]


def many_names(file, folder):
    file["array"] = np.ones(1 << 18, "float32")
    for index in range(300):
        file[f"name_{index}"] = file["array"]


@pytest.mark.parametrize(
    "change",
    [
        external_link,
        soft_link,
        external_array,
        virtual_array,
        text_array,
        opaque_array,
        compound_array,
        references,
        named_type,
        compressed_array,
        unwritten_array,
        circle,
        many_names,
    ],
)
def test_weights_that_are_more_than_numbers(published_folder, change):
    change_weights(published_folder, change)
    refused(published_folder, "must hold nothing but arrays of numbers")


def test_weights_that_are_not_hdf5(published_folder):
    path = published_folder / "model.weights.h5"
    for content in (b"", b"\x80\x04cos\nsystem\n.", path.read_bytes()[:3000]):
        path.write_bytes(content)
        change_config(published_folder, sha256=fetch.digest(path))
        refused(published_folder, "is not a sound HDF5 file")


def missing(file, folder):
    del file[first_array(file)]


def misshapen(file, folder):
    name = first_array(file)
    array = file[name][...]
    del file[name]
    file[name] = array[..., :1]


@pytest.mark.parametrize("change", [missing, misshapen])
def test_weights_of_another_model(published_folder, change):
    change_weights(published_folder, change)
    refused(published_folder, "The weights do not fit the model")


def test_an_address_does_not_choose_where_it_is_kept(
    published_folder, tmp_path, monkeypatch
):
    home = tmp_path / "a" / "b" / "home"
    monkeypatch.setenv("KERASGAN_HOME", str(home))
    with servers.running() as server:
        for end in ("../../x", "%2e%2e%2f%2e%2e%2fx", "..", "x/..", "a%00b"):
            for path in published_folder.iterdir():
                server.files[f"/{end}/{path.name}"] = path.read_bytes()
            found = zoo.folder(f"{server.url}/{end}")
            assert found.parent.parent == home / "models"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a",
        published_folder.name,
    ]
    assert [p.name for p in (tmp_path / "a").rglob("*")][:2] == ["b", "home"]
    for hostile in (
        "hf://../x",
        "hf://a/../../b",
        "hf://a/b/c",
        "hf://a/b@../c",
    ):
        with pytest.raises((ValueError, OSError)):
            zoo.folder(hostile)


# 3. Claims no more memory than its files are large


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": 2**30},
        {"image_size": 10**9},
        {"image_size": 2**62},
        {"width": 10**6},
        {"width": 10**15},
        {"latent_dim": 10**9},
        {"channels": 10**9},
        {"image_size": 4096, "width": 64},
        {"image_size": -16},
        {"width": 0},
        {"width": "64"},
        {"width": 1.5},
        {"width": None},
        {"image_size": [16]},
        {"seed": "x"},
        {"ema_decay": 1e300},
        {"ema_decay": "x"},
    ],
)
def test_sizes_are_refused_before_memory_is_taken(published_folder, changes):
    change_arguments(published_folder, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    refused(published_folder, ".")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MOST_MEMORY
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("StyleGAN", {"image_size": 8, "mapping_layers": 10**9}),
        ("StyleGAN2", {"image_size": 8, "mapping_layers": 10**9}),
        ("StyleGAN2", {"image_size": 1024}),
        ("ConditionalStyleGAN2", {"image_size": 8, "num_classes": 10**9}),
        ("CycleGAN", {"image_size": 24, "width": 1, "blocks": 10**9}),
        ("CycleGAN", {"image_size": 24, "width": 1, "pool_size": 10**9}),
        ("MLPCGAN", {"image_size": 10**5, "num_classes": 2}),
        ("ACGAN", {"image_size": 16, "num_classes": 10**9}),
        ("GANCLS", {"image_size": 16, "sentence_dim": 10**9}),
        ("GANCLS", {"image_size": 16, "vocabulary": ["a", "a"]}),
        ("GANCLS", {"image_size": 16, "vocabulary": [1, None]}),
        ("ProGAN", {"image_size": 1024}),
        ("Pix2Pix", {"image_size": 256}),
    ],
)
def test_other_models_are_bounded_too(
    published_folder, architecture, arguments
):
    change_config(
        published_folder, architecture=architecture, arguments=arguments
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(published_folder, ".")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MOST_MEMORY


def test_a_model_is_not_larger_than_its_weights(published_folder):
    change_config(
        published_folder, architecture="WGANGP", arguments={"image_size": 64}
    )
    refused(published_folder, "a larger model than the weights are of")


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{" + " " * (1 << 20) + "}", "at most 1,048,576 bytes"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        ('{"a": ' + "9" * 20 + "}", "must fit 64 bits"),
        ('{"a": NaN}', "is not JSON"),
        ('{"a": -Infinity}', "is not JSON"),
        ('{"a": 1e999}', "must be finite"),
        ('{"a": "' + "x" * 3000 + '"}', "at most 2,000 characters"),
        ("\ufeff{}", "is not JSON"),
        ("", "is not JSON"),
        ("null", "must hold a JSON object"),
    ],
)
def test_long_and_deep_json(published_folder, name, content, match):
    (published_folder / name).write_text(content, "utf-8")
    refused(published_folder, match)
    with pytest.raises(ValueError, match=match):
        zoo.card(published_folder)


def test_json_that_is_not_text(published_folder):
    (published_folder / "config.json").write_bytes(b"\xff\xfe{\x00}\x00")
    refused(published_folder, "is not JSON")


# 4. Cannot speak to the terminal


@pytest.mark.parametrize("text", [ESCAPE, "\x07", "\u202e", "a\nb", "\ud800"])
@pytest.mark.parametrize(
    "field", ["description", "license", "dataset", "recipe", "task", "classes"]
)
def test_text_is_printable(published_folder, field, text):
    value = [text] if field == "classes" else text
    change_config(published_folder, **{field: value})
    refused(published_folder, "must be printable")
    with pytest.raises(ValueError, match="must be printable"):
        zoo.card(published_folder)


@pytest.mark.parametrize(
    "scores",
    [
        {ESCAPE: {"metric": "fd", "value": 1.0}},
        {"fd": {"metric": ESCAPE, "value": 1.0}},
        {"fd": {"metric": "fd", "value": {ESCAPE: 1.0}}},
        {"fd": {"metric": "fd", "value": 1, "protocol": [{"a": [ESCAPE]}]}},
        {"fd": {"metric": "fd", "value": "1"}},
        {"fd": {"metric": "fd", "value": True}},
        {"fd": {"metric": "fd", "value": {"a": [1]}}},
        {"fd": {"metric": 1, "value": 1}},
        {"fd": {"value": 1}},
        {"fd": 1},
        [],
    ],
)
def test_scores_are_scores(published_folder, scores):
    path = published_folder / "metrics.json"
    path.write_text(json.dumps({"scores": scores}))
    with pytest.raises(ValueError, match="must"):
        zoo.card(published_folder)
    refused(published_folder, "must")


def test_errors_are_printable(tmp_path, capsys):
    folder = tmp_path / f"a{ESCAPE}b"
    folder.mkdir()
    for name in (str(folder), f"a{ESCAPE}", f"https://a/{ESCAPE}"):
        assert cli.main(["card", name]) == 2
        error = capsys.readouterr().err
        assert error.endswith("\n")
        assert error[:-1].isprintable()


def test_a_card_is_shown(published_folder, capsys):
    assert cli.main(["card", str(published_folder)]) == 0
    assert "dcgan_noise_16" in capsys.readouterr().out


JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.sampled_from([10**9, 2**40, -1, 0])
    | strategies.floats()
    | strategies.text(max_size=20),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(
            strategies.text(max_size=8), inner, max_size=4
        )
    ),
    max_leaves=8,
)
NOT_PRISTINE = [hypothesis.HealthCheck.function_scoped_fixture]


@hypothesis.settings(
    max_examples=150, deadline=None, suppress_health_check=NOT_PRISTINE
)
@hypothesis.given(data=strategies.data())
def test_any_config_is_a_card_or_refused(published_folder, data):
    path = published_folder / "config.json"
    kept = path.with_name("kept.json")
    if not kept.exists():
        kept.write_bytes(path.read_bytes())
    config = json.loads(kept.read_text())
    config["task"] = data.draw(strategies.sampled_from([*TASKS]))
    config["sequence_shape"] = [5]
    names = strategies.sampled_from([*config, "extra"])
    for name in data.draw(strategies.lists(names, max_size=3)):
        config[name] = data.draw(JSON)
    path.write_text(json.dumps(config))
    metrics = {"scores": data.draw(JSON)}
    (published_folder / "metrics.json").write_text(json.dumps(metrics))
    try:
        card = zoo.card(published_folder)
    except ValueError as error:
        assert str(error).replace("\n", "").isprintable()
        return
    shown = [card.name, card.description, card.license, *card.classes]
    assert all(text.isprintable() for text in shown)
    assert card.task in TASKS
    assert len(card.sample_shape) == (1 if card.task == "text" else 3)
    assert all(1 <= size <= 8192 for size in card.sample_shape)


@hypothesis.settings(
    max_examples=100, deadline=None, suppress_health_check=NOT_PRISTINE
)
@hypothesis.given(content=strategies.binary(max_size=200))
def test_any_bytes_are_refused(published_folder, content):
    (published_folder / "config.json").write_bytes(content)
    with pytest.raises(ValueError):
        zoo.card(published_folder)


@hypothesis.settings(
    max_examples=15, deadline=None, suppress_health_check=NOT_PRISTINE
)
@hypothesis.given(data=strategies.data())
def test_any_arguments_load_or_are_refused(published_folder, data):
    path = published_folder / "config.json"
    kept = path.with_name("kept.json")
    if not kept.exists():
        kept.write_bytes(path.read_bytes())
    config = json.loads(kept.read_text())
    names = strategies.sampled_from([*config["arguments"], "extra"])
    values = strategies.integers() | strategies.floats() | JSON
    for name in data.draw(strategies.lists(names, min_size=1, max_size=2)):
        config["arguments"][name] = data.draw(values)
    path.write_text(json.dumps(config))
    try:
        gan = zoo.load(published_folder)
    except ValueError as error:
        assert str(error)
    else:
        assert gan.generate(1, seed=0).shape == (1, 16, 16, 1)


# 5. Is what its card says


def test_one_changed_byte(published_folder, monkeypatch):
    path = published_folder / "model.weights.h5"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))

    def opened(*arguments, **options):
        raise AssertionError("opened before it was checked")

    monkeypatch.setattr(h5py, "File", opened)
    refused(published_folder, "nothing was loaded", OSError)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"task": "image-to-image"}, "its task must be image"),
        ({"image_shape": [32, 32, 1]}, "its image_shape must be"),
        ({"task": "text", "sequence_shape": [16]}, "its task must be image"),
        ({"parameters": {"generator": 1}}, "its parameters must be"),
    ],
)
def test_a_card_cannot_lie_about_its_model(published_folder, changes, match):
    change_config(published_folder, **changes)
    refused(published_folder, match)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "x" * 64},
        {"sha256": ""},
        {"format": True},
        {"image_shape": [16, 16]},
        {"image_shape": [16, 16, True]},
        {"image_shape": [10**9, 10**9, 3]},
        {"image_shape": 16},
        {"image_shape": None},
        {"task": "text"},
        {"task": "text", "sequence_shape": []},
        {"task": "text", "sequence_shape": 16},
        {"task": "text", "sequence_shape": [16, 16, 1]},
        {"task": "text", "sequence_shape": [0]},
        {"task": "text", "sequence_shape": [-1]},
        {"task": "text", "sequence_shape": [True]},
        {"task": "text", "sequence_shape": [16.0]},
        {"task": "text", "sequence_shape": ["16"]},
        {"task": "text", "sequence_shape": [[16]]},
        {"task": "text", "sequence_shape": {"0": 16}},
        {"task": "text", "sequence_shape": [10**9]},
        {"classes": [1]},
        {"parameters": {"generator": -1}},
        {"parameters": {"generator": "1"}},
        {"features": ["fashion_mnist"]},
        {"features": {}},
        {"task": "features"},
        {"arguments": []},
    ],
)
def test_fields_are_of_their_kind(published_folder, changes):
    change_config(published_folder, **changes)
    refused(published_folder, "does not describe a model|reads format")
    with pytest.raises(ValueError):
        zoo.card(published_folder)


def test_the_hash_is_of_the_file(published_folder):
    content = (published_folder / "model.weights.h5").read_bytes()
    assert zoo.card(published_folder).sha256 == (
        hashlib.sha256(content).hexdigest()
    )
    zoo.load(published_folder)
