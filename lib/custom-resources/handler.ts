import {
  type InvocationContext,
  TimeOverError,
  type WithDeadline,
} from '../runtime/invocation-signal.ts';
import type { Log } from '../runtime/log.ts';
import { RefusedError } from '../runtime/refused-error.ts';
import { faultOf } from '../runtime/store-unavailable-error.ts';
import { answerOf, type Outcome } from './answer.ts';
import { type Deliver, UndeliveredError } from './callback.ts';
import {
  type CustomResourceRequest,
  type Envelope,
  MalformedRequestError,
  readEnvelope,
  readRequest,
} from './request.ts';
import { type CustomResource, derivedId, type Owner, ownerOf } from './resource.ts';

export interface CustomResourceHandlerDependencies {
  /** By resource type. */
  resources: Readonly<Record<string, CustomResource>>;
  deliver: Deliver;
  withDeadline: WithDeadline;
  log: Log;
}

/** Milliseconds that are kept for the answer, its repetitions included. */
const TIME_TO_ANSWER = 10_000;

/** Milliseconds for whoever calls the handler without a context. */
const TIME_WITHOUT_LAMBDA = 30_000;

/**
 * The Lambda handler that CloudFormation calls. Whatever happens, it answers: a stack that hears nothing hangs
 * for an hour. It throws only where the answer could not be delivered, so that Lambda calls it again.
 */
export function createCustomResourceHandler(dependencies: CustomResourceHandlerDependencies) {
  const { deliver, log } = dependencies;
  return async (event: unknown, context: InvocationContext): Promise<void> => {
    const envelope = readEnvelope(event);
    const remaining = context.getRemainingTimeInMillis?.() ?? TIME_WITHOUT_LAMBDA;
    const deadline = performance.now() + remaining;
    const outcome = await outcomeOf(event, envelope, deadline, dependencies);
    const fields = {
      stack: envelope.stackId,
      resource: envelope.logicalResourceId,
      physicalId: outcome.physicalResourceId,
      status: outcome.status,
    };
    if (outcome.status === 'SUCCESS') log.info('custom resource done', fields);
    else log.error('custom resource failed', { ...fields, reason: outcome.reason });
    try {
      const left = deadline - performance.now() - 500;
      await deliver(envelope.responseUrl, answerOf(envelope, outcome), left);
    } catch (error) {
      const detail = error instanceof UndeliveredError ? error.message : faultOf(error);
      log.error('custom resource not answered', { ...fields, detail });
      throw new UndeliveredError(detail);
    }
  };
}

async function outcomeOf(
  event: unknown,
  envelope: Envelope,
  deadline: number,
  dependencies: CustomResourceHandlerDependencies,
): Promise<Outcome> {
  const owner = { stackId: envelope.stackId, logicalResourceId: envelope.logicalResourceId };
  let physicalResourceId = envelope.physicalResourceId || derivedId(owner);
  try {
    const request = readRequest(event);
    const resource = Object.hasOwn(dependencies.resources, request.resourceType)
      ? dependencies.resources[request.resourceType]
      : undefined;
    // What a failed Create tells is what its Delete will name.
    physicalResourceId =
      request.physicalResourceId ?? resource?.idOf(owner, request.properties) ?? physicalResourceId;
    return await dependencies.withDeadline(
      { remaining: deadline - performance.now(), reserve: TIME_TO_ANSWER },
      () => perform(request, resource, dependencies.log),
    );
  } catch (error) {
    return { status: 'FAILED', physicalResourceId, reason: reasonOf(error) };
  }
}

async function perform(
  request: CustomResourceRequest,
  resource: CustomResource | undefined,
  log: Log,
): Promise<Outcome> {
  const owner = ownerOf(request);
  const { type, physicalResourceId = '', properties } = request;
  if (type === 'Delete') {
    const id = createdIdOf(request, resource) ?? physicalResourceId;
    await resource?.remove(owner, id, properties);
    return { status: 'SUCCESS', physicalResourceId, data: {} };
  }
  if (resource === undefined) throw new RefusedError(`there is no type ${request.resourceType}`);
  const declared = await resource.put(owner, properties);
  if (type === 'Update') await tidyUp(request, resource, owner, declared.physicalResourceId, log);
  return { status: 'SUCCESS', ...declared };
}

/**
 * A Create that was cancelled, or that was never heard of, has a physical id of CloudFormation's own making:
 * `stack-WorkflowsClient-1B2C3D4E5F6G7`. What it may have made is what its properties say.
 */
function createdIdOf(request: CustomResourceRequest, resource: CustomResource | undefined) {
  const { physicalResourceId = '', logicalResourceId, properties } = request;
  const isGenerated = /-(\w+)-[0-9A-Z]+$/.exec(physicalResourceId)?.[1] === logicalResourceId;
  return isGenerated ? resource?.idOf(ownerOf(request), properties) : undefined;
}

/**
 * Where a replacement failed half-way, CloudFormation was told of no new id, and asks for the old properties
 * again: what the replacement left is removed.
 */
async function tidyUp(
  { physicalResourceId, oldProperties }: CustomResourceRequest,
  resource: CustomResource,
  owner: Owner,
  id: string,
  log: Log,
): Promise<void> {
  const oldId = resource.idOf(owner, oldProperties);
  if (oldId === undefined || oldId === id || oldId === physicalResourceId) return;
  try {
    await resource.remove(owner, oldId, oldProperties);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    log.warn('a failed replacement stays', { physicalId: oldId, reason: error.message });
  }
}

/** In words for whoever deploys. The message of an unforeseen error stays out: it might quote a secret. */
function reasonOf(error: unknown): string {
  if (error instanceof TimeOverError) return `${error.message}: try again`;
  const isMeant = error instanceof RefusedError || error instanceof MalformedRequestError;
  if (isMeant) return error.message;
  return `it could not be done: ${faultOf(error)}`;
}
