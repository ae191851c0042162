import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/** A CloudFormation value: text, or an intrinsic function such as `{ Ref: 'X' }`. */
export type Value = string | number | boolean | Value[] | { [name: string]: Value };

export interface Resource {
  Type: string;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  Properties: { [name: string]: Value };
}

export interface Template {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: Value; Export?: { Name: Value } }>;
}

export interface Packaged {
  template: Template;
  templateFile: string;
  /** Where the zip of the function is: `token`. */
  zipOf: (functionName: string) => string;
}

/** Runs what `npm run package` runs, with the result in a folder of the test's own. */
export async function packageStage(
  stage: string,
  folder: string,
  environment: Record<string, string> = {},
  options: readonly string[] = [],
): Promise<Packaged> {
  const script = join(root, 'stack/package.mjs');
  await promisify(execFile)(
    process.execPath,
    [script, '--stage', stage, '--region', 'eu-west-1', `--package=${folder}`, ...options],
    { cwd: root, env: { ...process.env, ...environment } },
  );
  const templateFile = join(folder, 'cloudformation-template-update-stack.json');
  return {
    template: JSON.parse(await readFile(templateFile, 'utf8')),
    templateFile,
    zipOf: (functionName) => join(folder, `${functionName}.zip`),
  };
}

/** The resources of a type, by their logical ids. */
export function resourcesOf({ Resources }: Template, type: string): Record<string, Resource> {
  const entries = Object.entries(Resources).filter(([, { Type }]) => Type === type);
  return Object.fromEntries(entries);
}

/** The functions by the names that serverless.yml gives them. */
export function functionsOf(template: Template): Record<string, Resource> {
  const functions = Object.values(resourcesOf(template, 'AWS::Lambda::Function'));
  return Object.fromEntries(functions.map((resource) => [functionNameOf(resource), resource]));
}

/** `token` of `latchkey-dev-token`. */
export function functionNameOf(resource: Resource | undefined): string {
  return String(resource?.Properties.FunctionName).replace(/^latchkey-[a-z]+-/, '');
}

/** What `Ref` or `Fn::GetAtt` names; undefined for any other value. */
export function referenceOf(value: Value | undefined): string | undefined {
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = value;
  const name = Array.isArray(attribute) ? attribute[0] : Ref;
  return typeof name === 'string' ? name : undefined;
}
