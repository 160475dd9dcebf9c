"""Rows of a run with claims that some cells share."""


def row(cell, question, *statements, group="g", history=()):
    """Each statement is a text, or a text with the judge's verdict."""
    pairs = [each if isinstance(each, tuple) else (each, "supported") for each in statements]
    return {
        "cell": cell,
        "question": question,
        "history": list(history),
        "group": group,
        "pool": [{"title": "Warranty", "text": f"About {question}"}],
        "statements": [{"claim": text, "text": text, "pool": verdict} for text, verdict in pairs],
    }


def rows(counts, shared=0):
    """Cell → so many claims of its own; ``shared`` more stand in every cell."""
    return [
        row(cell, f"question {n // 2}", f"{cell} {n}", group=f"g{n // 4}")
        for cell, count in counts.items()
        for n in range(count)
    ] + [row(cell, f"question {n}", f"shared {n}", group=f"g{n}") for cell in counts for n in range(shared)]
