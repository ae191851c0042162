/** What CloudFormation asks of a custom resource. */
export interface CustomResourceRequest {
  type: 'Create' | 'Update' | 'Delete';
  /** `Custom::LatchkeyClient`, for example. */
  resourceType: string;
  stackId: string;
  requestId: string;
  /** The name of the resource in its template. */
  logicalResourceId: string;
  /** Undefined for a Create. */
  physicalResourceId: string | undefined;
  properties: Properties;
  /** What an Update changes from; empty otherwise. */
  oldProperties: Properties;
}

/** As the template has them: CloudFormation sends numbers and booleans as text. */
export type Properties = Readonly<Record<string, unknown>>;

/** What an answer repeats of its request, and where it goes. Empty where the request has no such field. */
export interface Envelope {
  /** A credential: whoever has it can answer. Never logged. */
  responseUrl: string;
  stackId: string;
  requestId: string;
  logicalResourceId: string;
  physicalResourceId: string;
}

/** A request that CloudFormation would not send. */
export class MalformedRequestError extends Error {
  override readonly name = 'MalformedRequestError';
}

/** Reads what is there of a request, however malformed: even that one has to be answered. */
export function readEnvelope(event: unknown): Envelope {
  const fields = fieldsOf(event);
  return {
    responseUrl: textOf(fields.ResponseURL),
    stackId: textOf(fields.StackId),
    requestId: textOf(fields.RequestId),
    logicalResourceId: textOf(fields.LogicalResourceId),
    physicalResourceId: textOf(fields.PhysicalResourceId),
  };
}

/** @throws {MalformedRequestError} */
export function readRequest(event: unknown): CustomResourceRequest {
  const fields = fieldsOf(event);
  const required = (name: string) => {
    const text = textOf(fields[name]);
    if (text === '') throw new MalformedRequestError(`the request has no ${name}`);
    return text;
  };
  const type = required('RequestType');
  if (type !== 'Create' && type !== 'Update' && type !== 'Delete') {
    throw new MalformedRequestError('the RequestType is none of Create, Update and Delete');
  }
  return {
    type,
    resourceType: required('ResourceType'),
    stackId: required('StackId'),
    requestId: required('RequestId'),
    logicalResourceId: required('LogicalResourceId'),
    physicalResourceId: type === 'Create' ? undefined : required('PhysicalResourceId'),
    properties: fieldsOf(fields.ResourceProperties),
    oldProperties: fieldsOf(fields.OldResourceProperties),
  };
}

function fieldsOf(value: unknown): Properties {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Properties) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
