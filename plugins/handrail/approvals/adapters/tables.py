"""The tables of the approval gates, as the newest migration leaves them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

requests = sa.Table(
    "approvals_request",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("request_id", sa.String(40), nullable=False, unique=True),
    sa.Column("alias", sa.String(256), nullable=False, index=True),
    sa.Column("subject_key", sa.String(80), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("requester", sa.String(256), nullable=False, index=True),
)

events = sa.Table(
    "approvals_event",
    metadata,
    sa.Column("request_id", sa.String(40), sa.ForeignKey(requests.c.request_id), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

moving = sa.Table(
    "approvals_moving",
    metadata,
    sa.Column("alias_key", sa.String(80), primary_key=True),
    sa.Column("request_id", sa.String(40), sa.ForeignKey(requests.c.request_id), nullable=False),
)

permits = sa.Table(
    "approvals_permit",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("request_id", sa.String(40), sa.ForeignKey(requests.c.request_id), nullable=False, unique=True),
    sa.Column("alias_key", sa.String(80), nullable=False, index=True),
    sa.Column("tree_digest", sa.String(80), nullable=False, index=True),
    sa.Column("envelope", sa.Text, nullable=False),
)

makers = sa.Table(
    "approvals_maker",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("thing", sa.String(1024), primary_key=True),
    sa.Column("account", sa.String(256), primary_key=True),
)

uploads = sa.Table(
    "approvals_upload",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(256), nullable=False),
)

parents = sa.Table(
    "approvals_run_parent",
    metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("parent", sa.String(64), primary_key=True, index=True),
)

holds = sa.Table(
    "approvals_hold",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("thing", sa.String(1024), primary_key=True),
    sa.Column("holder", sa.String(80), primary_key=True, index=True, info={"later": True}),
    sa.Column("label", sa.Text, nullable=False),
)
"""What is held, and for whom; a holder is empty where it was held before releases were possible."""

releases = sa.Table(
    "approvals_release",
    metadata,
    sa.Column("holder", sa.String(80), primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Holders for whom nothing is held any more. Rows of both tables are only ever added."""

leaves = sa.Table(
    "approvals_leaf",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("request_id", sa.String(40), index=True),
    sa.Column("position", sa.Integer),
    sa.Column("leaf", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("proof", sa.Text, nullable=False),
    sa.Column("signature", sa.String(128), nullable=False),
)
"""The log; `proof` and `signature` show that each leaf is the last one of the tree with `number + 1` leaves."""

head = sa.Table(
    "approvals_head",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("peaks", sa.Text, nullable=False),
    sa.Column("signature", sa.String(128), nullable=False),
)
"""One row, which every writer of the log locks; without a signature the log has not begun."""

seals = sa.Table(
    "approvals_seal",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("signature", sa.String(128), nullable=False),
)

rejections = sa.Table(
    "approvals_rejection",
    metadata,
    sa.Column("request_id", sa.String(40), sa.ForeignKey(requests.c.request_id), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tree_digest", sa.String(80), nullable=False, index=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)

snapshots = sa.Table(
    "approvals_snapshot",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("account", sa.String(256), primary_key=True),
    sa.Column("model", sa.String(256), primary_key=True, info={"later": True}),
    sa.Column("handed_in", sa.String(40), nullable=False),
)
"""Who handed in which labelled rows; the model is empty where they came before models were recorded."""

commitments = sa.Table(
    "approvals_commitment",
    metadata,
    sa.Column("tree_digest", sa.String(80), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("model", sa.String(256), nullable=False),
    sa.Column("account", sa.String(256), nullable=False),
    sa.Column("committed_at", sa.String(40), nullable=False),
    sa.UniqueConstraint("tree_digest", "digest"),
)
"""Files of predictions that were here before their outcome."""

confirmations = sa.Table(
    "approvals_snapshot_confirmation",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.String(256), nullable=False),
    sa.Column("account", sa.String(256), nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.String(40), nullable=False),
    sa.UniqueConstraint("digest", "model", "account"),
)

looks = sa.Table(
    "approvals_look",
    metadata,
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("snapshot", sa.String(80), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tree_digest", sa.String(80), nullable=False),
    sa.UniqueConstraint("model", "snapshot", "tree_digest"),
)

findings = sa.Table(
    "approvals_finding",
    metadata,
    sa.Column("model_key", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("model", sa.String(256), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

rule_records = sa.Table(
    "approvals_rule_record",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("stream", sa.String(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("stream", "position"),
)
"""What was in force, in one stream, and each proposed change with its decisions, in a stream of its own."""

nonces = sa.Table(
    "approvals_nonce",
    metadata,
    sa.Column("nonce", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(80), nullable=False),
    sa.Column("account", sa.String(256), nullable=False, index=True),
    sa.Column("expires", sa.String(40), nullable=False),
)

spent_nonces = sa.Table(
    "approvals_nonce_use",
    metadata,
    sa.Column("nonce", sa.String(64), sa.ForeignKey(nonces.c.nonce), primary_key=True),
    sa.Column("request_id", sa.String(40), nullable=False),
)
