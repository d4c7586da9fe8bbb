"""Faults planted in penalties and progressive networks, and who sees them."""

import importlib
import inspect
import textwrap

import pytest

from kerasgan import penalties
from kerasgan.layers import equalized, minibatch_stddev, resampling, style
from kerasgan.models import growing, progan, stylegan, wgan_gp
from tests import test_penalties
from tests.layers import test_progressive
from tests.models import test_progan, test_stylegan, test_wgan_gp

FAULTS = {
    "normal instead of uniform factor": (
        penalties.gradient_penalty,
        "random.uniform(",
        "random.normal(",
        test_penalties.test_points_lie_between_one_factor_for_each_image,
    ),
    "one factor for each pixel": (
        penalties.gradient_penalty,
        "(tf.shape(real_images)[0], 1, 1, 1)",
        "tf.shape(real_images)",
        test_penalties.test_points_lie_between_one_factor_for_each_image,
    ),
    "one factor for the whole batch": (
        penalties.gradient_penalty,
        "(tf.shape(real_images)[0], 1, 1, 1)",
        "(1, 1, 1, 1)",
        test_penalties.test_points_lie_between_one_factor_for_each_image,
    ),
    "factors near the middle": (
        penalties.gradient_penalty,
        "random.uniform(seed_generator, shape)",
        "0.25 + 0.5 * random.uniform(seed_generator, shape)",
        test_penalties.test_factors_are_uniform,
    ),
    "no epsilon inside the root": (
        penalties.gradient_penalty,
        " + 1e-12",
        "",
        test_penalties.test_gradient_is_finite_for_a_constant_critic,
    ),
    "slope of the whole batch": (
        penalties.scores_and_squared_gradients,
        "axis=(1, 2, 3))",
        "axis=(0, 1, 2, 3))",
        test_penalties.test_r1_equals_finite_differences,
    ),
    "slope not squared": (
        penalties.scores_and_squared_gradients,
        "slopes**2",
        "tf.abs(slopes)",
        test_penalties.test_r1_equals_finite_differences,
    ),
    "all steps of the critic see the same images": (
        wgan_gp.WGANGP.train_step,
        "real_images[step :: self.critic_steps]",
        "real_images[:: self.critic_steps]",
        test_wgan_gp.test_every_image_is_seen_once,
    ),
    "convolution not turned before it is transposed": (
        equalized.EqualizedUpConv2D.convolve,
        "kernel[::-1, ::-1]",
        "kernel",
        test_progressive.test_up_conv_is_upsampling_and_convolution,
    ),
    "blur without a gradient of its own": (
        resampling.blur,
        "return smooth, blur",
        "return smooth, tf.identity",
        test_progressive.test_gradients_of_the_blur,
    ),
    "minibatch deviation of real and fake images together": (
        minibatch_stddev.MinibatchStdDev.call,
        "count // batches",
        "count",
        test_progressive.test_minibatch_stddev_does_not_mix_batches,
    ),
    "style without the one of its scale": (
        style.AdaIN.call,
        '"float32") + 1.0)',
        '"float32"))',
        test_progressive.test_adain,
    ),
    "real images that do not fade": (
        growing.GrowingGAN.shown_images,
        "return coarse + fade * (images - coarse)",
        "return images",
        lambda: test_progan.test_real_images_fade_too(0.3),
    ),
    "images by the function of an earlier resolution": (
        growing.GrowingGAN.run_in_batches,
        "if stage != self._compiled.images",
        "if self._compiled.images is None",
        test_stylegan.test_images_of_a_later_resolution,
    ),
    "generator that does not fade": (
        progan.ProGANGenerator.call,
        "return coarse + fade * (images - coarse)",
        "return images",
        test_progan.test_generator_fades_from_the_resolution_below_to_its_own,
    ),
    "no drift term": (
        progan.ProGAN.train_step,
        "self.drift_weight * ",
        "0.0 * ",
        test_progan.test_critic_loss_by_hand,
    ),
    "critic's groups of real and fake images": (
        progan.ProGAN.train_step,
        "batches=2",
        "batches=1",
        test_progan.test_critic_loss_of_a_small_batch,
    ),
    "R1 without the half": (
        stylegan.StyleGAN.train_step,
        "self.r1_gamma / 2.0",
        "self.r1_gamma",
        test_stylegan.test_discriminator_loss_by_hand,
    ),
    "styles mixed too rarely": (
        stylegan.StyleGAN.fake_images,
        "chance < self.mixing_chance",
        "chance < 0.5",
        test_stylegan.test_styles_are_mixed_in_nine_of_ten_steps_of_training,
    ),
    "styles mixed beyond the present resolution": (
        stylegan.StyleGAN.fake_images,
        "synthesis.layers_up_to(stage.resolution)",
        "synthesis.layers_up_to(self.image_size)",
        test_stylegan.test_mixing_stays_within_the_present_resolution,
    ),
    "styles mixed after training": (
        stylegan.StyleGANGenerator.styles,
        "styles = tf.repeat(w[:, None], layers, axis=1)",
        "styles = tf.stack([w, *(layers - 1) * [w[::-1]]], axis=1)",
        test_stylegan.test_no_mixing_after_training,
    ),
    "truncation of all layers": (
        stylegan.StyleGANGenerator.styles,
        "tf.range(layers) < self.truncation_layers",
        "tf.range(layers) < layers",
        test_stylegan.test_truncation_is_the_reference,
    ),
    "truncation toward zero": (
        stylegan.StyleGANGenerator.styles,
        "average + psi * (styles - average)",
        "psi * styles",
        test_stylegan.test_truncation_is_the_reference,
    ),
    "average w that jumps": (
        stylegan.StyleGAN.update_average_w,
        "self.w_decay * ",
        "(1.0 - self.w_decay) * ",
        test_stylegan.test_average_w_follows_the_mapping,
    ),
    "fresh noise after training": (
        style.Noise.call,
        "self.map if noise is None",
        "tf.random.normal((*inputs.shape[:3], 1)) if noise is None",
        test_stylegan.test_images_do_not_depend_on_the_rest_of_the_batch,
    ),
}


def plant(monkeypatch, function, old, new):
    """Puts a fault into a function or method, by a change of its source."""
    module = importlib.import_module(function.__module__)
    *owners, name = function.__qualname__.split(".")
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{old!r} is not there once"
    owner = module
    for part in owners:
        owner = getattr(owner, part)
        source = source.replace("super()", f"super({part}, self)")
    namespace = dict(vars(module))
    exec(source.replace(old, new), namespace)
    monkeypatch.setattr(owner, name, namespace[name])


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_seen(fault, monkeypatch):
    function, old, new, test = FAULTS[fault]
    plant(monkeypatch, function, old, new)
    with pytest.raises(AssertionError):
        test()
