"""Figures of docs/why_gans_fail.md, from games that can be solved by hand.

    pip install matplotlib
    python scripts/why_gans_fail.py docs/

`gradients.svg`: what both generator losses pass back as the discriminator
learns to reject every fake. `orbits.svg`: the Dirac-GAN of Mescheder et al.
(2018, https://arxiv.org/abs/1801.04406, section 2): the data are a point at 0,
the generator is the point theta, the discriminator the line psi x.
"""

import argparse
import pathlib

import numpy as np

RATE, START = 0.1, (1.0, 0.0)
# Nodes and weights of expectations over a unit normal.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def saturating_gradient(score):
    """Returns the derivative of log(1 - D) at a fake's score."""
    return -sigmoid(score)


def non_saturating_gradient(score):
    """Returns the derivative of -log D at a fake's score."""
    return -sigmoid(-score)


def non_saturating(theta, psi, noise=0.0, on_real=True):
    """Returns the updates of the non-saturating game.

    Args:
        theta: float. The generator.
        psi: float. The discriminator.
        noise: float. Standard deviation of instance noise; its expectation is
            taken exactly. Defaults to `0.0`.
        on_real: bool. Whether real points have it too. Defaults to `True`.
    """
    n = noise * NODES
    fake, real = theta + n, n if on_real else np.zeros_like(n)
    to_theta = WEIGHTS @ (psi * sigmoid(-psi * fake))
    to_psi = WEIGHTS @ (real * sigmoid(-psi * real))
    to_psi -= WEIGHTS @ (fake * sigmoid(psi * fake))
    return to_theta, to_psi


def with_r1(theta, psi, gamma=0.3):
    """Returns the updates with the penalty gamma / 2 psi^2."""
    to_theta, to_psi = non_saturating(theta, psi)
    return to_theta, to_psi - gamma * psi


def wasserstein(theta, psi):
    """Returns the updates of WGAN; `orbit` clips psi."""
    return psi, -theta


def orbit(updates, steps, limit=np.inf):
    """Returns theta and psi after each simultaneous step.

    Args:
        updates: Callable from theta and psi to the updates of both.
        steps: int.
        limit: float. Where psi is clipped. Defaults to not at all.

    Returns:
        Float array `(steps + 1, 2)`.
    """
    points = [np.array(START)]
    for _ in range(steps):
        theta, psi = points[-1] + RATE * np.array(updates(*points[-1]))
        points.append(np.array([theta, np.clip(psi, -limit, limit)]))
    return np.stack(points)


def draw_gradients(axes):
    scores = np.linspace(-8.0, 4.0, 200)
    axes.plot(scores, -saturating_gradient(scores), label="log(1 - D)")
    axes.plot(scores, -non_saturating_gradient(scores), label="-log D")
    axes.set_xlabel("score of a fake (negative: rejected)")
    axes.set_ylabel("gradient that reaches the generator")
    axes.legend(title="loss")


ORBITS = {
    "no remedy": (non_saturating, np.inf),
    "instance noise, 0.5": (
        lambda theta, psi: non_saturating(theta, psi, noise=0.5),
        np.inf,
    ),
    "R1, gamma 0.3": (with_r1, np.inf),
    "WGAN, clipped at 0.5": (wasserstein, 0.5),
}


def draw_orbits(figure):
    for number, (name, (updates, limit)) in enumerate(ORBITS.items(), 1):
        axes = figure.add_subplot(1, len(ORBITS), number)
        theta, psi = orbit(updates, 500, limit).T
        axes.plot(theta, psi, linewidth=0.7)
        axes.plot(*START, "o", markersize=4)
        axes.plot(0, 0, "x", color="black")
        axes.set(title=name, xlabel="generator", xlim=(-1.3, 1.3))
        axes.set(ylim=(-1.3, 1.3), aspect="equal")
        if number == 1:
            axes.set_ylabel("discriminator")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    import matplotlib

    matplotlib.use("svg")
    # The same file from the same numbers.
    matplotlib.rcParams.update({"svg.hashsalt": "0", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3), layout="constrained")
    draw_gradients(axes)
    figure.savefig(folder / "gradients.svg", metadata={"Date": None})
    figure = pyplot.figure(figsize=(10, 2.9), layout="constrained")
    draw_orbits(figure)
    figure.savefig(folder / "orbits.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
