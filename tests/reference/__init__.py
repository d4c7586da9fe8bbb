"""Slow and obvious versions of the networks, to compare kerasgan with.

They are written from the papers' layer tables, not from kerasgan, so that an
error would have to be made twice to go held-out. The PyTorch mirrors of DCGAN,
pix2pix and CycleGAN carry the parameter names of the public checkpoints;
every mirror's `name_map()` says what each name is.

What to do to a PyTorch tensor before Keras takes it:

| PyTorch | its layout | Keras | transpose |
|---|---|---|---|
| `Conv2d.weight` | out, in, h, w | h, w, in, out | 2, 3, 1, 0 |
| `ConvTranspose2d.weight` | in, out, h, w | h, w, out, in | 2, 3, 1, 0 |
| `Linear.weight` | out, in | in, out | 1, 0 |
| `Embedding.weight` | classes, features | classes, features | none |
| images | batch, channels, h, w | batch, h, w, channels | 0, 2, 3, 1 |

A convolution over all of a 4x4 map is a dense layer on the flattened map; its
kernel flattens to (in, out) after the transposition above.

Spectral normalization (torch_spectral.py) keeps u with one number for each
output, whatever the layout of the kernel: the matrix of a Keras kernel (h, w,
in, out) has its last axis as rows, that of (h, w, out, in) the third.

Three differences that no layout explains:

* The running variance of `BatchNorm2d` is updated with the unbiased variance
  of the batch (divided by n - 1), that of Keras with the biased one (n).
  Outputs in training mode agree, running variances differ by n / (n - 1).
* `torch.optim.Adam` adds epsilon after the second moment's correction, Keras
  before it. At the first step the two agree where PyTorch's epsilon is
  Keras' divided by sqrt(1 - beta_2).
* A padding of 1 on both sides is Keras' "same" for kernel 4, stride 2 alone.
  For kernel 3, stride 2 it is not, neither forth nor back.
"""
