"""The published JSON Schema of flow documents, generated from the types. `python -m ivr.flow.schema` writes it anew.

Lives here: generation only. A test checks that schema.json is fresh.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from ivr.flow.document import Flow

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def schema_text() -> str:
    """The schema (JSON Schema 2020-12) as readable JSON."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Flow)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
