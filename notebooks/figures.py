"""What the notebook shows: tables, pictures of digits, and charts."""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import confusion_matrix

from measures import Judge

# Two colours that people with any kind of colour vision can tell apart (Okabe and Ito, 2008), and two greys.
BLUE, ORANGE, GREY, LIGHT = "#0072B2", "#D55E00", "#767676", "#BBBBBB"

DIGITS = np.arange(10)


def use_style() -> None:
    """Give all figures the same look."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.titlelocation": "left",
            "axes.titlesize": "large",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "grid.color": "#E5E5E5",
        }
    )


def percent(share: float, n_digits: int = 2) -> str:
    """Write a share in per cent."""
    return f"{100 * share:.{n_digits}f} %"


def table(header: list[str], rows: list[list[str]]) -> Markdown:
    """Make a table, the first column to the left, the others to the right."""
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in [header, ruler, *rows]))


def scores(judge: Judge, *names: str) -> Markdown:
    """Make a table of what models achieved on the test images."""
    rows = []
    for name in names:
        score = judge.scores[name]
        low, high = score.interval
        rows.append([name, percent(score.accuracy), f"{percent(low)} to {percent(high)}",
                     f"{1000 * score.seconds:,.0f} ms", f"{score.n_bytes / 1000:,.0f} kB"])  # fmt: skip
    return table(["", "accuracy", "95 % interval", f"{len(judge.y):,} predictions", "what is kept"], rows)


# Pictures of digits.


def show(axes, picture: np.ndarray, title: str = "", **style) -> None:
    """Show a picture, dark on light, without axes."""
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
    axes.set_title(title, **style)
    axes.set_axis_off()


def mosaic(images: np.ndarray, n_columns: int, gap: int = 2) -> np.ndarray:
    """Lay images of 28 x 28 pixels out in rows, as one picture."""
    tiles = np.pad(np.reshape(images, (-1, n_columns, 28, 28)), ((0, 0), (0, 0), (gap, gap), (gap, gap)))
    return tiles.swapaxes(1, 2).reshape(-1, n_columns * (28 + 2 * gap))


def samples(images: np.ndarray, n_columns: int, title: str) -> None:
    """Show many images in one picture."""
    _, axes = plt.subplots(figsize=(8, 5.3))
    show(axes, mosaic(images, n_columns), title)


def clusters(means: np.ndarray, members: list[np.ndarray], title: str) -> None:
    """Show a line for each cluster: its mean, and some of its members."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=(1, len(members[0])))
    show(left, mosaic(means, 1), "Mean")
    show(right, mosaic(np.concatenate(members), len(members[0])), title)


def prototypes(images: np.ndarray, labels: np.ndarray, title: str) -> None:
    """Show the nine prototypes of each digit."""
    figure, panels = plt.subplots(2, 5, figsize=(8, 3.6))
    for digit, axes in enumerate(panels.flat):
        show(axes, mosaic(images[labels == digit], 3))
    figure.get_layout_engine().set(wspace=0.08, hspace=0.08)
    figure.suptitle(title, x=0.01, ha="left")


def gallery(pictures: list[tuple], n_columns: int, title: str, height: float = 1.3, framed: bool = False) -> None:
    """Show pictures in lines: each an image, its caption and the style of this."""
    n_lines = max(1, -(-len(pictures) // n_columns))
    figure, panels = plt.subplots(n_lines, n_columns, figsize=(8.6, height * n_lines), squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, (picture, caption, style) in zip(panels.flat, pictures):
        show(axes, picture, caption, **{"loc": "center", "fontsize": 9} | style)
        if framed:
            axes.set_axis_on()
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color="#CCCCCC")
    figure.suptitle(title, x=0.01, ha="left")


# Charts.


def in_percent(axis, decimals: int = 0) -> None:
    """Label an axis in per cent."""
    axis.set_major_formatter(PercentFormatter(1, decimals=decimals, symbol=" %"))


def numbered(axes, numbers: list[int]) -> None:
    """Give the horizontal axis a logarithmic scale with these numbers alone, and light lines for the vertical one."""
    axes.set_xscale("log")
    axes.set_xticks(numbers, numbers)
    axes.minorticks_off()
    axes.grid(axis="y")


def frequencies(shares: dict[str, np.ndarray], title: str) -> None:
    """Show how frequent each digit is in two sets of images."""
    _, axes = plt.subplots(figsize=(8, 3))
    for (name, share), colour, shift in zip(shares.items(), (BLUE, ORANGE), (-0.2, 0.2)):
        axes.bar(DIGITS + shift, share, width=0.38, color=colour, label=name)
    axes.set(title=title, xlabel="digit", ylabel="share of the images", xticks=DIGITS, ylim=(0, 0.14))
    in_percent(axes.yaxis)
    axes.legend(frameon=False, ncols=2, loc="upper right")


def confusion(judge: Judge, name: str) -> None:
    """Show a confusion matrix: what is right in grey, mistakes in colour."""
    counts = confusion_matrix(judge.y, judge.predictions[name])
    mistakes = np.ma.masked_array(counts, mask=np.eye(10, dtype=bool))
    _, axes = plt.subplots(figsize=(6.2, 5))
    axes.set_facecolor("#DDDDDD")
    picture = axes.imshow(mistakes, cmap="Blues", vmin=0, vmax=60)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, count or "", ha="center", va="center", fontsize=9,
                  color="white" if row != column and count > 35 else "black")  # fmt: skip
    score = judge.scores[name]
    axes.set(title=f"{name}: {percent(score.accuracy)} right in {1000 * score.seconds:,.0f} ms",
             xlabel="predicted digit", ylabel="true digit", xticks=DIGITS, yticks=DIGITS)  # fmt: skip
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(picture, label="mistakes", shrink=0.8, extend="max")


def seeds(found: dict[str, list[float]], ceiling: float, title: str) -> None:
    """Show the accuracies that two methods reached with some seeds, and the one of all images."""
    _, axes = plt.subplots(figsize=(8, 2.2))
    for height, (accuracies, colour) in enumerate(zip(found.values(), (ORANGE, BLUE))):
        axes.plot(accuracies, [height] * len(accuracies), "o", color=colour, alpha=0.6, markersize=8, markeredgewidth=0)
        axes.text(np.mean(accuracies), height + 0.22, f"mean {percent(np.mean(accuracies))}", ha="center")
    axes.axvline(ceiling, color=GREY, linestyle="--")
    axes.text(ceiling, 1.85, "all images ", color=GREY, ha="right", va="top")
    axes.set(title=title, xlabel="accuracy on the test images", yticks=range(len(found)), yticklabels=found,
             ylim=(-0.5, 1.85), xlim=(min(map(min, found.values())) - 0.02, 1))  # fmt: skip
    in_percent(axes.xaxis)


def growth(numbers: list[int], chosen: list[float], drawn: np.ndarray, ceiling: float, title: str) -> None:
    """Show validation accuracies by the number of prototypes, chosen by K-Means and drawn with some seeds."""
    _, axes = plt.subplots(figsize=(8, 4.2))
    axes.axhline(ceiling, color=GREY, linestyle="--")
    axes.text(numbers[0], ceiling + 0.01, f"all images: {percent(ceiling, 1)}", color=GREY)
    axes.plot(numbers, chosen, "o-", color=BLUE)
    axes.plot(numbers, np.mean(drawn, axis=1), "o-", color=ORANGE)
    axes.fill_between(numbers, np.min(drawn, axis=1), np.max(drawn, axis=1), color=ORANGE, alpha=0.2, linewidth=0)
    for number, accuracy in zip(numbers, chosen):
        below = (0, -17) if number < numbers[-1] else (28, -11)
        axes.annotate(percent(accuracy, 1), (number, accuracy), below, textcoords="offset points", ha="center",
                      color=BLUE)  # fmt: skip
    axes.text(3.3, 0.79, "chosen by K-Means", color=BLUE)
    axes.text(11, 0.65, f"drawn at random\n(mean and range of {len(drawn[0])} seeds)", color=ORANGE)
    axes.set(title=title, xlabel="prototypes a digit", ylabel="validation accuracy", ylim=(0.3, 1.04))
    numbered(axes, numbers)
    axes.set_xlim(0.7, 560)
    in_percent(axes.yaxis)


def votes(ks: list[int], curves: dict[str, list[float]], n: int, band: np.ndarray, title: str) -> None:
    """Show validation accuracies by the number k of neighbours that vote: all curves, and the last one enlarged."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.9), width_ratios=(3, 2))
    colours = plt.get_cmap("Blues")(np.linspace(0.5, 0.95, len(curves) - 1)).tolist() + [ORANGE]
    for (name, accuracies), colour, marker in zip(curves.items(), colours, "osD^v"):
        left.plot(ks, accuracies, marker=marker, color=colour, label=name)
    last = np.array(accuracies)
    left.legend(frameon=False, loc="lower left", title="who votes")
    right.fill_between(ks, *band, color=colour, alpha=0.15, linewidth=0)
    right.plot(ks, last, marker=marker, color=colour)
    best = int(np.argmax(last))
    right.annotate(f"k = {ks[best]}: {percent(last[best])}", (ks[best], last[best]), (0.08, 0.3),
                   textcoords="axes fraction", arrowprops={"arrowstyle": "-", "color": GREY})  # fmt: skip
    right.set_title(f"{name}, with 95 % interval", fontsize="medium")
    left.set_title("all voters", fontsize="medium")
    for axes, decimals in ((left, 0), (right, 1)):
        numbered(axes, ks)
        axes.set_xlabel("k, the number of neighbours that vote")
        in_percent(axes.yaxis, decimals)
    left.set_ylabel(f"accuracy on {n:,} validation images")
    figure.suptitle(title, x=0.01, ha="left")


def inertias(numbers: list[int], shares: np.ndarray, elbows: dict[int, int], title: str) -> None:
    """Show the inertia of each digit by the number of clusters, and where rules see an elbow in the mean."""
    _, axes = plt.subplots(figsize=(8, 4.2))
    mean = np.mean(shares, axis=0)
    axes.plot(numbers, shares.T, color=LIGHT, linewidth=1)
    axes.plot(numbers, mean, "o-", color=BLUE, markersize=4)
    for digit in (int(np.argmax(shares[:, -1])), int(np.argmin(shares[:, -1]))):
        axes.text(numbers[-1] + 1, shares[digit, -1], f"digit {digit}", color=GREY, va="center")
    axes.text(numbers[-1] + 1, mean[-1], "mean", color=BLUE, va="center")
    for line, (last, at) in enumerate(elbows.items()):
        height = mean[numbers.index(at)]
        axes.plot(at, height, "D", color=ORANGE, markersize=9)
        axes.annotate(f"“elbow” at {at}, if one looks up to {last}", (at, height), (24, 1 - 0.09 * line),
                      color=ORANGE, va="center",
                      arrowprops={"arrowstyle": "-", "color": ORANGE, "relpos": (0, 0.5)})  # fmt: skip
    axes.set(title=title, xlabel="clusters of each digit", ylabel="inertia, as a share of that\naround one mean",
             ylim=(0, 1.08), xlim=(-1, numbers[-1] * 1.1))  # fmt: skip
    axes.set_xticks([1, *range(10, numbers[-1] + 1, 10)])
    axes.grid(axis="y")
    in_percent(axes.yaxis)


def silhouettes(
    numbers: list[int], by_digit: np.ndarray, together: dict[int, float], accuracy: dict[int, float], title: str
) -> None:
    """Show silhouettes by the number of clusters, and below them the accuracy with so many prototypes a digit."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5.2), sharex=True, height_ratios=(3, 2))
    above.plot(numbers, by_digit.T, color=LIGHT, linewidth=1)
    above.plot(numbers, np.mean(by_digit, axis=0), "o-", color=BLUE, label="clusters of one digit: mean of ten digits")
    above.plot([], [], color=LIGHT, linewidth=1, label="the ten digits")
    above.plot(list(together), list(together.values()), "s--", color=ORANGE, label="clusters of all images together")
    above.set(ylabel="mean silhouette", ylim=(0, None))
    above.legend(frameon=False)
    below.plot(list(accuracy), list(accuracy.values()), "D-", color="black")
    below.set(ylabel="validation accuracy", xlabel="clusters")
    below.set_title("The accuracy of 1-NN with so many prototypes a digit", fontsize="medium")
    in_percent(below.yaxis)
    numbered(below, numbers)
    above.grid(axis="y")
    figure.suptitle(title, x=0.01, ha="left")


def steps(errors: dict[str, float], title: str) -> None:
    """Show a bar for the error of each step, the last one in grey."""
    _, axes = plt.subplots(figsize=(8, 3.4))
    bars = axes.barh(list(errors), list(errors.values()), color=[BLUE] * (len(errors) - 1) + [LIGHT])
    axes.bar_label(bars, [percent(error) for error in errors.values()], padding=4)
    axes.invert_yaxis()
    axes.set(title=title, xlabel="validation error")
    in_percent(axes.xaxis)
