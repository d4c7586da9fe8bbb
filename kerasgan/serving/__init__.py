"""An HTTP server that speaks TensorFlow Serving's REST API.

Clients written for TensorFlow Serving work unchanged; see docs/http.md. The
server itself needs the extra `serve`:

```python
from kerasgan.serving import models, server

gan = zoo.load("dcgan_fashion_mnist_32")
server.run([models.Model.of(gan)])
```
"""

import dataclasses


def _limit(default, help):
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one client may ask of the server.

    Attributes:
        max_body: int. Bytes of a request's body.
        max_images: int. Images in one request.
        max_pixels: int. Pixels of all encoded pictures in one request.
        max_queue: int. Requests that wait or are worked on at once.
        timeout: float. Seconds that a client may take to send a request or
            to receive an answer, and that an idle connection is kept.
    """

    max_body: int = _limit(16 * 2**20, "bytes of a request's body")
    max_images: int = _limit(64, "images in one request")
    max_pixels: int = _limit(4 * 2**20, "pixels of a request's PNGs and such")
    max_queue: int = _limit(128, "requests that wait or are worked on")
    timeout: float = _limit(60.0, "seconds that a client may be slow or idle")
