"""What GitHub, Flagger and Argo Rollouts send, written from their documentation.

GitHub: https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule.
Flagger: https://docs.flagger.app/usage/webhooks. Argo Rollouts: https://argoproj.github.io/argo-rollouts/analysis/web.
"""

from __future__ import annotations

import hmac
import json

CALLBACK = "https://api.github.com/repos/octo/shop/actions/runs/4951/deployment_protection_rule"


def flagger(metadata, kind="confirm-rollout"):
    return {
        "name": "churn",
        "namespace": "serving",
        "phase": "Progressing",
        "checksum": "85d557f47b",
        "buildId": "",
        "type": kind,
        "failedChecks": 0,
        "canaryWeight": 0,
        "iterations": 0,
        "remainingTime": 600000000000,
        "metadata": metadata,
    }


def argo(metadata):
    """The `jsonBody` of a web metric is whatever its template says."""
    return {"name": "churn", "namespace": "serving", "metadata": metadata}


def github(tree_digest=None, callback=CALLBACK, environment="production", repository="octo/shop"):
    payload = {} if tree_digest is None else {"tree_digest": tree_digest}
    return {
        "action": "requested",
        "environment": environment,
        "event": "deployment",
        "deployment_callback_url": callback,
        "deployment": {
            "id": 1042,
            "task": "deploy",
            "ref": "main",
            "sha": "c9f2a4e1d8b7365f0a1b2c3d4e5f60718293a4b5",
            "environment": environment,
            "payload": payload,
            "creator": {"login": "octo-ada", "id": 7},
        },
        "pull_requests": [],
        "repository": {"id": 99, "name": repository.partition("/")[2], "full_name": repository},
        "installation": {"id": 4242},
        "sender": {"login": "octo-ada", "id": 7},
    }


def signed(payload, secret, event="deployment_protection_rule"):
    """Return body and headers as GitHub sends them."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return body, {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
