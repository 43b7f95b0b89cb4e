# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create protobuf message classes from tables of fields, without a compiler.

A table is ``{message: {field: "NUMBER TYPE"}}``. A type is ``string``, ``bytes``, ``bool``, ``int32``, ``int64`` or
another message of the table. ``[TYPE]`` is a list, and ``{TYPE}`` is a map with text keys.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

Table = dict[str, dict[str, str]]
Field = descriptor_pb2.FieldDescriptorProto

SCALARS = {
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "bool": Field.TYPE_BOOL,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
}


def message_classes(package: str, table: Table) -> dict[str, type[Message]]:
    """Return a class for each message of a table. The names of ``package`` must be unused."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, fields in table.items():
        message = file.message_type.add(name=name)
        for field, text in fields.items():
            number, kind = text.split(" ")
            add_field(message, package, field, int(number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in table}


def add_field(message: descriptor_pb2.DescriptorProto, package: str, name: str, number: int, kind: str) -> None:
    label = Field.LABEL_OPTIONAL if kind[0] not in "[{" else Field.LABEL_REPEATED
    field = message.field.add(name=name, number=number, label=label)
    inner = kind.strip("[]{}")
    if kind[0] == "{":
        # In the wire format, a map is a list of pairs.
        entry_name = name[0].upper() + name[1:] + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        add_field(entry, package, "key", 1, "string")
        add_field(entry, package, "value", 2, inner)
        field.type, field.type_name = Field.TYPE_MESSAGE, f".{package}.{message.name}.{entry_name}"
    elif inner in SCALARS:
        field.type = SCALARS[inner]
    else:
        field.type, field.type_name = Field.TYPE_MESSAGE, f".{package}.{inner}"
