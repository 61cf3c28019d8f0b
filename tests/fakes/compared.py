"""What a fair comparison of a challenger with the champion found."""

COMPARED = {
    "metric": "average_precision",
    "delta": 0.0123,
    "ci_low": -0.001,
    "ci_high": 0.025,
    "champion_value": 0.41,
    "challenger_value": 0.4223,
    "n": 28220,
    "clusters": 30,
    "margin": 0.005,
    "not_worse": True,
    "incumbent": "sha256:abcdef",
}
