"""An HTTP server with TensorFlow Serving's REST API.

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
    """Limits on the requests of clients.

    Attributes:
        max_body: int. Bytes in the body of a request.
        max_samples: int. Images or texts in one request.
        max_pixels: int. Pixels of all encoded images in one request.
        max_queue: int. Requests that are queued or running at once.
        timeout: float. Seconds that a client may take to send a request or
            to receive a response, and that an idle connection is kept.
    """

    max_body: int = _limit(16 * 2**20, "bytes in the body of a request")
    max_samples: int = _limit(64, "images or texts in one request")
    max_pixels: int = _limit(4 * 2**20, "pixels of the encoded images")
    max_queue: int = _limit(128, "requests that are queued or running")
    timeout: float = _limit(60.0, "seconds that a client may be slow or idle")
