import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** What serverless.yml defines, with the names that it has in a stage. */
export interface Definitions {
  tables: TableDefinition[];
  secrets: SecretDefinition[];
  rotations: RotationDefinition[];
}

/** The part of AWS::DynamoDB::Table that DynamoDB's own CreateTable takes. */
export interface TableDefinition {
  TableName: string;
  BillingMode: 'PAY_PER_REQUEST';
  AttributeDefinitions: { AttributeName: string; AttributeType: 'S' }[];
  KeySchema: { AttributeName: string; KeyType: 'HASH' }[];
}

/** The part of AWS::SecretsManager::Secret that the local stack makes use of. */
export interface SecretDefinition {
  Name: string;
  GenerateSecretString?: { PasswordLength: number; ExcludePunctuation: boolean };
}

/** The part of AWS::SecretsManager::RotationSchedule that the local stack makes use of. */
export interface RotationDefinition {
  secretName: string;
  /** The function's name in its stage. */
  functionName: string;
  days: number;
}

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

/** Reads serverless.yml, the one place where tables and secrets are defined. */
export async function readDefinitions(serverlessYml: string, stage: string): Promise<Definitions> {
  const document = parse(await readFile(serverlessYml, 'utf8'));
  const resources: Resource[] = Object.values(document.resources.Resources);
  const properties = (type: string) =>
    resources
      .filter((resource) => resource.Type === type)
      .map((resource) => resolve(resource.Properties, document, stage));
  return {
    tables: properties('AWS::DynamoDB::Table').map(tableOf),
    secrets: properties('AWS::SecretsManager::Secret') as unknown[] as SecretDefinition[],
    rotations: properties('AWS::SecretsManager::RotationSchedule').map((schedule) =>
      rotationOf(schedule, document, stage),
    ),
  };
}

function tableOf(properties: Record<string, unknown>): TableDefinition {
  const { TableName, BillingMode, AttributeDefinitions, KeySchema } = properties;
  return { TableName, BillingMode, AttributeDefinitions, KeySchema } as TableDefinition;
}

function rotationOf(
  properties: Record<string, unknown>,
  document: { service: string; resources: { Resources: Record<string, Resource> } },
  stage: string,
): RotationDefinition {
  const schedule = properties as {
    SecretId: { Ref: string };
    RotationLambdaARN: { 'Fn::GetAtt': [string, string] };
    RotationRules: { AutomaticallyAfterDays: string };
  };
  const secret = document.resources.Resources[schedule.SecretId.Ref]?.Properties.Name;
  const [logicalId] = schedule.RotationLambdaARN['Fn::GetAtt'];
  // What serverless calls the resource of a function: TokenLambdaFunction.
  const name = logicalId.replace(/LambdaFunction$/, '');
  return {
    secretName: resolve(String(secret), document, stage),
    functionName: `${document.service}-${stage}-${name.charAt(0).toLowerCase()}${name.slice(1)}`,
    days: Number(schedule.RotationRules.AutomaticallyAfterDays),
  };
}

/** Resolves the variables `${sls:stage}`, `${self:…}` and `${param:…}`, the only ones that definitions use. */
function resolve<Value>(value: Value, document: unknown, stage: string): Value {
  if (typeof value === 'string') return resolveText(value, document, stage) as Value;
  if (Array.isArray(value)) return value.map((item) => resolve(item, document, stage)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    resolve(item, document, stage),
  ]);
  return Object.fromEntries(entries);
}

function resolveText(text: string, document: unknown, stage: string): string {
  return text.replace(/\$\{([^}]+)\}/g, (variable, address: string) => {
    if (address === 'sls:stage') return stage;
    const [source = '', path = ''] = address.split(':');
    const roots: Record<string, string[]> = { self: [], param: ['params', 'default'] };
    const names = [...(roots[source] ?? ['nowhere']), ...path.split('.')];
    const found = names.reduce<unknown>((node, name) => Object(node)[name], document);
    if (typeof found === 'number') return String(found);
    if (typeof found !== 'string') throw new Error(`cannot resolve ${variable} in serverless.yml`);
    return resolveText(found, document, stage);
  });
}
