"""
Pillow for the benchmark: a long-lived process that reads one JSON object per line and answers each with one.

  {"do": "hello", "parquet"}                   -> {"version"}; an error without pyarrow where "parquet" asks for it
  {"do": "read", "path", "count", "side"}      -> {"seconds", "busy", "memory", "count", "mean"}: all pictures of a folder, zip file, tar shards or Parquet file
"""

import io
import json
import resource
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

ENDINGS = (".png", ".jpg")


def pictures(path: Path):
    """The bytes of each picture, in order."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(ENDINGS):
                    yield archive.read(name)
    elif path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        for batch in parquet.ParquetFile(path).iter_batches(1000, columns=["image"]):
            for value in batch.column("image").field("bytes"):
                yield value.as_py()
    elif any(path.glob("*.tar")):
        for shard in sorted(path.glob("*.tar")):
            with tarfile.open(shard) as archive:
                for member in archive:
                    if member.name.endswith(ENDINGS):
                        yield archive.extractfile(member).read()
    else:
        for file in sorted(each for each in path.rglob("*") if each.suffix in ENDINGS):
            yield file.read_bytes()


def read(path: str, count: int, side: int) -> dict:
    start, busy = time.perf_counter(), time.process_time()
    pixels = np.empty((count, side, side, 3), dtype=np.uint8)
    done = 0
    for data in pictures(Path(path)):
        pixels[done] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        done += 1
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return {
        "seconds": seconds,
        "busy": busy,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "count": done,
        "mean": float(pixels.mean(dtype=np.float64)),
    }


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "hello":
                if request["parquet"]:
                    import pyarrow  # noqa: F401
                answer = {"version": PIL.__version__}
            else:
                answer = read(request["path"], request["count"], request["side"])
        except Exception as error:  # noqa: BLE001: whatever it is, the asking side prints it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
