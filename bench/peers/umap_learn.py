"""
umap-learn for the benchmark: a long-lived process that reads one JSON object per line and answers each with one.

  {"do": "hello"}                                                            -> {"version"}
  {"do": "load", "file", "shape", "neighbors", "min_distance", "seed"}       -> {}: the float32 numbers of `file` are the points
  {"do": "fit"}                                                              -> {"seconds", "embedding", "memory"}: row by row; the process's peak, in MiB
"""

import json
import resource
import sys
import time

import numpy as np
import umap


def main() -> None:
    points = options = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "hello":
                answer = {"version": umap.__version__}
            elif request["do"] == "load":
                points = np.fromfile(request["file"], dtype=np.float32).reshape(request["shape"])
                options = {
                    "n_neighbors": request["neighbors"],
                    "min_dist": request["min_distance"],
                    "random_state": request["seed"],
                    "n_jobs": 1,  # all that it allows with a seed
                }
                answer = {}
            else:
                start = time.perf_counter()
                embedding = umap.UMAP(**options).fit_transform(points)
                seconds = time.perf_counter() - start
                answer = {
                    "seconds": seconds,
                    "embedding": embedding.astype(float).ravel().tolist(),
                    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
        except Exception as error:  # noqa: BLE001: whatever it is, the asking side prints it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
