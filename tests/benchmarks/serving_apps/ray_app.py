"""Ray Serve over ONNX Runtime: one replica, its own HTTP proxy."""

import ray
from onnx_rows import PORT, Rows
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=64)
class Scores:
    """Scores rows that bring their features."""

    def __init__(self):
        """Load the model."""
        self.rows = Rows()

    async def __call__(self, request: Request):
        """Score each row."""
        return self.rows.answers((await request.json())["flights"])


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": PORT, "access_log": False},
        logging_config={"enable_access_log": False},
    )
    serve.run(Scores.bind(), route_prefix="/predict", blocking=True)
