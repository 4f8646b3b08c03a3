#!/usr/bin/env python3
"""Compares what gcp-schema derives and states with what Google's own Python packages know.

  descriptors.py FILE      FILE is a serialised FileDescriptorSet without the well-known types
                           (cargo run -p gcp-schema --example descriptors > FILE)

Messages: fails on a wrong field number, type, label, oneof or JSON name, or a wrong enum value. What Google's
packages have and ours lack is listed only: it is newer than the pinned crates, and overlay.txt is where it goes when
a client sends it. Routes: fails on a rule of Google's REST transports that routes/*.txt lacks or words differently.

Packages: google-cloud-kms google-cloud-pubsub google-cloud-org-policy google-cloud-service-usage google-cloud-storage
google-cloud-resource-manager google-cloud-asset google-cloud-kms-inventory google-cloud-storagebatchoperations
grpc-google-iam-v1 googleapis-common-protos."""
import importlib
import inspect
import pathlib
import pkgutil
import sys

from google.protobuf import any_pb2, api_pb2, descriptor_pb2, descriptor_pool, duration_pb2, empty_pb2, type_pb2  # noqa: F401
from google.protobuf import field_mask_pb2, source_context_pb2, struct_pb2, timestamp_pb2, wrappers_pb2  # noqa: F401

PROTO_PLUS = ['google.cloud.kms_v1', 'google.pubsub_v1', 'google.cloud.orgpolicy_v2', 'google.cloud._storage_v2',
              'google.cloud.resourcemanager_v3', 'google.cloud.service_usage_v1', 'google.cloud.asset_v1',
              'google.cloud.kms_inventory_v1', 'google.cloud.storagebatchoperations_v1']
PLAIN = ['google.iam.v1.policy_pb2', 'google.iam.v1.iam_policy_pb2', 'google.iam.v1.options_pb2',
         'google.longrunning.operations_pb2', 'google.cloud.location.locations_pb2', 'google.rpc.status_pb2',
         'google.rpc.error_details_pb2', 'google.type.expr_pb2', 'google.type.date_pb2', 'google.api.quota_pb2',
         'google.api.endpoint_pb2', 'google.api.auth_pb2', 'google.api.usage_pb2', 'google.api.monitoring_pb2',
         'google.api.documentation_pb2', 'google.api.monitored_resource_pb2']
WELL_KNOWN = ['source_context', 'any', 'type', 'api', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers']

# prost writes type names in its own camel case, and the descriptors are read off its source. Such a name shows in an
# Any's type URL and in reflection only; nothing here packs one into an Any.
RENAMED = {
    'google.pubsub.v1.AIInference': 'google.pubsub.v1.AiInference',
    'google.pubsub.v1.AIInference.UnstructuredInference': 'google.pubsub.v1.AiInference.UnstructuredInference',
    'google.pubsub.v1.JavaScriptUDF': 'google.pubsub.v1.JavaScriptUdf',
}

# Service Usage's REST form of `*/*` is written out by kind of parent here, so that the client can read it backwards.
PARENTS = ['projects/*', 'folders/*', 'organizations/*']
ROUTES = pathlib.Path(__file__).resolve().parents[2] / 'crates/gcp-schema/routes'


RESOURCE_MANAGER = 'cloudresourcemanager.googleapis.com'
SERVICE_USAGE = 'serviceusage.googleapis.com'
MIXINS = {'GetIamPolicy': 'IAMPolicy', 'SetIamPolicy': 'IAMPolicy', 'TestIamPermissions': 'IAMPolicy',
          'GetLocation': 'Locations', 'ListLocations': 'Locations', 'GetOperation': 'Operations',
          'ListOperations': 'Operations', 'CancelOperation': 'Operations', 'DeleteOperation': 'Operations'}


def theirs():
    """Full name -> message descriptor, of everything the packages register."""
    found = {}

    def add(message):
        if message.full_name not in found:
            found[message.full_name] = message
            for nested in message.nested_types:
                add(nested)
    for name in PROTO_PLUS:
        types = importlib.import_module(name + '.types')
        for value in vars(types).values():
            if inspect.isclass(value) and callable(getattr(value, 'pb', None)):
                add(value.pb(value()).DESCRIPTOR)
    for name in PLAIN:
        for message in importlib.import_module(name).DESCRIPTOR.message_types_by_name.values():
            add(message)
    return found


def ours(path):
    pool = descriptor_pool.DescriptorPool()
    default = descriptor_pool.Default()
    for name in WELL_KNOWN:
        proto = descriptor_pb2.FileDescriptorProto()
        default.FindFileByName(f'google/protobuf/{name}.proto').CopyToProto(proto)
        pool.Add(proto)
    for file in descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(path).read_bytes()).file:
        pool.Add(file)
    return pool


def shape(field):
    """What must agree. proto-plus renames Python's own words (`type_` for `type`), so trailing underscores go."""
    kind = field.message_type or field.enum_type
    oneof = field.containing_oneof.name if field.containing_oneof else ''
    # An explicit `optional` on a message field cannot be seen in Rust: presence is the same.
    if oneof.startswith('_') and field.message_type is not None:
        oneof = ''
    if field.message_type is not None and kind.GetOptions().map_entry:
        name = 'map<%s, %s>' % tuple(kind_of(entry) for entry in kind.fields)
    else:
        name = kind_of(field)
    # A oneof's own name is on no wire, and prost writes it in snake case.
    return {'name': field.name.rstrip('_'), 'type': name, 'repeated': field.is_repeated,
            'oneof': oneof.replace('_', '').lower(), 'json': field.json_name.rstrip('_')}


def kind_of(field):
    kind = field.message_type or field.enum_type
    return RENAMED.get(kind.full_name, kind.full_name) if kind else str(field.type)


def compare_messages(pool):
    wrong, newer, fields, messages, enums = [], [], 0, 0, {}
    for name, message in sorted(theirs().items()):
        if message.GetOptions().map_entry:
            continue
        try:
            mine = pool.FindMessageTypeByName(RENAMED.get(name, name))
        except KeyError:
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
            if field.enum_type is not None:
                enums[field.enum_type.full_name] = (field.enum_type, got.enum_type)
            if shape(got) != shape(field):
                wrong.append(f'{name}.{field.name}: ours {shape(got)}, theirs {shape(field)}')
    for name, (their_enum, our_enum) in sorted(enums.items()):
        known = {value.number: value.name for value in our_enum.values} if our_enum else {}
        for value in their_enum.values:
            if value.number not in known:
                newer.append(f'enum {name} {value.name} {value.number}')
            elif known[value.number] != value.name:
                wrong.append(f'{name}: {value.number} is {value.name}, ours says {known[value.number]}')
    print(f'{messages} messages, {fields} fields, {len(enums)} enums compared; {len(newer)} newer than ours:')
    for line in newer:
        print('  ' + line)
    if fields < 1500:
        wrong.append('too few fields were compared')
    return wrong


def our_methods(path):
    """(service's last word, method), of those that the pinned crates have."""
    files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(path).read_bytes()).file
    return {(service.name, method.name) for file in files for service in file.service for method in service.method}


def our_routes():
    """(api, service's last word, method, verb, template) -> body."""
    found = {}
    for path in ROUTES.glob('*.txt'):
        api, service = '', ''
        for line in path.read_text().splitlines():
            words = line.split()
            if not words or words[0].startswith('#'):
                continue
            if words[0] == 'api':
                api = words[1]
            elif words[0] == 'service':
                service = words[1].rsplit('.', 1)[1]
            else:
                found[api, service, words[3], words[0], words[1]] = words[2]
    return found


def their_routes():
    found = {}
    for package in PROTO_PLUS:
        services = importlib.import_module(package + '.services')
        for info in pkgutil.iter_modules(services.__path__):
            try:
                module = importlib.import_module(f'{services.__name__}.{info.name}.transports.rest_base')
            except ModuleNotFoundError:
                continue
            transport, = (value for name, value in vars(module).items()
                          if name.startswith('_Base') and name.endswith('RestTransport'))
            service = transport.__name__[len('_Base'):-len('RestTransport')]
            api = inspect.signature(transport.__init__).parameters['host'].default
            for name, value in vars(transport).items():
                options = getattr(value, '_get_http_options', None)
                if not name.startswith('_Base') or options is None:
                    continue
                method = name[len('_Base'):]
                # Resource Manager has IAM methods of its own; elsewhere IAMPolicy is mixed in.
                mixed_in = method in MIXINS and (api, MIXINS[method]) != (RESOURCE_MANAGER, 'IAMPolicy')
                own = MIXINS[method] if mixed_in else service
                for rule in options():
                    templates = [rule['uri']]
                    if api == SERVICE_USAGE and '=*/*' in rule['uri']:
                        templates = [rule['uri'].replace('=*/*', '=' + parent) for parent in PARENTS]
                    for template in templates:
                        found[api, own, method, rule['method'].upper(), template] = rule.get('body', '-')
    return found


def compare_routes(methods):
    wrong, newer, mine, known = [], [], our_routes(), their_routes()
    for rule, body in sorted(known.items()):
        if rule[1:3] not in methods:
            newer.append(' '.join(rule))
        elif rule not in mine:
            wrong.append('route ' + ' '.join(rule) + ' is missing')
        elif mine[rule] != body:
            wrong.append('route ' + ' '.join(rule) + f': body {mine[rule]}, theirs {body}')
    extra = sorted(' '.join(rule) for rule in mine if rule not in known)
    print(f'{len(known)} routes compared; {len(newer)} of methods newer than ours:')
    for line in newer:
        print('  ' + line)
    print(f'{len(extra)} routes that the packages do not state:')
    for line in extra:
        print('  ' + line)
    if len(known) < 200:
        wrong.append('too few routes were compared')
    return wrong


def main():
    wrong = compare_messages(ours(sys.argv[1])) + compare_routes(our_methods(sys.argv[1]))
    for line in wrong:
        print('WRONG ' + line)
    if wrong:
        sys.exit(f'{len(wrong)} differences from what Google publishes')


main()
