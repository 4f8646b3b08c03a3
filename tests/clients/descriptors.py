#!/usr/bin/env python3
"""Compares the derived descriptors with those inside Google's own Python packages.

  descriptors.py FILE      FILE is a serialised FileDescriptorSet without the well-known types

Fails on a wrong number, type, label, oneof or JSON name. Fields that Google's packages have and ours lack are
listed: they are newer than the pinned crates, and overlay.txt is where they go when a client sends them."""
import importlib
import sys

from google.protobuf import any_pb2, api_pb2, descriptor_pb2, descriptor_pool, duration_pb2, empty_pb2, type_pb2  # noqa: F401
from google.protobuf import field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2  # noqa: F401

PROTO_PLUS = ['google.cloud.kms_v1', 'google.pubsub_v1', 'google.cloud.orgpolicy_v2',
              'google.cloud.resourcemanager_v3', 'google.cloud.service_usage_v1']
PLAIN = ['google.iam.v1.policy_pb2', 'google.iam.v1.iam_policy_pb2', 'google.longrunning.operations_pb2',
         'google.cloud.location.locations_pb2', 'google.rpc.status_pb2', 'google.rpc.error_details_pb2',
         'google.type.expr_pb2']


def theirs():
    """Full name -> message descriptor, of everything the packages register."""
    found = {}

    def add(message):
        if message.full_name not in found:
            found[message.full_name] = message
            for nested in message.nested_types:
                add(nested)
    for name in PROTO_PLUS:
        module = importlib.import_module(name)
        for value in vars(module).values():
            pb = getattr(value, 'pb', None)
            if callable(pb):
                try:
                    add(value.pb(value()).DESCRIPTOR)
                except (AttributeError, TypeError):
                    pass
    for name in PLAIN:
        for message in importlib.import_module(name).DESCRIPTOR.message_types_by_name.values():
            add(message)
    return found


def main():
    ours_set = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], 'rb').read())
    pool = descriptor_pool.DescriptorPool()
    default = descriptor_pool.Default()
    for name in ['source_context', 'any', 'type', 'api', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers']:
        proto = descriptor_pb2.FileDescriptorProto()
        default.FindFileByName(f'google/protobuf/{name}.proto').CopyToProto(proto)
        pool.Add(proto)
    for file in ours_set.file:
        pool.Add(file)
    wrong, newer, fields, messages = [], [], 0, 0
    for name, message in sorted(theirs().items()):
        try:
            mine = pool.FindMessageTypeByName(name)
        except KeyError:
            if not message.GetOptions().map_entry:
                newer.append(name)
            continue
        messages += 1
        by_number = {field.number: field for field in mine.fields}
        for field in message.fields:
            got = by_number.get(field.number)
            if got is None:
                newer.append(f'{name} {field.name} {field.number}')
                continue
            fields += 1
            # proto-plus renames Python's own words: type_ for type.
            same = got.name == field.name.rstrip('_') or got.name == field.name
            same = same and got.type == field.type and got.is_repeated == field.is_repeated
            same = same and got.json_name.rstrip('_') == field.json_name.rstrip('_')
            theirs_oneof = field.containing_oneof.name if field.containing_oneof else ''
            mine_oneof = got.containing_oneof.name if got.containing_oneof else ''
            # An explicit `optional` on a message field cannot be seen in Rust: presence is the same.
            if theirs_oneof.startswith('_') and field.message_type is not None:
                theirs_oneof = mine_oneof
            if not same or mine_oneof != theirs_oneof:
                wrong.append(f'{name}.{field.name}: ours {got.name} {got.number} {got.type} {mine_oneof!r}, '
                             f'theirs {field.number} {field.type} {theirs_oneof!r}')
            if field.enum_type is not None:
                known = {value.number: value.name for value in got.enum_type.values}
                for value in field.enum_type.values:
                    if known.get(value.number, value.name) != value.name:
                        wrong.append(f'{field.enum_type.full_name}: {value.number} is {value.name}')
    print(f'{messages} messages, {fields} fields compared; {len(newer)} newer than ours:')
    for line in newer:
        print('  ' + line)
    for line in wrong:
        print('WRONG ' + line)
    if wrong or fields < 900:
        sys.exit('the descriptors differ' if wrong else 'too little was compared')


main()
