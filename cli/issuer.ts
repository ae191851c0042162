import { RefusedError } from '../lib/runtime/refused-error.ts';
import { readStackFile, type Target } from './connection.ts';

/**
 * The issuer of the Latchkey that is meant: as `npm start` wrote it down, or as the stack on AWS has it among its
 * outputs.
 *
 * @throws {RefusedError} where there is no such stack, or it may not be looked at
 */
export async function findIssuer({ local, stage }: Target): Promise<string> {
  if (local) return (await readStackFile()).issuer;
  const name = `latchkey-${stage}`;
  const issuer = (await readOutputs(name)).get('Issuer');
  if (issuer === undefined) {
    throw new RefusedError(`the stack ${name} has no output Issuer: name the issuer with --issuer`);
  }
  return issuer;
}

/** Loaded when first needed, since no other command has use for it. */
async function readOutputs(name: string): Promise<Map<string | undefined, string | undefined>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import(
    '@aws-sdk/client-cloudformation'
  );
  const client = new CloudFormationClient({
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 5_000,
      throwOnRequestTimeout: true,
    },
  });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks.flatMap(({ Outputs = [] }) => Outputs);
    return new Map(outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  } catch (error) {
    throw inWords(error, name);
  } finally {
    client.destroy();
  }
}

function inWords(error: unknown, name: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'ValidationError' && error.message.includes('does not exist')) {
    return new RefusedError(
      `there is no stack ${name} in this region: name the issuer with --issuer, or another --stage`,
    );
  }
  if (/^AccessDenied/.test(error.name)) {
    return new RefusedError(
      `AWS does not let you look at the stack ${name}: name the issuer with --issuer`,
    );
  }
  return error;
}
