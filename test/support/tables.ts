import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { readDefinitions } from '../../local/aws/definitions.ts';
import { startDynamoDB } from '../../local/aws/dynamodb.ts';

/** The tables of serverless.yml in an embedded DynamoDB of the test's own. */
export async function startTables() {
  const { tables } = await readDefinitions('serverless.yml', 'test');
  const local = await startDynamoDB({ tables });
  const dynamodb = new DynamoDBClient({ endpoint: local.endpoint, ...LOCAL_CREDENTIALS });
  return {
    dynamodb,
    endpoint: local.endpoint,
    tableName: (name: string) => `latchkey-test-${name}`,
    async close() {
      dynamodb.destroy();
      await local.close();
    },
  };
}
