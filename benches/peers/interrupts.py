"""Measure how long handful's Python functions continue to work after Ctrl-C.

    python benches/peers/interrupts.py     # a part of `make bench`; the package installed

Each call runs on all CPUs and is interrupted after one second, three times.
"""

import os
import signal
import threading
import time

import handful

ROUNDS = 3


def latency(call) -> float:
    """Seconds from the signal to the exception."""
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(1, interrupt)
    timer.start()
    try:
        call()
    except KeyboardInterrupt:
        return time.monotonic() - sent[0]
    finally:
        timer.cancel()
    return float("nan")  # It has ended within a second.


def main() -> None:
    X, y, _, _ = handful.datasets.load_mnist()
    floats = X[:20_000] / 7
    knn = handful.KNeighborsClassifier(algorithm="brute").fit(X, y)
    model = handful.load_model("best")
    calls = {
        "KMeans(2000).fit, bytes": lambda: handful.KMeans(2000, n_init=50).fit(X),
        "KMeans(2000).fit, floats": lambda: handful.KMeans(2000, n_init=50).fit(floats),
        "PrototypeClassifier(500).fit": lambda: handful.PrototypeClassifier(500, n_init=50).fit(X, y),
        "train_model": lambda: handful.train_model(X, y),
        "KNeighborsClassifier.kneighbors": lambda: knn.kneighbors(X),
        "Model.predict": lambda: [model.predict(X) for _ in range(9)],
    }
    print("| interrupted after a second | goes on for, ms |\n| --- | ---: |")
    for name, call in calls.items():
        print(f"| {name} | {1000 * max(latency(call) for _ in range(ROUNDS)):.0f} |", flush=True)


if __name__ == "__main__":
    main()
