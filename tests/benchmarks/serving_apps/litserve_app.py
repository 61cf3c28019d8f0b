"""LitServe over ONNX Runtime: one worker behind its own API server."""

import litserve
from onnx_rows import PORT, Rows


class Scores(litserve.LitAPI):
    """Scores rows that bring their features."""

    def setup(self, device):
        """Load the model."""
        self.rows = Rows()

    def decode_request(self, request):
        """Take the rows of a body."""
        return request["flights"]

    def predict(self, flights):
        """Score each row."""
        return self.rows.answers(flights)

    def encode_response(self, output):
        """Answer as it is."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Scores(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False, log_level="warning")
