"""The point-in-time join as its definition reads: nested loops over lists of dicts, slow and obviously right."""


def value_at(entity, event_time, table):
    """Return the row of `table` that counts for one entity row, or None."""
    best = None
    for position, row in enumerate(table["rows"]):
        at, created = row[table["event_time"]], row.get(table["created"]) if table["created"] else None
        if entity[event_time] is None or at is None or at > entity[event_time]:
            continue
        if any(
            row[key] is None or entity[other] is None or row[key] != entity[other]
            for key, other in table["keys"].items()
        ):
            continue
        if table["ttl"] is not None and entity[event_time] - at > table["ttl"]:
            continue
        if table["hide"] and (created is None or created > entity[event_time]):
            continue
        rank = (at, created is not None, created or at, position) if table["created"] else (at, position)
        if best is None or rank > best[0]:
            best = (rank, row)
    return None if best is None else best[1]


def join(entities, event_time, tables):
    """Return the entity rows, in order, each with the columns of every table."""
    result = []
    for entity in entities:
        out = dict(entity)
        for table in tables:
            row = value_at(entity, event_time, table)
            out |= {name: None if row is None else row[column] for column, name in table["columns"].items()}
        result.append(out)
    return result
