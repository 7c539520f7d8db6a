import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

// The messages of OTLP's trace signal: names and numbers are those of opentelemetry-proto 1.x, in which they are
// stable. Fields that a newer version adds are unknown fields to us, and the library keeps those.

const PACKAGE = 'opentelemetry.proto';

/** Name, number, type, and `many` for a repeated field, `oneof` for a member of the message's only oneof. */
type Field = readonly [name: string, number: number, type: Type | string, group?: 'many' | 'oneof'];

const { STRING, BYTES, BOOL, INT64, DOUBLE, UINT32, FIXED32, FIXED64 } = Type;

const ENUMS: readonly EnumDescriptorProto[] = [
  enumeration('SpanKind', 'SPAN_KIND', [
    'UNSPECIFIED',
    'INTERNAL',
    'SERVER',
    'CLIENT',
    'PRODUCER',
    'CONSUMER',
  ]),
  enumeration('StatusCode', 'STATUS_CODE', ['UNSET', 'OK', 'ERROR']),
];

const MESSAGES: readonly DescriptorProto[] = [
  message('AnyValue', [
    ['string_value', 1, STRING, 'oneof'],
    ['bool_value', 2, BOOL, 'oneof'],
    ['int_value', 3, INT64, 'oneof'],
    ['double_value', 4, DOUBLE, 'oneof'],
    ['array_value', 5, 'ArrayValue', 'oneof'],
    ['kvlist_value', 6, 'KeyValueList', 'oneof'],
    ['bytes_value', 7, BYTES, 'oneof'],
  ]),
  message('ArrayValue', [['values', 1, 'AnyValue', 'many']]),
  message('KeyValueList', [['values', 1, 'KeyValue', 'many']]),
  message('KeyValue', [
    ['key', 1, STRING],
    ['value', 2, 'AnyValue'],
  ]),
  message('InstrumentationScope', [
    ['name', 1, STRING],
    ['version', 2, STRING],
    ['attributes', 3, 'KeyValue', 'many'],
    ['dropped_attributes_count', 4, UINT32],
  ]),
  message('EntityRef', [
    ['schema_url', 1, STRING],
    ['type', 2, STRING],
    ['id_keys', 3, STRING, 'many'],
    ['description_keys', 4, STRING, 'many'],
  ]),
  message('Resource', [
    ['attributes', 1, 'KeyValue', 'many'],
    ['dropped_attributes_count', 2, UINT32],
    ['entity_refs', 3, 'EntityRef', 'many'],
  ]),
  // ExportTraceServiceRequest has the same single field, so one description reads both.
  message('TracesData', [['resource_spans', 1, 'ResourceSpans', 'many']]),
  message('ResourceSpans', [
    ['resource', 1, 'Resource'],
    ['scope_spans', 2, 'ScopeSpans', 'many'],
    ['schema_url', 3, STRING],
  ]),
  message('ScopeSpans', [
    ['scope', 1, 'InstrumentationScope'],
    ['spans', 2, 'Span', 'many'],
    ['schema_url', 3, STRING],
  ]),
  message('Span', [
    ['trace_id', 1, BYTES],
    ['span_id', 2, BYTES],
    ['trace_state', 3, STRING],
    ['parent_span_id', 4, BYTES],
    ['flags', 16, FIXED32],
    ['name', 5, STRING],
    ['kind', 6, 'SpanKind'],
    ['start_time_unix_nano', 7, FIXED64],
    ['end_time_unix_nano', 8, FIXED64],
    ['attributes', 9, 'KeyValue', 'many'],
    ['dropped_attributes_count', 10, UINT32],
    ['events', 11, 'Event', 'many'],
    ['dropped_events_count', 12, UINT32],
    ['links', 13, 'Link', 'many'],
    ['dropped_links_count', 14, UINT32],
    ['status', 15, 'Status'],
  ]),
  message('Event', [
    ['time_unix_nano', 1, FIXED64],
    ['name', 2, STRING],
    ['attributes', 3, 'KeyValue', 'many'],
    ['dropped_attributes_count', 4, UINT32],
  ]),
  message('Link', [
    ['trace_id', 1, BYTES],
    ['span_id', 2, BYTES],
    ['trace_state', 3, STRING],
    ['attributes', 4, 'KeyValue', 'many'],
    ['dropped_attributes_count', 5, UINT32],
    ['flags', 6, FIXED32],
  ]),
  message('Status', [
    ['message', 2, STRING],
    ['code', 3, 'StatusCode'],
  ]),
];

/** The description of OTLP's `TracesData`, and of all messages in it. */
export const TracesDataSchema: DescMessage = describe();

function describe(): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: 'opentelemetry/proto/trace.proto',
    package: PACKAGE,
    syntax: 'proto3',
    messageType: [...MESSAGES],
    enumType: [...ENUMS],
  });
  const schema = createFileRegistry(file, () => undefined).getMessage(`${PACKAGE}.TracesData`);
  if (schema === undefined) throw new Error('TracesData is missing from the description of OTLP');
  return schema;
}

function message(name: string, fields: readonly Field[]): DescriptorProto {
  const hasOneof = fields.some(([, , , group]) => group === 'oneof');
  return create(DescriptorProtoSchema, {
    name,
    field: fields.map(describeField),
    ...(hasOneof && { oneofDecl: [{ name: 'value' }] }),
  });
}

function describeField([name, number, type, group]: Field): FieldDescriptorProto {
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    jsonName: name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    label: group === 'many' ? Label.REPEATED : Label.OPTIONAL,
    ...(group === 'oneof' && { oneofIndex: 0 }),
    ...(typeof type === 'string' ? reference(type) : { type }),
  });
}

function reference(typeName: string) {
  const isEnum = ENUMS.some(({ name }) => name === typeName);
  return { type: isEnum ? Type.ENUM : Type.MESSAGE, typeName: `.${PACKAGE}.${typeName}` };
}

function enumeration(name: string, prefix: string, values: readonly string[]): EnumDescriptorProto {
  return create(EnumDescriptorProtoSchema, {
    name,
    value: values.map((value, number) => ({ name: `${prefix}_${value}`, number })),
  });
}
